//! The assertion: who comes to which app, in a JSON Web Token (RFC 7519) that the app can verify, so that it need not
//! believe whatever reaches it by whatever way.
//!
//! It says no more than the identity headers do, and the same of groups. `sid` is the id of a device, which stays
//! while its session gets others: whoever has it has nothing. What a program with somebody's key is told of has neither `sid` nor
//! `auth_time`: nobody has proved anything a moment ago.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::forwarded::LONGEST_NAME;
use crate::crypto::{SigningKey, UnusableKey};
use crate::kernel::DeviceId;
use crate::sessions::{Live, Method};

/// How long an app may believe it.
pub const LIFETIME: TimeDelta = TimeDelta::seconds(60);

/// Of 64 bytes, in base64.
const SIGNATURE: usize = 86;

/// Of a thumbprint.
const KID: usize = 43;

const LONGEST_AUDIENCE: usize = "https://".len() + LONGEST_NAME + ":65535".len();

/// Bytes of JSON. The whole of a longer name stands in its header.
const MOST_OF_A_NAME: usize = 160;

/// In their order, so that a person's words are always the same. See RFC 8176, section 2.
const WORDS: [&str; 5] = ["pwd", "otp", "pop", "user", "mfa"];

/// What is said of somebody who comes to an app.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    /// The portal's origin.
    pub issuer: &'a str,
    /// The app's.
    pub audience: &'a str,
    pub user: &'a str,
    /// Empty unless it is verified.
    pub email: &'a str,
    pub name: &'a str,
    /// With commas between them.
    pub groups: &'a str,
    /// `None` for a program.
    pub session: Option<&'a Live>,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    email: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    groups: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<DeviceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    amr: Vec<&'static str>,
    iat: i64,
    exp: i64,
}

impl Assertion<'_> {
    /// In the compact form of a JSON Web Signature (RFC 7515, section 7.1).
    pub fn sign(&self, key: &SigningKey, kid: &str, now: DateTime<Utc>) -> Result<String, UnusableKey> {
        let header = in_base64(&Header { alg: "ES256", typ: "JWT", kid });
        let message = format!("{header}.{}", in_base64(&self.claims(now)));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes())?);
        Ok(format!("{message}.{signature}"))
    }

    fn claims(&self, now: DateTime<Utc>) -> Claims<'_> {
        Claims {
            iss: self.issuer,
            aud: self.audience,
            sub: self.user,
            email: self.email,
            name: beginning_of(self.name),
            groups: self.groups.split(',').filter(|group| !group.is_empty()).collect(),
            sid: self.session.map(|live| live.device),
            auth_time: self.session.map(|live| live.last_auth_at.timestamp()),
            amr: self.session.map(words).unwrap_or_default(),
            iat: now.timestamp(),
            exp: (now + LIFETIME).timestamp(),
        }
    }
}

/// How they proved that it is them, in the words of RFC 8176. A mailed link and a recovery code are one-time passwords to
/// it. Of a passkey nobody knows whether it was a finger or a code that its device has asked for. How a provider of others
/// has asked is not told, but for there having been more than one thing.
fn words(live: &Live) -> Vec<&'static str> {
    let by = |wanted: &[Method]| live.methods.iter().any(|method| wanted.contains(method));
    let passkey = live.passkey_at.is_some() || by(&[Method::Passkey]);
    let otp = by(&[Method::Totp, Method::RecoveryCode, Method::MagicLink, Method::SetupLink]);
    let mfa = passkey || live.second_factor_at.is_some();
    let said = [by(&[Method::Password]), otp, passkey, passkey, mfa];
    WORDS.into_iter().zip(said).filter(|(_, is_said)| *is_said).map(|(word, _)| word).collect()
}

/// How long the longest one is of somebody of whom this is said, with groups that take so many bytes of JSON
/// ([`of_json`]).
pub(super) fn longest(issuer: &str, [user, email, name]: [&str; 3], groups: usize) -> usize {
    let (audience, kid) = ("a".repeat(LONGEST_AUDIENCE), "k".repeat(KID));
    let claims = Claims {
        iss: issuer,
        aud: &audience,
        sub: user,
        email,
        name: beginning_of(name),
        groups: Vec::new(),
        sid: Some(DeviceId::new(DateTime::UNIX_EPOCH)),
        auth_time: Some(TEN_DIGITS),
        amr: WORDS.to_vec(),
        iat: TEN_DIGITS,
        exp: TEN_DIGITS,
    };
    let header = in_base64(&Header { alg: "ES256", typ: "JWT", kid: &kid }).len();
    let claims = serde_json::to_string(&claims).map_or(usize::MAX / 8, |claims| claims.len());
    header + 1 + ((claims + groups) * 4).div_ceil(3) + 1 + SIGNATURE
}

const TEN_DIGITS: i64 = 9_999_999_999;

/// What a word takes in a list, with its quotes and a comma.
pub(super) fn of_json(word: &str) -> usize {
    word.chars().map(in_json).sum::<usize>() + 3
}

/// There are no control characters in what is told.
fn in_json(c: char) -> usize {
    if matches!(c, '"' | '\\') { 2 } else { c.len_utf8() }
}

fn beginning_of(name: &str) -> &str {
    let mut bytes = 0;
    let end = name.char_indices().find(|(_, c)| {
        bytes += in_json(*c);
        bytes > MOST_OF_A_NAME
    });
    end.and_then(|(at, _)| name.get(..at)).unwrap_or(name).trim_end()
}

/// Texts and numbers are JSON.
fn in_base64(part: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::sessions::Live;

    const NOW: i64 = 1_800_000_000;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(NOW, 0).unwrap()
    }

    fn key() -> SigningKey {
        SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap()
    }

    fn live(methods: &[Method], second_factor: bool, passkey: bool) -> Live {
        let mut live = crate::gateway::identity::tests::live("Ann");
        live.last_auth_at = now() - TimeDelta::minutes(5);
        live.methods = methods.to_vec();
        live.second_factor_at = second_factor.then(now);
        live.passkey_at = passkey.then(now);
        live
    }

    fn of<'a>(session: Option<&'a Live>, name: &'a str, groups: &'a str) -> Assertion<'a> {
        Assertion {
            issuer: "https://auth.example.com",
            audience: "https://app.example.com:8443",
            user: "0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f",
            email: "ann@example.com",
            name,
            groups,
            session,
        }
    }

    fn parts(token: &str) -> [Value; 2] {
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(parts.len(), 3, "{token}");
        [parts[0], parts[1]].map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
    }

    #[test]
    fn a_person_is_told_of_with_how_and_when_they_proved_it() {
        let (live, key) = (live(&[Method::Password, Method::Totp], true, false), key());
        let kid = key.public().thumbprint();
        let token = of(Some(&live), "Ann \"Ünal\"", "acme,acme:admin").sign(&key, &kid, now()).unwrap();
        let [header, claims] = parts(&token);
        assert_eq!(header, json!({ "alg": "ES256", "typ": "JWT", "kid": kid }));
        let expected = json!({
            "iss": "https://auth.example.com", "aud": "https://app.example.com:8443",
            "sub": "0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f", "email": "ann@example.com", "name": "Ann \"Ünal\"",
            "groups": ["acme", "acme:admin"], "sid": live.device, "auth_time": NOW - 300, "amr": ["pwd", "otp", "mfa"],
            "iat": NOW, "exp": NOW + 60,
        });
        assert_eq!(claims, expected);
    }

    #[test]
    fn a_program_has_proved_nothing_and_has_no_session() {
        let key = key();
        let assertion = Assertion { email: "", name: "", groups: "", ..of(None, "", "") };
        let [_, claims] = parts(&assertion.sign(&key, "kid", now()).unwrap());
        for absent in ["email", "name", "sid", "auth_time"] {
            assert_eq!(claims.get(absent), None, "{claims}");
        }
        assert_eq!((&claims["groups"], &claims["amr"]), (&json!([]), &json!([])));
    }

    #[test]
    fn how_they_proved_it_is_said_in_registered_words() {
        use Method::{MagicLink, Passkey, Password, RecoveryCode, SetupLink, Sso, Totp};
        let cases: [(&[Method], bool, bool, &[&str]); 8] = [
            (&[Password], false, false, &["pwd"]),
            (&[Password, RecoveryCode], true, false, &["pwd", "otp", "mfa"]),
            (&[MagicLink], false, false, &["otp"]),
            (&[SetupLink, Totp], true, false, &["otp", "mfa"]),
            (&[Passkey], true, true, &["pop", "user", "mfa"]),
            (&[Password], true, true, &["pwd", "pop", "user", "mfa"]),
            (&[Sso], false, false, &[]),
            (&[Sso], true, false, &["mfa"]),
        ];
        for (methods, second_factor, passkey, expected) in cases {
            assert_eq!(words(&live(methods, second_factor, passkey)), expected, "{methods:?}");
        }
    }

    #[test]
    fn a_long_name_is_told_from_its_beginning() {
        for (name, expected) in [
            ("Ann", "Ann".to_owned()),
            (&"x".repeat(200), "x".repeat(160)),
            (&"é".repeat(200), "é".repeat(80)),
            (&"\"".repeat(200), "\"".repeat(80)),
            (&format!("{} {}", "x".repeat(159), "y"), "x".repeat(159)),
        ] {
            assert_eq!(beginning_of(name), expected);
        }
    }

    #[test]
    fn none_is_longer_than_was_thought_possible() {
        let live = live(&Method::ALL, true, true);
        let groups = ["acme", "acme/\"x\"", "acme/\\é"];
        let key = key();
        let kid = key.public().thumbprint();
        for name in ["", "Ann", &"\\".repeat(300)] {
            let audience = "b".repeat(LONGEST_AUDIENCE);
            let list = groups.join(",");
            let assertion = Assertion { audience: &audience, ..of(Some(&live), name, &list) };
            let token = assertion.sign(&key, &kid, now()).unwrap();
            let json = groups.iter().map(|group| of_json(group)).sum();
            let most = longest(assertion.issuer, [assertion.user, assertion.email, name], json);
            assert!((0..=4).contains(&(most - token.len())), "{} of {most}", token.len());
        }
    }
}
