use std::sync::OnceLock;

use samael::crypto::CertificateDer;

use super::signature;

/// A document of no meaning, signed by a key that nobody has kept, and that key's certificate.
const DOCUMENT: &str = include_str!("warm_up.xml");
const CERTIFICATE: &[u8] = include_bytes!("warm_up.der");

static VERIFIED: OnceLock<bool> = OnceLock::new();

#[derive(Debug, thiserror::Error)]
#[error("the libraries that verify signatures (libxml2, xmlsec1 with OpenSSL) do not work here")]
pub struct Unready;

/// Makes ready what is made once for the whole process, by verifying one document: xmlsec and libxml2 must not be made
/// ready by several threads at the same time. Whoever judges does it if nobody has.
pub fn warm_up() -> Result<(), Unready> {
    let verified = || signature::verify(DOCUMENT, &[CertificateDer::from(CERTIFICATE.to_vec())]).is_ok();
    if *VERIFIED.get_or_init(verified) { Ok(()) } else { Err(Unready) }
}
