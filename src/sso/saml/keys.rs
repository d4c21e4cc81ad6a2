//! The keys that are ours: we sign requests with them, and providers encrypt to them.

use chrono::{DateTime, Months, Utc};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Name};
use zeroize::Zeroizing;

use crate::kernel::secrets::random_bytes;

const BITS: u32 = 3072;

/// Providers ask for a certificate that is not over; nobody asks who has issued it.
const YEARS: u32 = 10;

/// A key with the certificate that it has signed itself.
pub struct Pair {
    /// PKCS#8, DER.
    pub key: Zeroizing<Vec<u8>>,
    /// X.509, DER.
    pub certificate: Vec<u8>,
    pub not_after: DateTime<Utc>,
}

#[derive(Debug, thiserror::Error)]
#[error("a key cannot be made: {0}")]
pub struct Error(#[from] ErrorStack);

/// Makes a key (RSA, 3072 bits) and its certificate, good for ten years from `now`. It takes a good part of a second,
/// so it is nothing for an async thread or a transaction. `name` becomes the common name, as far as there is room.
pub fn generate(name: &str, now: DateTime<Utc>) -> Result<Pair, Error> {
    let key = PKey::from_rsa(Rsa::generate(BITS)?)?;
    let not_after = now.checked_add_months(Months::new(12 * YEARS)).unwrap_or(now);
    let subject = common_name(name)?;
    let mut certificate = X509::builder()?;
    // Version 3 (RFC 5280, section 4.1.2.1).
    certificate.set_version(2)?;
    certificate.set_serial_number(serial()?.as_ref())?;
    certificate.set_subject_name(&subject)?;
    certificate.set_issuer_name(&subject)?;
    certificate.set_pubkey(&key)?;
    certificate.set_not_before(Asn1Time::from_unix(now.timestamp())?.as_ref())?;
    certificate.set_not_after(Asn1Time::from_unix(not_after.timestamp())?.as_ref())?;
    certificate.sign(&key, MessageDigest::sha256())?;
    Ok(Pair { key: Zeroizing::new(key.private_key_to_pkcs8()?), certificate: certificate.build().to_der()?, not_after })
}

fn common_name(name: &str) -> Result<X509Name, ErrorStack> {
    // RFC 5280, appendix A: ub-common-name.
    let name: String = name.chars().take(64).collect();
    let mut subject = X509Name::builder()?;
    subject.append_entry_by_text("CN", &name)?;
    Ok(subject.build())
}

/// Positive, and of 20 bytes at most (RFC 5280, section 4.1.2.2).
fn serial() -> Result<openssl::asn1::Asn1Integer, ErrorStack> {
    BigNum::from_slice(&random_bytes::<16>())?.to_asn1_integer()
}
