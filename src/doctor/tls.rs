//! Whether a server proves who it is, as browsers want it.

use std::io;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rustls::crypto::ring as provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_native_certs::load_native_certs;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_cert::der::Decode as _;

/// A connection whose other end has proved who it is.
pub(super) type Secured = TlsStream<TcpStream>;

/// What a browser would show a warning for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    #[error("its certificate has expired")]
    Expired,
    #[error("its certificate is not valid yet")]
    NotYet,
    #[error("its certificate is for another name")]
    OtherName,
    #[error("no authority that is trusted here vouches for its certificate")]
    UnknownAuthority,
    #[error("TLS fails: {0}")]
    Other(String),
}

/// The authorities' file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}")]
pub struct NoAuthority {
    path: String,
    why: String,
}

#[derive(Clone)]
pub struct Tls(TlsConnector);

impl Tls {
    /// Trusts the authorities of this system, and those of a PEM file beside them.
    pub fn new(authorities: Option<&str>) -> Result<Self, NoAuthority> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(load_native_certs().certs);
        if let Some(path) = authorities {
            let failed = |why: String| NoAuthority { path: path.to_owned(), why };
            let own: Result<Vec<_>, _> =
                CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?.collect();
            let (usable, _) = roots.add_parsable_certificates(own.map_err(|error| failed(error.to_string()))?);
            if usable == 0 {
                return Err(failed("there is no certificate in it".to_owned()));
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| NoAuthority { path: "TLS".to_owned(), why: error.to_string() })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    pub(super) async fn shake_hands(&self, host: &str, tcp: TcpStream) -> Result<Secured, Fault> {
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|error| Fault::Other(error.to_string()))?;
        self.0.connect(name, tcp).await.map_err(|error| fault(&error))
    }
}

fn fault(error: &io::Error) -> Fault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(wrong)) => match wrong {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Fault::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Fault::NotYet,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Fault::OtherName,
            CertificateError::UnknownIssuer => Fault::UnknownAuthority,
            other => Fault::Other(other.to_string()),
        },
        Some(other) => Fault::Other(other.to_string()),
        None => Fault::Other(error.to_string()),
    }
}

/// Of a server that has proved itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Certificate {
    not_after: DateTime<Utc>,
}

impl Certificate {
    pub(super) fn of(stream: &Secured) -> Option<Self> {
        let (_, connection) = stream.get_ref();
        let certificate = x509_cert::Certificate::from_der(connection.peer_certificates()?.first()?).ok()?;
        let end = certificate.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
        DateTime::from_timestamp(i64::try_from(end).ok()?, 0).map(|not_after| Self { not_after })
    }

    pub(super) fn left(self, now: DateTime<Utc>) -> TimeDelta {
        self.not_after - now
    }
}
