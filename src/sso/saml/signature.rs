//! The one place that verifies signatures, with samael, over xmlsec and libxml2. It is given only what the screen has
//! approved, and gives back only what was signed: the very octets that were digested.

use openssl::pkey::Id;
use openssl::x509::X509;
use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoError, CryptoProvider as _, ReduceMode};

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
            let Some((kind, bits)) = kind_of(der) else { continue };
            if kind == Id::RSA && bits >= SHORTEST_RSA_KEY {
                keys.rsa.push(der.clone().into());
            } else if kind == Id::EC {
                keys.elliptic.push(der.clone().into());
            }
        }
        if keys.rsa.is_empty() && keys.elliptic.is_empty() {
            let seen = format!("{} certificates, none of them fit", certificates.len());
            return Err(Mismatch::new(seen, "a certificate of an RSA key of 2048 bits or more, or of an elliptic one"));
        }
        Ok(keys)
    }
}

fn kind_of(der: &[u8]) -> Option<(Id, u32)> {
    let key = X509::from_der(der).ok()?.public_key().ok()?;
    Some((key.id(), key.bits()))
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
