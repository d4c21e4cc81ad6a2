//! How the wire is protected: libpq's `sslmode` and what goes with it.
//!
//! | `sslmode` | the wire | the certificate |
//! | --- | --- | --- |
//! | `disable` | plain | |
//! | `allow` | plain, else TLS | as `require` |
//! | `prefer` | TLS, else plain | as `require` |
//! | `require` | TLS | by an authority of `sslrootcert`, if that is given |
//! | `verify-ca` | TLS | by an authority of `sslrootcert` |
//! | `verify-full` | TLS | the same, and for the name of the host |

use std::fmt::Display;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ConfigBuilder, SupportedProtocolVersion};
use rustls_native_certs::load_native_certs;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Error;
use super::address::Words;
use super::servers::{Place, Server};
use super::untranslatable::Untranslatable;
use super::verifier::{Proof, Trusted, Verifier};

/// The one word for `sslrootcert` that is no file.
const SYSTEM: &str = "system";

pub(super) struct Tls {
    /// In the order in which they are tried.
    pub(super) modes: &'static [SslMode],
    pub(super) connector: MakeRustlsConnect,
}

impl Tls {
    /// Reads the files that the address names, if they will be used.
    pub(super) fn read(words: &Words, servers: &[Server]) -> Result<Self, Error> {
        let is_local = servers.iter().all(|server| matches!(server.place, Place::Folder(_)));
        let mode = words.get("sslmode").unwrap_or(default_mode(words));
        let modes: &[SslMode] = match mode {
            // PostgreSQL knows no TLS on a Unix socket.
            _ if is_local => &[SslMode::Disable],
            "disable" => &[SslMode::Disable],
            "allow" => &[SslMode::Disable, SslMode::Require],
            "prefer" => &[SslMode::Prefer, SslMode::Disable],
            "require" | "verify-ca" | "verify-full" => &[SslMode::Require],
            _ => return Err(Untranslatable::new("sslmode", "its value is not known there").into()),
        };
        let mut config = match modes {
            [SslMode::Disable] => verifying(Proof::Nothing, &[&TLS13])?.with_no_client_auth(),
            _ => identified(verifying(proof(mode, words)?, &versions(words)?)?, words)?,
        };
        config.enable_sni = words.get("sslsni") != Some("0");
        // Without a question before, this is the only word about what is to be spoken.
        if words.get("sslnegotiation") == Some("direct") {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(Self { modes, connector: MakeRustlsConnect::new(config) })
    }
}

fn default_mode(words: &Words) -> &'static str {
    if words.get("sslrootcert") == Some(SYSTEM) { "verify-full" } else { "prefer" }
}

fn proof(mode: &str, words: &Words) -> Result<Proof, Error> {
    let roots = match words.get("sslrootcert") {
        None => None,
        // Anybody can have a certificate by a public authority: only the name tells one from another.
        Some(SYSTEM) if mode == "verify-full" => Some(trusted(load_native_certs().certs, SYSTEM)?),
        Some(SYSTEM) => {
            return Err(Untranslatable::new("sslmode", "with sslrootcert=system it must be verify-full").into());
        }
        Some(path) => Some(trusted(authorities(path)?, path)?),
    };
    match (mode, roots) {
        ("verify-full", Some(roots)) => Ok(Proof::AuthorityAndName(roots)),
        ("verify-ca" | "verify-full", None) => {
            Err(Untranslatable::new("sslmode", "sslrootcert does not say whom to trust").into())
        }
        (_, Some(roots)) => Ok(Proof::Authority(roots)),
        (_, None) => Ok(Proof::Nothing),
    }
}

fn authorities(path: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(unusable("sslrootcert", path))?.collect();
    certificates.map_err(unusable("sslrootcert", path))
}

fn trusted(certificates: Vec<CertificateDer<'static>>, path: &str) -> Result<Trusted, Error> {
    Trusted::new(certificates).ok_or_else(|| unusable("sslrootcert", path)("there is no certificate in it"))
}

/// Files come and go; so this is not for ever.
fn unusable<E: Display>(parameter: &str, path: &str) -> impl Fn(E) -> Error {
    move |error| Error::Lost(format!("{parameter} {path}: {error}"))
}

/// 1.2 is the oldest that rustls speaks.
fn versions(words: &Words) -> Result<Vec<&'static SupportedProtocolVersion>, Untranslatable> {
    match (words.get("ssl_min_protocol_version"), words.get("ssl_max_protocol_version")) {
        (None | Some("TLSv1" | "TLSv1.1" | "TLSv1.2"), None | Some("TLSv1.3")) => Ok(vec![&TLS13, &TLS12]),
        (None | Some("TLSv1" | "TLSv1.1" | "TLSv1.2"), Some("TLSv1.2")) => Ok(vec![&TLS12]),
        (Some("TLSv1.3"), None | Some("TLSv1.3")) => Ok(vec![&TLS13]),
        _ => Err(Untranslatable::new("ssl_max_protocol_version", "only TLS 1.2 and 1.3 are spoken there")),
    }
}

fn verifying(
    proof: Proof,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Untranslatable> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Verifier::new(proof, provider.signature_verification_algorithms));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| Untranslatable::new("sslmode", error.to_string()))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier))
}

/// With the certificate that the server may ask for.
fn identified(builder: ConfigBuilder<ClientConfig, WantsClientCert>, words: &Words) -> Result<ClientConfig, Error> {
    let certificate = match words.get("sslcertmode") {
        None | Some("allow") => words.get("sslcert"),
        Some("disable") => None,
        Some(_) => return Err(Untranslatable::new("sslcertmode", "its value is not known there").into()),
    };
    let Some(path) = certificate else { return Ok(builder.with_no_client_auth()) };
    let key = words.get("sslkey").ok_or_else(|| Untranslatable::new("sslkey", "it is not given, but sslcert is"))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(unusable("sslkey", key))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(unusable("sslcert", path))?.collect();
    let chain = chain.map_err(unusable("sslcert", path))?;
    builder.with_client_auth_cert(chain, key).map_err(unusable("sslcert", path))
}
