use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::config::settings::SecretKey;
use crate::kernel::Token;
use crate::kernel::secrets::random_bytes;

const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;
const TOKEN: usize = 32;
const TAG: usize = 16;
/// In base64.
const TAGGED: usize = 64;

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
    /// With its key, ready to take a token: this is on the hot path.
    tagging: Hmac<Sha256>,
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

    /// The token with a tag beside it (HMAC-SHA-256, its first 128 bits, under the first key), by which we know it for
    /// one of ours before we look for it: 64 characters of unpadded base64url.
    pub fn tag(&self, token: &Token) -> String {
        let tag = self.keys.first().map_or([0; TAG], |key| tag(key, token.as_bytes()));
        let mut tagged = [0; TOKEN + TAG];
        let (own, beside) = tagged.split_at_mut(TOKEN);
        own.copy_from_slice(token.as_bytes());
        beside.copy_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(tagged)
    }

    /// The token that [`Sealer::tag`] wrote under any of the keys. `None` for every other text. Constant time.
    pub fn untag(&self, text: &[u8]) -> Option<Token> {
        if text.len() != TAGGED {
            return None;
        }
        let mut tagged = [0; TOKEN + TAG];
        URL_SAFE_NO_PAD.decode_slice(text, &mut tagged).ok()?;
        let (token, beside) = tagged.split_first_chunk::<TOKEN>()?;
        let is_ours = self.keys.iter().any(|key| tag(key, token).as_slice().ct_eq(beside).into());
        is_ours.then(|| Token::from_bytes(*token))
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
        tagging: keyed(&part("vestibule tag")),
    }
}

fn tag(key: &Derived, token: &[u8; TOKEN]) -> [u8; TAG] {
    let mut mac = key.tagging.clone();
    mac.update(token);
    let whole: [u8; 32] = mac.finalize().into_bytes().into();
    whole.first_chunk().copied().unwrap_or_default()
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
    fn a_tagged_token_is_known_and_nothing_else_is() {
        let sealer = Sealer::new(&[key(1)]).unwrap();
        let token = Token::generate();
        let text = sealer.tag(&token);
        assert_eq!(text.len(), TAGGED);
        assert_eq!(sealer.untag(text.as_bytes()).unwrap().digest(), token.digest());
        for at in 0..text.len() {
            for other in *b"AQgw-_9" {
                let mut changed = text.clone().into_bytes();
                if std::mem::replace(&mut changed[at], other) != other {
                    assert!(sealer.untag(&changed).is_none(), "character {at}");
                }
            }
        }
        let no_tag = token.expose();
        for wrong in
            ["", "A", &no_tag, &"A".repeat(64), &"!".repeat(64), &text[1..], &format!("{text}A"), &"é".repeat(32)]
        {
            assert!(sealer.untag(wrong.as_bytes()).is_none(), "{wrong}");
        }
        assert!(Sealer::new(&[key(2)]).unwrap().untag(text.as_bytes()).is_none());
    }

    #[test]
    fn an_old_key_knows_its_tokens_and_the_new_one_makes_them() {
        let (old, rotated, new) = (&[key(1)][..], &[key(2), key(1)][..], &[key(2)][..]);
        let [old, rotated, new] = [old, rotated, new].map(|keys| Sealer::new(keys).unwrap());
        let token = Token::generate();
        assert!(rotated.untag(old.tag(&token).as_bytes()).is_some());
        assert!(new.untag(old.tag(&token).as_bytes()).is_none());
        assert_eq!(rotated.tag(&token), new.tag(&token));
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
