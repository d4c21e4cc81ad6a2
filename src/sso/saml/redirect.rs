//! The HTTP-Redirect binding (SAML bindings, 3.4.4.1): deflated, in base64, in a query whose octets are signed.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::{Signer, Verifier};
use openssl::x509::X509;
use url::form_urlencoded::{byte_serialize, parse};

use super::outgoing::{CannotSign, Kind, RSA_SHA256};

const DEFLATE: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";

/// The largest document, inflated, in bytes. Those about signing out have one or two kilobytes.
const LARGEST: u64 = 64 * 1024;

/// Shorter ones have been factored.
const FEWEST_RSA_BITS: u32 = 2048;

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

/// What a redirect has brought. Nothing of it is verified yet.
pub(super) struct Signed<'a> {
    pub(super) kind: Kind,
    /// In base64, deflated.
    pub(super) message: String,
    pub(super) signature: Option<Signature<'a>>,
}

pub(super) struct Signature<'a> {
    /// The octets that it is of, as they have arrived: the same could be written in several ways.
    of: [Option<&'a str>; 3],
    algorithm: String,
    value: Vec<u8>,
}

/// Each parameter stands there once at most, and exactly one message. `None` for any other query.
pub(super) fn read(query: &str) -> Option<Signed<'_>> {
    let (request, response) = (part(query, "SAMLRequest").ok()?, part(query, "SAMLResponse").ok()?);
    let (kind, message) = match (request, response) {
        (Some(part), None) => (Kind::Request, part),
        (None, Some(part)) => (Kind::Response, part),
        (None, None) | (Some(_), Some(_)) => return None,
    };
    let (state, algorithm) = (part(query, "RelayState").ok()?, part(query, "SigAlg").ok()?);
    // The other encodings that one could name are nobody's.
    if part(query, "SAMLEncoding").ok()?.is_some_and(|part| decoded(part) != DEFLATE) {
        return None;
    }
    let signature = match (part(query, "Signature").ok()?, algorithm) {
        (Some(value), Some(named)) => Some(Signature {
            of: [Some(message), state, algorithm],
            algorithm: decoded(named),
            value: STANDARD.decode(without_blanks(&decoded(value))).ok()?,
        }),
        (None, _) | (Some(_), None) => None,
    };
    Some(Signed { kind, message: decoded(message), signature })
}

/// The document of a message, if it is one and not larger than it may be.
pub(super) fn inflate(message: &str) -> Option<String> {
    let deflated = STANDARD.decode(without_blanks(message)).ok()?;
    let mut document = Vec::new();
    let mut decoder = DeflateDecoder::new(deflated.as_slice()).take(LARGEST + 1);
    decoder.read_to_end(&mut document).ok()?;
    if document.len() as u64 > LARGEST {
        return None;
    }
    String::from_utf8(document).ok()
}

impl Signature<'_> {
    /// Whether the key of this certificate (X.509, DER) has made it.
    pub(super) fn is_by(&self, certificate: &[u8]) -> bool {
        let Some((kind, digest)) = algorithm_of(&self.algorithm) else { return false };
        let key = X509::from_der(certificate).and_then(|certificate| certificate.public_key());
        let Some(key) = key.ok().filter(|key| key.id() == kind && (kind != Id::RSA || key.bits() >= FEWEST_RSA_BITS))
        else {
            return false;
        };
        let signed: Vec<&str> = self.of.into_iter().flatten().collect();
        let value = if kind == Id::EC { in_der(&self.value) } else { Some(self.value.clone()) };
        let Some(value) = value else { return false };
        let verified = Verifier::new(digest, &key)
            .and_then(|mut verifier| verifier.verify_oneshot(&value, signed.join("&").as_bytes()));
        verified.unwrap_or(false)
    }
}

fn algorithm_of(uri: &str) -> Option<(Id, MessageDigest)> {
    let (kind, digest) = uri.strip_prefix("http://www.w3.org/2001/04/xmldsig-more#")?.split_once('-')?;
    let kind = match kind {
        "rsa" => Id::RSA,
        "ecdsa" => Id::EC,
        _ => return None,
    };
    match digest {
        "sha256" => Some((kind, MessageDigest::sha256())),
        "sha384" => Some((kind, MessageDigest::sha384())),
        "sha512" => Some((kind, MessageDigest::sha512())),
        _ => None,
    }
}

/// In XML signatures the two numbers of ECDSA stand side by side (RFC 4050, section 3.3), for OpenSSL in DER.
fn in_der(side_by_side: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = side_by_side.split_at_checked(side_by_side.len() / 2)?;
    let number = |bytes: &[u8]| BigNum::from_slice(bytes).ok();
    EcdsaSig::from_private_components(number(r)?, number(s)?).ok()?.to_der().ok()
}

/// A parameter stands there twice.
struct Twice;

/// `name=value`, not decoded, if it is there.
fn part<'a>(query: &'a str, name: &str) -> Result<Option<&'a str>, Twice> {
    let is_it = |part: &&str| part.split('=').next().is_some_and(|own| decoded_name(own) == name);
    let mut parts = query.split('&').filter(is_it);
    match (parts.next(), parts.next()) {
        (found, None) => Ok(found),
        (_, Some(_)) => Err(Twice),
    }
}

/// So that nothing is hidden from us by how it is written.
fn decoded_name(name: &str) -> String {
    parse(name.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

fn decoded(part: &str) -> String {
    parse(part.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// Some wrap their base64.
fn without_blanks(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_whitespace()).collect()
}
