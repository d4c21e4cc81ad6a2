use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// An uncompressed point: 4, then 32 bytes each of x and y (SEC 1, section 2.3.3).
const POINT: usize = 65;

/// What was to be a key is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no key on P-256")]
pub struct Unusable;

/// Signs by ES256: ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4), which every library for JSON Web Tokens verifies.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// A new one, as PKCS #8. Its chance comes from the operating system.
    pub fn generate() -> Result<Zeroizing<Vec<u8>>, Unusable> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        document.map(|document| Zeroizing::new(document.as_ref().to_vec())).map_err(|_| Unusable)
    }

    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, Unusable> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes, &SystemRandom::new());
        let pair = pair.map_err(|_| Unusable)?;
        let public = PublicKey::from_bytes(pair.public_key().as_ref()).ok_or(Unusable)?;
        Ok(Self { pair, public })
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// 64 bytes, r and s: what a JSON Web Signature has in base64url (RFC 7518, section 3.4).
    pub fn sign(&self, message: &[u8]) -> Result<impl AsRef<[u8]> + use<>, Unusable> {
        self.pair.sign(&SystemRandom::new(), message).map_err(|_| Unusable)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.public.thumbprint())
    }
}

/// By which others verify what a [`SigningKey`] has signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PublicKey([u8; POINT]);

impl PublicKey {
    /// `None` for what is not an uncompressed point. Whether it lies on the curve is not looked at: ours do.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let point: [u8; POINT] = bytes.try_into().ok()?;
        matches!(point, [4, ..]).then_some(Self(point))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The coordinates in base64url, as they stand in a JSON Web Key (RFC 7518, section 6.2.1).
    pub fn coordinates(&self) -> [String; 2] {
        let [_, both @ ..] = &self.0;
        let (x, y) = both.split_at(both.len() / 2);
        [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate))
    }

    /// Of its JSON Web Key (RFC 7638): SHA-256 in base64url, 43 characters.
    pub fn thumbprint(&self) -> String {
        let [x, y] = self.coordinates();
        // The members that matter, in the order of their names and without white space (section 3.2).
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        URL_SAFE_NO_PAD.encode(Sha256::digest(members))
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    #[test]
    fn what_a_key_has_signed_is_verified_by_its_public_part_and_by_no_other() {
        let [own, other] = [(); 2].map(|()| SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap());
        let signature = own.sign(b"a message").unwrap();
        assert_eq!(signature.as_ref().len(), 64);
        let verify = |key: &SigningKey, message: &[u8]| {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public().as_bytes())
                .verify(message, signature.as_ref())
                .is_ok()
        };
        assert!(verify(&own, b"a message"));
        assert!(!verify(&own, b"another") && !verify(&other, b"a message"));
    }

    /// The key of RFC 7515, appendix A.3; its thumbprint as Python's hashlib computes it.
    #[test]
    fn a_thumbprint_is_what_others_make_of_the_same_key() {
        let coordinates =
            ["f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"];
        let bytes = coordinates.map(|coordinate| URL_SAFE_NO_PAD.decode(coordinate).unwrap()).concat();
        let key = PublicKey::from_bytes(&[&[4], bytes.as_slice()].concat()).unwrap();
        assert_eq!(key.coordinates(), coordinates);
        assert_eq!(key.thumbprint(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let mut bytes = SigningKey::generate().unwrap();
        let at = bytes.len() - 1;
        bytes[at] ^= 1;
        for wrong in [&bytes[..], &bytes[..at], b""] {
            assert_eq!(SigningKey::from_pkcs8(wrong).unwrap_err(), Unusable);
        }
        for wrong in [vec![], vec![4; 64], vec![2; 65]] {
            assert_eq!(PublicKey::from_bytes(&wrong), None);
        }
    }
}
