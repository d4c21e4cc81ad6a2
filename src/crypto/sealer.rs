use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::config::settings::SecretKey;
use crate::kernel::secrets::random_bytes;

const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;

/// The blob was sealed with a key we no longer have, for another purpose, or was tampered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value cannot be opened: its key is not in secrets.key, or it was changed")]
pub struct Unsealable;

/// Encrypts secrets that must be read again, and signs what a browser carries for us.
///
/// XChaCha20-Poly1305 with a random nonce. The blob is `version (1) ‖ key id (4) ‖ nonce (24) ‖ ciphertext`,
/// bound to its purpose as associated data. The first key seals; every key opens, so keys can be rotated.
#[derive(Clone)]
pub struct Sealer {
    keys: Vec<Derived>,
}

#[derive(Clone)]
struct Derived {
    id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
    signing: [u8; 32],
}

impl Sealer {
    /// `None` without any key.
    pub fn new(keys: &[SecretKey]) -> Option<Self> {
        let keys: Vec<Derived> = keys.iter().map(derive).collect();
        (!keys.is_empty()).then_some(Self { keys })
    }

    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let key = self.keys.first().ok_or(Unsealable)?;
        let nonce: [u8; NONCE] = random_bytes();
        let payload = Payload { msg: plain, aad: purpose.as_bytes() };
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| Unsealable)?;
        Ok([&[VERSION], key.id.as_slice(), &nonce, &sealed].concat())
    }

    pub fn open(&self, purpose: &str, blob: &[u8]) -> Result<Vec<u8>, Unsealable> {
        let (&version, rest) = blob.split_first().ok_or(Unsealable)?;
        let (id, rest) = rest.split_first_chunk::<KEY_ID>().ok_or(Unsealable)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(Unsealable)?;
        let key = self.keys.iter().find(|key| version == VERSION && key.id == *id).ok_or(Unsealable)?;
        let payload = Payload { msg: sealed, aad: purpose.as_bytes() };
        key.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| Unsealable)
    }

    /// HMAC-SHA-256 under the first key.
    pub fn sign(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        self.keys.first().map_or([0; 32], |key| mac(key, purpose, message).finalize().into_bytes().into())
    }

    /// Whether any of the keys made this signature. Constant time.
    pub fn is_signed(&self, purpose: &str, message: &[u8], signature: &[u8]) -> bool {
        self.keys.iter().any(|key| mac(key, purpose, message).verify_slice(signature).is_ok())
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealer({} keys)", self.keys.len())
    }
}

fn derive(key: &SecretKey) -> Derived {
    let part = |label: &str| -> [u8; 32] {
        let mut mac = keyed(key.expose());
        mac.update(label.as_bytes());
        mac.finalize().into_bytes().into()
    };
    let digest: [u8; 32] = Sha256::digest(part("vestibule key id")).into();
    let [a, b, c, d, ..] = digest;
    Derived {
        id: [a, b, c, d],
        cipher: XChaCha20Poly1305::new(&part("vestibule seal").into()),
        signing: part("vestibule sign"),
    }
}

fn mac(key: &Derived, purpose: &str, message: &[u8]) -> Hmac<Sha256> {
    let mut mac = keyed(&key.signing);
    // The length keeps ("ab", "c") apart from ("a", "bc").
    mac.update(&(purpose.len() as u64).to_be_bytes());
    mac.update(purpose.as_bytes());
    mac.update(message);
    mac
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104, section 2)")]
    Hmac::<Sha256>::new_from_slice(key).expect("any length is a key")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_bytes(vec![byte; 32]).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_for_the_same_purpose_only() {
        let sealer = Sealer::new(&[key(1)]).unwrap();
        let blob = sealer.seal("mail", b"the link").unwrap();
        assert_eq!(sealer.open("mail", &blob).unwrap(), b"the link");
        assert_eq!(sealer.open("totp", &blob), Err(Unsealable));
    }

    #[test]
    fn a_changed_or_cut_blob_does_not_open() {
        let sealer = Sealer::new(&[key(1)]).unwrap();
        let blob = sealer.seal("mail", b"the link").unwrap();
        for at in 0..blob.len() {
            let mut changed = blob.clone();
            changed[at] ^= 1;
            assert_eq!(sealer.open("mail", &changed), Err(Unsealable), "byte {at}");
            assert_eq!(sealer.open("mail", &blob[..at]), Err(Unsealable));
        }
    }

    #[test]
    fn an_old_key_opens_and_the_new_one_seals() {
        let old = Sealer::new(&[key(1)]).unwrap();
        let rotated = Sealer::new(&[key(2), key(1)]).unwrap();
        let new = Sealer::new(&[key(2)]).unwrap();
        assert_eq!(rotated.open("mail", &old.seal("mail", b"x").unwrap()).unwrap(), b"x");
        assert_eq!(new.open("mail", &rotated.seal("mail", b"x").unwrap()).unwrap(), b"x");
        assert!(rotated.is_signed("csrf", b"x", &old.sign("csrf", b"x")));
        assert!(!new.is_signed("csrf", b"x", &old.sign("csrf", b"x")));
        assert!(!rotated.is_signed("other", b"x", &old.sign("csrf", b"x")));
    }
}
