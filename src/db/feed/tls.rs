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
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Error;
use super::address::Words;
use super::untranslatable::Untranslatable;

/// The one word for `sslrootcert` that is no file.
const SYSTEM: &str = "system";

pub(super) struct Tls {
    /// In the order in which they are tried.
    pub(super) modes: &'static [SslMode],
    pub(super) connector: MakeRustlsConnect,
}

/// What a server has to prove. Whoever holds the key of its certificate speaks in any case.
enum Proof {
    Nothing,
    Authority(RootCertStore),
    AuthorityAndName(RootCertStore),
}

impl Tls {
    /// Reads the files that the address names.
    pub(super) fn read(words: &Words) -> Result<Self, Error> {
        let mode = words.get("sslmode").unwrap_or(default_mode(words));
        let modes: &[SslMode] = match mode {
            "disable" => &[SslMode::Disable],
            "allow" => &[SslMode::Disable, SslMode::Require],
            "prefer" => &[SslMode::Prefer, SslMode::Disable],
            "require" | "verify-ca" | "verify-full" => &[SslMode::Require],
            _ => return Err(Untranslatable::new("sslmode", "its value is not known there").into()),
        };
        // Files that will not be used need not exist.
        let proof = if mode == "disable" { Proof::Nothing } else { proof(mode, words)? };
        let builder = verifying(proof, &versions(words)?)?;
        let mut config = if mode == "disable" { builder.with_no_client_auth() } else { identified(builder, words)? };
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
        Some(SYSTEM) if mode == "verify-full" => Some(public_authorities()?),
        Some(SYSTEM) => {
            return Err(Untranslatable::new("sslmode", "with sslrootcert=system it must be verify-full").into());
        }
        Some(path) => Some(authorities(path)?),
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

fn authorities(path: &str) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unusable("sslrootcert", path))? {
        let certificate = certificate.map_err(unusable("sslrootcert", path))?;
        roots.add(certificate).map_err(unusable("sslrootcert", path))?;
    }
    if roots.is_empty() { Err(unusable("sslrootcert", path)("there is no certificate in it")) } else { Ok(roots) }
}

fn public_authorities() -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(unusable("sslrootcert", SYSTEM)("it has no certificate")) } else { Ok(roots) }
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
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| Untranslatable::new("sslmode", error.to_string()))?;
    let lenient = |roots| Arc::new(Lenient { roots, algorithms });
    Ok(match proof {
        Proof::AuthorityAndName(roots) => builder.with_root_certificates(roots),
        Proof::Authority(roots) => builder.dangerous().with_custom_certificate_verifier(lenient(Some(roots))),
        Proof::Nothing => builder.dangerous().with_custom_certificate_verifier(lenient(None)),
    })
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

/// Asks for an authority or for nothing, and never for a name.
#[derive(Debug)]
struct Lenient {
    roots: Option<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
