//! What a program shows of itself in `Authorization`: a key, by `Bearer`, or as the password of the person whose it is,
//! by `Basic` (RFC 7617), for clients that can do nothing else.

use std::borrow::Cow;

use actix_web::http::header::{self, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::api_keys::PREFIX;
use crate::kernel::EmailAddress;
use crate::web::bearer::{Bearer, bearer};

/// What claims to be a key of ours.
pub(super) struct Claim<'a> {
    pub key: Cow<'a, [u8]>,
    holder: Holder,
}

/// Whose it is said to be.
enum Holder {
    Anybody,
    Somebody(EmailAddress),
    /// What is written there is nobody's address.
    Nobody,
}

impl Claim<'_> {
    /// Of a header that stands there twice: nobody can tell which of them counts.
    fn worthless() -> Self {
        Self { key: Cow::Borrowed(b""), holder: Holder::Nobody }
    }

    /// Whether a key of this person can be meant.
    pub fn may_be_of(&self, person: &EmailAddress) -> bool {
        match &self.holder {
            Holder::Anybody => true,
            Holder::Somebody(address) => address.key() == person.key(),
            Holder::Nobody => false,
        }
    }
}

/// `None` for what is the app's own: another scheme, another token, another password.
pub(super) fn claim(headers: &HeaderMap) -> Option<Claim<'_>> {
    match bearer(headers) {
        Bearer::Token(text) if text.starts_with(PREFIX.as_bytes()) => {
            Some(Claim { key: Cow::Borrowed(text), holder: Holder::Anybody })
        }
        Bearer::Token(_) => None,
        Bearer::Ambiguous => Some(Claim::worthless()),
        Bearer::Missing => by_password(headers),
    }
}

fn by_password(headers: &HeaderMap) -> Option<Claim<'_>> {
    let mut lines = headers.get_all(header::AUTHORIZATION);
    let (first, second) = (lines.next()?, lines.next());
    if second.is_none() {
        return basic(first.as_bytes());
    }
    let mut lines = headers.get_all(header::AUTHORIZATION);
    lines.any(|line| basic(line.as_bytes()).is_some()).then(Claim::worthless)
}

/// RFC 7617, section 2: user-id and password, with the first colon between them.
fn basic(line: &[u8]) -> Option<Claim<'static>> {
    let (scheme, rest) = line.split_at_checked(b"basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let text = STANDARD.decode(rest.trim_ascii()).ok()?;
    let colon = text.iter().position(|byte| *byte == b':')?;
    let (holder, password) = text.split_at_checked(colon)?;
    let key = password.strip_prefix(b":").filter(|key| key.starts_with(PREFIX.as_bytes()))?;
    let address = std::str::from_utf8(holder).ok().and_then(|text| EmailAddress::parse(text).ok());
    Some(Claim { key: Cow::Owned(key.to_vec()), holder: address.map_or(Holder::Nobody, Holder::Somebody) })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn of(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    fn by(user_and_password: &str) -> String {
        format!("Basic {}", STANDARD.encode(user_and_password))
    }

    fn ann() -> EmailAddress {
        EmailAddress::parse("ann@example.com").unwrap()
    }

    #[test]
    fn a_password_that_is_a_key_is_claimed_for_the_person_alone_who_is_named() {
        for (text, is_anns) in [
            ("ann@example.com:vst_x", true),
            ("Ann@Example.com:vst_x", true),
            ("bob@example.com:vst_x", false),
            ("ann:vst_x", false),
            (":vst_x", false),
            ("ann@example.com\u{0}:vst_x", false),
            ("ü:vst_x", false),
        ] {
            for scheme in ["Basic", "basic", "BASIC  "] {
                let headers = of(&[&by(text).replace("Basic", scheme)]);
                let claim = claim(&headers).expect("a key");
                assert_eq!((claim.key.as_ref(), claim.may_be_of(&ann())), (&b"vst_x"[..], is_anns), "{text}");
            }
        }
    }

    #[test]
    fn an_apps_own_password_is_not_looked_at() {
        for line in [
            "Basic",
            &by("ann@example.com:secret"),
            &by("vst_x:secret"),
            &by("ann@example.com:x:vst_x"),
            &by("vst_x"),
            &by(""),
            "Basic ",
            "Basic vst_x",
            "Basic %%%",
            "Basicx dnN0Xw==",
            "Digest username=\"vst_x\"",
        ] {
            assert!(claim(&of(&[line])).is_none(), "{line}");
        }
    }

    #[test]
    fn a_key_among_several_headers_is_nobodys() {
        let key = by("ann@example.com:vst_x");
        let key = key.as_str();
        for lines in [[key, key], [key, "Digest x"], ["Digest x", key], ["Bearer vst_x", key]] {
            let headers = of(&lines);
            let claim = claim(&headers).expect("a claim");
            assert!(!claim.may_be_of(&ann()) && claim.key.is_empty(), "{lines:?}");
        }
        assert!(claim(&of(&[&by("a:b"), &by("c:d")])).is_none());
    }
}
