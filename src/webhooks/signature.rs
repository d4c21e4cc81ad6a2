//! How receivers know that it is us: Standard Webhooks 1.0, the symmetric kind. HMAC-SHA-256 over
//! `{webhook-id}.{webhook-timestamp}.{body}`, in base64, after `v1,`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::kernel::Redacted;
use crate::kernel::secrets::random_bytes;

/// The specification takes 24 to 64.
const BYTES: usize = 32;

const PREFIX: &str = "whsec_";

/// What we and one receiver know. Shown once, sealed in its row.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(Vec<u8>);

impl Secret {
    pub fn generate() -> Self {
        Self(random_bytes::<BYTES>().to_vec())
    }

    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text to hand to the receiver: `whsec_` and base64.
    pub fn expose(&self) -> Redacted {
        Redacted::new(format!("{PREFIX}{}", STANDARD.encode(&self.0)))
    }

    /// `timestamp` in seconds of Unix.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut mac = keyed(&self.0);
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104, section 2)")]
    Hmac::<Sha256>::new_from_slice(key).expect("any length is a key")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the specification's own libraries.
    #[test]
    fn a_signature_is_what_others_make_of_the_same() {
        let cases = [
            (
                "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                ("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553),
                r#"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
            (
                "plJ3nmyCDGBKInavdOK15jsl",
                ("msg_loFOjxBNrRLzqYUf", 1_731_705_121),
                r#"{"event_type":"ping","data":{"success":true}}"#,
                "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
            ),
        ];
        for (key, (id, timestamp), body, expected) in cases {
            let secret = Secret::from_bytes(STANDARD.decode(key).unwrap());
            assert_eq!(secret.sign(id, timestamp, body.as_bytes()), expected);
        }
    }

    #[test]
    fn a_secret_is_written_as_receivers_read_it_and_does_not_print() {
        let secret = Secret::generate();
        let text = secret.expose();
        let key = STANDARD.decode(text.expose().strip_prefix("whsec_").unwrap()).unwrap();
        assert_eq!((key.len(), key.as_slice()), (32, secret.as_bytes()));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
