//! Passkeys: registering them, what is not taken for one, and what they prove.

mod changes;
mod pages;
mod proofs;
mod refusals;
mod registration;

use serde_json::Value;

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::passkey::{Passkey, register};

const ANN: &str = "ann@example.com";

/// Somebody verified who is signed in and has one. The letter about it is read.
fn holder(app: &TestApp) -> (Browser, Passkey, Value) {
    let mut browser = app.verified(ANN);
    let (passkey, said) = register(app, &mut browser, "Ann's phone");
    assert_eq!(app.mail().to(ANN).subject(), "A passkey was added to your account at Vestibule");
    (browser, passkey, said)
}

fn mfa(browser: &mut Browser) -> Value {
    let answer = browser.api("GET", "/me", Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    answer.json::<Value>()["mfa"].clone()
}

fn listed(browser: &mut Browser) -> Vec<Value> {
    let answer = browser.api("GET", "/me/passkeys", Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    answer.json::<Value>()["passkeys"].as_array().expect("a list").clone()
}

fn is_in(browser: &mut Browser) -> bool {
    browser.api("GET", "/me", Value::Null).status == 200
}
