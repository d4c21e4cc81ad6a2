//! What apps are told and need not believe: signed, and verified by the keys that are published.

mod apps;
mod gate;
mod keys;
mod lost;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;

use crate::gate::house::{Door, Person, Question};
use crate::support::TestApp;

pub const ON: (&str, &str) = ("gateway.assertion", "true");

const APP: &str = "https://app.example.com";
const PLACE: &str = "https://app.example.com/x";

/// What somebody comes to this app with.
pub fn told_at(app: &TestApp, person: &Person, url: &str) -> String {
    let answer = Question::about(Door::ForwardAuth, url).by(person).ask(app);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.headers("vestibule-assertion").concat()
}

fn told(app: &TestApp, person: &Person) -> String {
    told_at(app, person, PLACE)
}

/// Header and claims.
pub fn parts(assertion: &str) -> [Value; 2] {
    let parts: Vec<&str> = assertion.split('.').collect();
    assert_eq!(parts.len(), 3, "{assertion:?}");
    [parts[0], parts[1]].map(|part| serde_json::from_slice(&from_base64(part)).expect("JSON"))
}

pub fn claims(assertion: &str) -> Value {
    let [_, claims] = parts(assertion);
    claims
}

fn kid(assertion: &str) -> String {
    let [header, _] = parts(assertion);
    header["kid"].as_str().expect("a kid").to_owned()
}

pub fn from_base64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// As it is handed to whoever asks.
pub fn published(app: &TestApp) -> Vec<Value> {
    let answer = app.browser().get("/.well-known/jwks.json");
    assert_eq!(answer.status, 200);
    answer.json::<Value>()["keys"].as_array().expect("a list").clone()
}

fn kids(app: &TestApp) -> Vec<String> {
    published(app).iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

/// Whether the key that it names is among these and has signed it.
pub fn is_verified_by(assertion: &str, keys: &[Value]) -> bool {
    let kid = kid(assertion);
    let Some(key) = keys.iter().find(|key| key["kid"] == kid.as_str()) else { return false };
    let [x, y] = ["x", "y"].map(|name| from_base64(key[name].as_str().expect("a coordinate")));
    let point = [&[4], x.as_slice(), &y].concat();
    let (message, signature) = assertion.rsplit_once('.').expect("a signature");
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message.as_bytes(), &from_base64(signature)).is_ok()
}
