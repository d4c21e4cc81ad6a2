//! Secrets: the token that is shown once, the digest that is kept, and a wrapper that prints nothing.

use std::fmt;
use std::hash::{Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Random bytes from the operating system's generator, through `rand`'s thread-local CSPRNG.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::disallowed_methods, reason = "chance's home")]
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// 256 random bits that somebody holds: a session cookie, a mailed link.
///
/// Written as 43 characters of unpadded base64url (RFC 4648, section 5). It is shown once and never
/// stored; the database keeps its [`Digest`].
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Token([u8; 32]);

impl Token {
    pub fn generate() -> Self {
        Self(random_bytes())
    }

    /// What [`Token::expose`] wrote, and nothing else: a text of another length or alphabet is `None`,
    /// so that it need not be looked up.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 43 {
            return None;
        }
        let mut bytes = [0; 32];
        let written = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (written == bytes.len()).then_some(Self(bytes))
    }

    /// For who writes it another way: 32 bytes that were a token's before.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The text to hand to its holder.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// SHA-256 over the 32 bytes. 256 random bits need no salt and no slow hash.
    pub fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.0).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The SHA-256 of a secret: what is stored and looked up. Compared in constant time.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of any bytes, for keys that must not be kept in clear (an unknown address).
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `None` unless there are exactly 32 bytes.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

/// It is a hash already.
impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// A text nobody may print: a password on its way to the hasher. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop, serde::Deserialize)]
#[serde(transparent)]
pub struct Redacted(String);

impl Redacted {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_from_its_text() {
        let token = Token::generate();
        let again = Token::parse(&token.expose()).unwrap();
        assert_eq!(token.digest(), again.digest());
    }

    #[test]
    fn what_is_not_a_token_is_not_looked_up() {
        for text in ["", "short", &"A".repeat(42), &"A".repeat(44), &"!".repeat(43), &"é".repeat(21)] {
            assert!(Token::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let token = Token::generate();
        assert!(!format!("{token:?}").contains(&token.expose()));
        assert_eq!(format!("{:?}", Redacted::new("hunter2".into())), "[redacted]");
    }
}
