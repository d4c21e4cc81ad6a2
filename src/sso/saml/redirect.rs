//! The HTTP-Redirect binding (SAML bindings, 3.4.4.1): deflated, in base64, in a query whose octets are signed.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;
use url::form_urlencoded::byte_serialize;

use super::outgoing::{CannotSign, Kind, RSA_SHA256};

/// The query of a message, in the order in which it is signed.
pub(super) fn query(kind: Kind, xml: &str, relay_state: Option<&str>) -> String {
    let state = relay_state.map(|state| format!("&RelayState={}", encode(state))).unwrap_or_default();
    format!("{}={}{state}", kind.parameter(), encode(&STANDARD.encode(deflate(xml.as_bytes()))))
}

/// The same, signed with a private key for RSA (PKCS#8, DER).
pub(super) fn sign(query: &str, key: &[u8]) -> Result<String, CannotSign> {
    let signed = format!("{query}&SigAlg={}", encode(RSA_SHA256));
    let key = rsa_key(key)?;
    let signature = Signer::new(MessageDigest::sha256(), &key)
        .and_then(|mut signer| signer.sign_oneshot_to_vec(signed.as_bytes()))
        .map_err(|_| CannotSign)?;
    Ok(format!("{signed}&Signature={}", encode(&STANDARD.encode(signature))))
}

/// A private key for RSA, of PKCS#8 in DER.
pub(super) fn rsa_key(der: &[u8]) -> Result<PKey<Private>, CannotSign> {
    PKey::private_key_from_pkcs8(der).ok().filter(|key| key.id() == Id::RSA).ok_or(CannotSign)
}

/// An address of a provider may have a query of its own, which comes first.
pub(super) fn append(address: &str, query: &str) -> String {
    let address = address.split('#').next().unwrap_or_default();
    let between = if address.contains('?') { '&' } else { '?' };
    format!("{address}{between}{query}")
}

fn encode(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}
