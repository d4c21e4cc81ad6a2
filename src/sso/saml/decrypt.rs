//! Opening encrypted assertions: AES, by a key that is encrypted by RSA-OAEP. RSA 1.5 is refused, since answers to it
//! are an oracle; whatever else goes wrong looks the same to whoever sent it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::encrypt::Decrypter;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Padding;
use openssl::symm::{Cipher, Crypter, Mode};
use roxmltree::Node;

use super::Check;
use super::report::Failure;
use super::screen::failed;
use super::tree::{self, ENCRYPTION, ENCRYPTION_11, SIGNATURE};

/// As many encrypted keys are tried, each with every key of the connection's.
const MOST_KEYS: usize = 8;

const OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const OAEP_11: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
const MGF: &str = "http://www.w3.org/2009/xmlenc11#mgf1";

/// How the assertion itself is encrypted.
#[derive(Clone, Copy)]
enum Content {
    Cbc(fn() -> Cipher),
    Gcm(fn() -> Cipher),
}

/// The text of the assertion in an `EncryptedAssertion`.
pub(super) fn open(encrypted: Node<'_, '_>, keys: &[Vec<u8>]) -> Result<String, Failure> {
    let Some(data) = tree::child(encrypted, (ENCRYPTION, "EncryptedData")) else {
        return failed(Check::Encryption, "no EncryptedData", "EncryptedData");
    };
    let content = content_algorithm(data)?;
    let wrapped = wrapped_keys(encrypted)?;
    let sealed = cipher_value(data)?;
    let keys: Vec<PKey<Private>> = keys.iter().filter_map(|der| PKey::private_key_from_pkcs8(der).ok()).collect();
    for (algorithm, ciphertext) in &wrapped {
        for key in &keys {
            let opened = unwrap_key(key, algorithm, ciphertext).and_then(|secret| decrypt(content, &secret, &sealed));
            if let Some(text) = opened.and_then(|bytes| String::from_utf8(bytes).ok()) {
                return Ok(text);
            }
        }
    }
    failed(Check::Decryption, "no key that opens it", "one of the connection's keys")
}

fn content_algorithm(data: Node<'_, '_>) -> Result<Content, Failure> {
    match method(data) {
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => Ok(Content::Cbc(Cipher::aes_128_cbc)),
        "http://www.w3.org/2001/04/xmlenc#aes192-cbc" => Ok(Content::Cbc(Cipher::aes_192_cbc)),
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => Ok(Content::Cbc(Cipher::aes_256_cbc)),
        "http://www.w3.org/2009/xmlenc11#aes128-gcm" => Ok(Content::Gcm(Cipher::aes_128_gcm)),
        "http://www.w3.org/2009/xmlenc11#aes192-gcm" => Ok(Content::Gcm(Cipher::aes_192_gcm)),
        "http://www.w3.org/2009/xmlenc11#aes256-gcm" => Ok(Content::Gcm(Cipher::aes_256_gcm)),
        other => failed(Check::Encryption, other, "AES of 128, 192 or 256 bits, by CBC or GCM"),
    }
}

/// What the `EncryptionMethod` of encrypted data or of an encrypted key says.
fn method<'a>(encrypted: Node<'a, '_>) -> &'a str {
    let method = tree::child(encrypted, (ENCRYPTION, "EncryptionMethod"));
    method.and_then(|method| tree::attribute(method, "Algorithm")).unwrap_or("none")
}

#[derive(Clone, Copy)]
struct Oaep {
    digest: fn() -> MessageDigest,
    mask: fn() -> MessageDigest,
}

/// All encrypted keys, wherever the provider has put them: beside the data or in its `KeyInfo`.
fn wrapped_keys(encrypted: Node<'_, '_>) -> Result<Vec<(Oaep, Vec<u8>)>, Failure> {
    let found: Vec<Node<'_, '_>> =
        encrypted.descendants().filter(|node| tree::is(*node, (ENCRYPTION, "EncryptedKey"))).collect();
    if found.is_empty() || found.len() > MOST_KEYS {
        return failed(Check::Encryption, format!("{} encrypted keys", found.len()), format!("1 to {MOST_KEYS}"));
    }
    found.into_iter().map(|key| Ok((oaep(key)?, cipher_value(key)?))).collect()
}

fn oaep(key: Node<'_, '_>) -> Result<Oaep, Failure> {
    let algorithm = method(key);
    let details = tree::child(key, (ENCRYPTION, "EncryptionMethod"));
    let named = |name| {
        details.and_then(|details| tree::child(details, name)).and_then(|node| tree::attribute(node, "Algorithm"))
    };
    let has_label = details.is_some_and(|details| tree::child(details, (ENCRYPTION, "OAEPparams")).is_some());
    if has_label {
        return failed(Check::Encryption, "OAEPparams", "no label of RSA-OAEP");
    }
    let digest = match named((SIGNATURE, "DigestMethod")) {
        None | Some("http://www.w3.org/2000/09/xmldsig#sha1") => MessageDigest::sha1,
        Some("http://www.w3.org/2001/04/xmlenc#sha256") => MessageDigest::sha256,
        Some("http://www.w3.org/2001/04/xmldsig-more#sha384") => MessageDigest::sha384,
        Some("http://www.w3.org/2001/04/xmlenc#sha512") => MessageDigest::sha512,
        Some(other) => return failed(Check::Encryption, other, "SHA-1 or SHA-2 within RSA-OAEP"),
    };
    let mask = match (algorithm, named((ENCRYPTION_11, "MGF")).map(|mask| mask.strip_prefix(MGF).unwrap_or(mask))) {
        (OAEP, None) | (OAEP_11, None | Some("sha1")) => MessageDigest::sha1,
        (OAEP_11, Some("sha256")) => MessageDigest::sha256,
        (OAEP_11, Some("sha384")) => MessageDigest::sha384,
        (OAEP_11, Some("sha512")) => MessageDigest::sha512,
        (other, _) => return failed(Check::Encryption, other, format!("{OAEP} or {OAEP_11}")),
    };
    Ok(Oaep { digest, mask })
}

fn cipher_value(encrypted: Node<'_, '_>) -> Result<Vec<u8>, Failure> {
    let data = tree::child(encrypted, (ENCRYPTION, "CipherData"));
    let value =
        data.and_then(|data| tree::child(data, (ENCRYPTION, "CipherValue"))).map(tree::text).unwrap_or_default();
    let compact: Vec<u8> = value.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(compact).or_else(|_| failed(Check::Encryption, "a CipherValue that is not base64", "base64"))
}

fn unwrap_key(key: &PKey<Private>, oaep: &Oaep, ciphertext: &[u8]) -> Option<Vec<u8>> {
    let mut decrypter = Decrypter::new(key).ok()?;
    decrypter.set_rsa_padding(Padding::PKCS1_OAEP).ok()?;
    decrypter.set_rsa_oaep_md((oaep.digest)()).ok()?;
    decrypter.set_rsa_mgf1_md((oaep.mask)()).ok()?;
    let mut secret = vec![0; decrypter.decrypt_len(ciphertext).ok()?];
    let length = decrypter.decrypt(ciphertext, &mut secret).ok()?;
    secret.truncate(length);
    Some(secret)
}

/// The initialisation vector comes first, the tag of GCM last (XML Encryption 1.1, sections 5.2.1 and 5.2.4).
fn decrypt(content: Content, secret: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    match content {
        Content::Cbc(cipher) => {
            let (vector, sealed) = sealed.split_at_checked(16)?;
            without_padding(run(cipher(), secret, vector, (sealed, None))?)
        }
        Content::Gcm(cipher) => {
            let (vector, rest) = sealed.split_at_checked(12)?;
            let (sealed, tag) = rest.split_at_checked(rest.len().checked_sub(16)?)?;
            run(cipher(), secret, vector, (sealed, Some(tag)))
        }
    }
}

fn run(cipher: Cipher, secret: &[u8], vector: &[u8], (sealed, tag): (&[u8], Option<&[u8]>)) -> Option<Vec<u8>> {
    if secret.len() != cipher.key_len() {
        return None;
    }
    let mut crypter = Crypter::new(cipher, Mode::Decrypt, secret, Some(vector)).ok()?;
    crypter.pad(false);
    if let Some(tag) = tag {
        crypter.set_tag(tag).ok()?;
    }
    let mut clear = vec![0; sealed.len() + cipher.block_size()];
    let length = crypter.update(sealed, &mut clear).ok()?;
    let rest = crypter.finalize(clear.get_mut(length..)?).ok()?;
    clear.truncate(length + rest);
    Some(clear)
}

/// The last octet says how many there are; the others may be anything (XML Encryption 1.1, section 5.2).
fn without_padding(mut clear: Vec<u8>) -> Option<Vec<u8>> {
    let length = usize::from(*clear.last()?);
    if !(1..=16).contains(&length) {
        return None;
    }
    clear.truncate(clear.len().checked_sub(length)?);
    Some(clear)
}
