//! What a passkey is good for: signing in with nothing else, after the password, and to confirm that it is them.

mod alone;
mod confirm;
mod races;
mod second;

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::passkey::{Passkey, register};
use crate::support::people::PASSWORD;

const ANN: &str = "ann@example.com";
const SIGN_IN: &str = "/auth/login/passkey";
const CONFIRM: &str = "/auth/confirm/passkey";

/// Somebody verified who is signed in and has a passkey, with her recovery codes. The letter about it is read.
fn keeper(app: &TestApp, email: &str) -> (Browser, Passkey, Vec<String>) {
    let mut browser = app.verified(email);
    let (passkey, added) = register(app, &mut browser, "Phone");
    app.mail().to(email);
    let codes = serde_json::from_value(added["recovery_codes"].clone()).expect("recovery codes");
    (browser, passkey, codes)
}

/// The question at an address, with these words in it.
fn ask(browser: &mut Browser, at: &str, body: Value) -> Value {
    let answer = browser.api("POST", &format!("{at}/start"), body);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

fn answer(browser: &mut Browser, at: &str, asked: &Value, passkey: &mut Passkey) -> Page {
    let credential = passkey.get(&asked["publicKey"]);
    browser.api("POST", &format!("{at}/finish"), json!({ "ceremony": asked["ceremony"], "credential": credential }))
}

/// Asks and answers in one go.
fn prove(browser: &mut Browser, at: &str, passkey: &mut Passkey) -> Page {
    let asked = ask(browser, at, Value::Null);
    answer(browser, at, &asked, passkey)
}

/// A browser that has given the password and owes another proof.
fn half_in(app: &TestApp) -> Browser {
    let (browser, answer) = app.log_in(ANN, PASSWORD);
    assert_eq!(answer.json::<Value>()["code"], "mfa_required");
    browser
}

fn is_in(browser: &mut Browser) -> bool {
    browser.api("GET", "/me", Value::Null).status == 200
}

/// How the session that is open was opened.
fn methods(browser: &mut Browser) -> Value {
    let listed: Value = browser.api("GET", "/me/sessions", Value::Null).json();
    let current = listed["sessions"].as_array().unwrap().iter().find(|session| session["current"] == true);
    current.expect("a session")["methods"].clone()
}

fn sentence(answer: &Page) -> String {
    answer.json::<Value>()["error"].as_str().expect("a sentence").to_owned()
}
