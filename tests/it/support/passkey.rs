//! Authenticators with their browsers, as far as a service can see them: keys, counters, and the person's finger.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::app::TestApp;
use super::browser::Browser;
use super::page::Page;

/// Bits of the flags (WebAuthn, section 6.1).
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const HAS_KEY: u8 = 0x40;

/// One key of one person, made by the first registration that it is asked for. What it lies about can be chosen.
#[derive(Clone)]
pub struct Passkey {
    key: std::sync::Arc<KeyPair>,
    pub id: Vec<u8>,
    pub counter: u32,
    /// Where its browser stands.
    pub origin: String,
    /// Whose key it takes itself for.
    pub rp_id: String,
    /// Whether it looks at who holds it.
    pub verifies: bool,
    pub is_backed_up: bool,
    user_handle: Option<Vec<u8>>,
}

impl Passkey {
    /// In a browser that stands on the pages of the service.
    pub fn on(app: &TestApp) -> Self {
        let key = KeyPair::generate().expect("a key on P-256");
        let id = Sha256::digest(key.der_bytes()).to_vec();
        Self {
            key: key.into(),
            id,
            counter: 0,
            origin: app.public_url().origin().ascii_serialization(),
            rp_id: app.public_url().host_str().expect("a host").to_owned(),
            verifies: true,
            is_backed_up: false,
            user_handle: None,
        }
    }

    pub fn at(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.origin);
        self
    }

    /// It says that it belongs to the person of this handle.
    pub fn claim_to_be(&mut self, handle: &[u8]) {
        self.user_handle = Some(handle.to_vec());
    }

    /// As one does that was asked by its id.
    pub fn say_nothing_of_its_holder(&mut self) {
        self.user_handle = None;
    }

    /// It signs with another key from now on.
    pub fn lose_its_key(&mut self) {
        self.key = KeyPair::generate().expect("a key on P-256").into();
    }

    /// What `navigator.credentials.create` gives for these options, as JSON.
    pub fn create(&mut self, options: &Value) -> Value {
        self.user_handle = Some(bytes(&options["user"]["id"]));
        let client_data = self.client_data("webauthn.create", options);
        let attestation = [
            // {"fmt": "none", "attStmt": {}, "authData": …}
            b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData".as_slice(),
            &cbor_bytes(&[self.data(HAS_KEY), self.attested_key()].concat()),
        ];
        json!({
            "id": BASE64.encode(&self.id),
            "rawId": BASE64.encode(&self.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": BASE64.encode(client_data),
                "attestationObject": BASE64.encode(attestation.concat()),
                "transports": ["internal", "hybrid"],
            },
            "clientExtensionResults": { "credProps": { "rk": true } },
        })
    }

    /// What `navigator.credentials.get` gives for these options, as JSON.
    pub fn get(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let data = self.data(0);
        let signed = [data.as_slice(), &Sha256::digest(&client_data)].concat();
        json!({
            "id": BASE64.encode(&self.id),
            "rawId": BASE64.encode(&self.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": BASE64.encode(client_data),
                "authenticatorData": BASE64.encode(data),
                "signature": BASE64.encode(self.key.sign(&signed).expect("a signature")),
                "userHandle": self.user_handle.as_ref().map(|handle| BASE64.encode(handle)),
            },
            "clientExtensionResults": {},
        })
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let client_data = json!({
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        });
        client_data.to_string().into_bytes()
    }

    fn data(&self, more: u8) -> Vec<u8> {
        let verified = if self.verifies { VERIFIED } else { 0 };
        let backup = if self.is_backed_up { BACKUP_ELIGIBLE | BACKED_UP } else { 0 };
        let flags = PRESENT | verified | backup | more;
        [Sha256::digest(&self.rp_id).as_slice(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    /// Section 6.5.1: no model, the id, the public key (RFC 9053, section 7.1.1).
    fn attested_key(&self) -> Vec<u8> {
        let point = self.key.der_bytes();
        let (x, y) = point[1..].split_at(32);
        let length = u16::try_from(self.id.len()).expect("a short id");
        let parts: [&[u8]; 7] = [
            &[0; 16],
            &length.to_be_bytes(),
            &self.id,
            b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20",
            x,
            b"\x22\x58\x20",
            y,
        ];
        parts.concat()
    }
}

/// Asks for a new key by the API, for somebody who is signed in and confirms.
pub fn start(browser: &mut Browser) -> Value {
    browser.confirm();
    let answer = browser.api("POST", "/me/passkeys/start", Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

/// Answers it.
pub fn finish(browser: &mut Browser, asked: &Value, passkey: &mut Passkey, name: &str) -> Page {
    let credential = passkey.create(&asked["publicKey"]);
    let body = json!({ "ceremony": asked["ceremony"], "name": name, "credential": credential });
    browser.api("POST", "/me/passkeys/finish", body)
}

/// Registers a key by the API, for somebody who is signed in. With what the service said.
pub fn register(app: &TestApp, browser: &mut Browser, name: &str) -> (Passkey, Value) {
    let mut passkey = Passkey::on(app);
    let asked = start(browser);
    let answer = finish(browser, &asked, &mut passkey, name);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    (passkey, answer.json())
}

pub fn bytes(base64: &Value) -> Vec<u8> {
    BASE64.decode(base64.as_str().expect("base64url")).expect("base64url without padding")
}

/// At most 65,535 of them.
fn cbor_bytes(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("few bytes");
    [&[0x59], length.to_be_bytes().as_slice(), bytes].concat()
}

/// Not a host that a key of ours would answer to.
pub fn sibling_of(url: &Url) -> String {
    let mut sibling = url.clone();
    sibling.set_host(Some("app.localhost")).expect("a host");
    sibling.origin().ascii_serialization()
}
