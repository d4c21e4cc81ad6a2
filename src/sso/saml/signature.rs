//! The one place that verifies signatures, with samael, over xmlsec and libxml2. It is given only what the screen has
//! approved, and gives back only what was signed: the very octets that were digested.

use openssl::pkey::Id;
use openssl::x509::X509;
use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoError, CryptoProvider as _, ReduceMode};
use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode as _, Reader as _, SliceReader};

use super::report::Mismatch;
use super::warm::warm_up;

const ALLOWED: [AllowedSignatureAlgorithm; 6] = [
    AllowedSignatureAlgorithm::RsaSha256,
    AllowedSignatureAlgorithm::RsaSha384,
    AllowedSignatureAlgorithm::RsaSha512,
    AllowedSignatureAlgorithm::EcdsaSha256,
    AllowedSignatureAlgorithm::EcdsaSha384,
    AllowedSignatureAlgorithm::EcdsaSha512,
];

/// Shorter ones have been factored.
const SHORTEST_RSA_KEY: u32 = 2048;

/// The certificates that can verify anything, by the kind of their keys. xmlsec gives up when a key is not of the kind
/// that a signature names, rather than trying the next one.
pub(super) struct Keys {
    rsa: Vec<CertificateDer>,
    elliptic: Vec<CertificateDer>,
}

impl Keys {
    /// A certificate's dates are not looked at: the connection says that it is the provider's, and its administrators
    /// are warned before it runs out.
    pub(super) fn of(certificates: &[Vec<u8>]) -> Result<Self, Mismatch> {
        let mut keys = Self { rsa: Vec::new(), elliptic: Vec::new() };
        for der in certificates {
            match kind_of(der) {
                Some(Kind::Rsa(bits)) if bits >= SHORTEST_RSA_KEY => keys.rsa.push(der.clone().into()),
                Some(Kind::Elliptic) => keys.elliptic.push(der.clone().into()),
                Some(Kind::Rsa(_)) | None => {}
            }
        }
        if keys.rsa.is_empty() && keys.elliptic.is_empty() {
            let seen = format!("{} certificates, none of them fit", certificates.len());
            return Err(Mismatch::new(seen, "a certificate of an RSA key of 2048 bits or more, or of an elliptic one"));
        }
        Ok(keys)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// With so many bits.
    Rsa(u32),
    Elliptic,
}

/// Read here, because OpenSSL takes as long for it as for the whole signature; what is not written by the book is left
/// to OpenSSL all the same.
fn kind_of(der: &[u8]) -> Option<Kind> {
    const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    const ELLIPTIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    let Ok(certificate) = Certificate::from_der(der) else { return kind_by_openssl(der) };
    let key = certificate.tbs_certificate.subject_public_key_info;
    match key.algorithm.oid {
        RSA => modulus_bits(key.subject_public_key.raw_bytes()).map(Kind::Rsa),
        ELLIPTIC => Some(Kind::Elliptic),
        _ => None,
    }
}

/// Of an `RSAPublicKey` (RFC 8017, appendix A.1.1).
fn modulus_bits(der: &[u8]) -> Option<u32> {
    let bytes = SliceReader::new(der).ok()?.sequence(|key| {
        let modulus = UintRef::decode(key)?;
        UintRef::decode(key)?;
        Ok(modulus.as_bytes().len())
    });
    u32::try_from(bytes.ok()?).ok()?.checked_mul(8)
}

fn kind_by_openssl(der: &[u8]) -> Option<Kind> {
    let key = X509::from_der(der).ok()?.public_key().ok()?;
    match key.id() {
        Id::RSA => Some(Kind::Rsa(key.bits())),
        Id::EC => Some(Kind::Elliptic),
        _ => None,
    }
}

/// What was signed, of a document that has been screened; of several parts, the whole response.
pub(super) fn signed_part(document: &str, keys: &Keys) -> Result<String, Mismatch> {
    const EXPECTED: &str = "one by a key of the connection's certificates";
    warm_up().map_err(|unready| Mismatch::new(unready.to_string(), EXPECTED))?;
    let certificates = if document.contains("xmldsig-more#ecdsa-") { &keys.elliptic } else { &keys.rsa };
    if certificates.is_empty() {
        return Err(Mismatch::new("a signature by a key of another kind", EXPECTED));
    }
    verify(document, certificates).map_err(|_| Mismatch::new("a signature that does not fit", EXPECTED))
}

/// The pre-digest is what the digest is of: nothing is left to be found in the document by its name or ID.
pub(super) fn verify(document: &str, certificates: &[CertificateDer]) -> Result<String, CryptoError> {
    let mode = ReduceMode::PreDigest;
    Crypto::reduce_xml_to_signed_with_allowed_algorithms(document, certificates, mode, Some(&ALLOWED))
}
