use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::pkey::Id;
use openssl::x509::X509;
use sha2::{Digest as _, Sha256};

const LONGEST_SUBJECT: usize = 300;

/// A key below this is not taken (NIST SP 800-131A).
const FEWEST_RSA_BITS: u32 = 2048;

/// What a provider may sign with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    /// Of all of it: the name that people compare it by.
    pub sha256: [u8; 32],
    pub der: Vec<u8>,
    /// As OpenSSL writes it in one line.
    pub subject: String,
    pub not_before: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
}

/// Why it is none. The sentence is for whoever has given it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("This is no certificate (X.509, in PEM or base64).")]
    NoCertificate,
    #[error("This is a private key. Give the certificate alone, and take a new key: this one has been shown.")]
    PrivateKey,
    #[error("Its key is neither RSA of 2048 bits or more nor ECDSA.")]
    WeakKey,
}

impl Certificate {
    /// One in PEM, or in base64 alone, however its lines are broken.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        if text.contains("PRIVATE KEY-----") {
            return Err(Unreadable::PrivateKey);
        }
        let bare: String = text.lines().filter(|line| !line.trim_start().starts_with("-----")).collect();
        Self::from_base64(&bare)
    }

    /// White space is left out, as metadata has it.
    pub fn from_base64(text: &str) -> Result<Self, Unreadable> {
        let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        Self::from_der(STANDARD.decode(bare).map_err(|_| Unreadable::NoCertificate)?)
    }

    pub fn from_der(der: Vec<u8>) -> Result<Self, Unreadable> {
        let x509 = X509::from_der(&der).map_err(|_| Unreadable::NoCertificate)?;
        let key = x509.public_key().map_err(|_| Unreadable::WeakKey)?;
        let is_strong = match key.id() {
            Id::RSA => key.bits() >= FEWEST_RSA_BITS,
            Id::EC => true,
            _ => false,
        };
        if !is_strong {
            return Err(Unreadable::WeakKey);
        }
        Ok(Self {
            sha256: Sha256::digest(&der).into(),
            subject: subject_of(&x509),
            not_before: instant(x509.not_before()).ok_or(Unreadable::NoCertificate)?,
            not_after: instant(x509.not_after()).ok_or(Unreadable::NoCertificate)?,
            der,
        })
    }

    /// As openssl and providers' consoles show it: pairs of hexadecimal digits between colons.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.sha256)
    }
}

/// The same of any document.
pub fn fingerprint_of(der: &[u8]) -> String {
    fingerprint(&Sha256::digest(der).into())
}

/// A certificate as files have it (RFC 7468, section 5), with a line break at its end.
pub fn pem_of(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let letters: Vec<char> = base64.chars().collect();
    let lines: Vec<String> = letters.chunks(64).map(|line| line.iter().collect()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn fingerprint(sha256: &[u8; 32]) -> String {
    sha256.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn subject_of(x509: &X509) -> String {
    let name = x509.subject_name();
    let part = |entry: &openssl::x509::X509NameEntryRef| {
        let key = entry.object().nid().short_name().unwrap_or("?");
        let value = entry.data().to_string().unwrap_or_default();
        format!("{key}={value}")
    };
    let whole = name.entries().map(part).collect::<Vec<_>>().join(", ");
    whole.chars().filter(|c| !c.is_control()).take(LONGEST_SUBJECT).collect()
}

fn instant(time: &Asn1TimeRef) -> Option<DateTime<Utc>> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    DateTime::from_timestamp(i64::from(since.days) * 86_400 + i64::from(since.secs), 0)
}
