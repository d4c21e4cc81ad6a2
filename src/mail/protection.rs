use lettre::transport::smtp::client::{Certificate, TlsParameters};

use super::transport::Unusable;
use crate::config::settings::{self, SmtpScheme, Tls};

/// How the conversation with the server is kept from others.
pub(super) enum Protection {
    /// TLS from the first byte (RFC 8314).
    Implicit(TlsParameters),
    /// STARTTLS or nothing (RFC 3207).
    StartTls(TlsParameters),
    StartTlsIfOffered(TlsParameters),
    None,
}

impl Protection {
    pub fn of(mail: &settings::Mail, has_password: bool) -> Result<Self, Unusable> {
        let implicit = mail.url.scheme == SmtpScheme::Submissions;
        if mail.tls == Tls::Off && !implicit {
            return Ok(Self::None);
        }
        let tls = tls_parameters(mail)?;
        Ok(match mail.tls {
            _ if implicit => Self::Implicit(tls),
            // Whoever strips the offer out of the greeting must not be told the password.
            Tls::Opportunistic if !has_password => Self::StartTlsIfOffered(tls),
            Tls::Opportunistic | Tls::Required | Tls::Off => Self::StartTls(tls),
        })
    }
}

fn tls_parameters(mail: &settings::Mail) -> Result<TlsParameters, Unusable> {
    let mut builder = TlsParameters::builder(mail.url.host.clone());
    if let Some(path) = &mail.ca_file {
        let unusable = |cause: String| Unusable(format!("mail.ca_file: {}: {cause}", path.display()));
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err(unusable("there is no certificate in it (PEM)".to_owned()));
        }
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|e| unusable(e.to_string()))?);
    }
    builder.build().map_err(|error| Unusable(format!("mail: TLS cannot be set up: {error}")))
}
