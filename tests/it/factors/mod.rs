//! Second factors: setting them up, signing in with them, losing them.

pub mod command;
mod pages;
pub mod races;
mod recovery;
mod setup;
mod signin;
mod stepup;

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::authenticator::{Authenticator, set_up};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::PASSWORD;

const ANN: &str = "ann@example.com";

/// Somebody verified who is signed in and has an app, with her recovery codes. The letters about it are read.
fn protected(app: &TestApp) -> (Browser, Authenticator, Vec<String>) {
    let mut browser = app.verified(ANN);
    let (authenticator, codes) = set_up(app, &mut browser);
    assert!(app.mail().to(ANN).subject().contains("authenticator app now protects"));
    (browser, authenticator, codes)
}

/// A browser that has given the password and owes the code.
fn half_in(app: &TestApp) -> Browser {
    let (browser, answer) = app.log_in(ANN, PASSWORD);
    assert_eq!(answer.status, 401, "{}", answer.answer.text());
    assert_eq!(answer.json::<Value>()["code"], "mfa_required");
    browser
}

fn totp(browser: &mut Browser, code: &str) -> Page {
    browser.api("POST", "/auth/login/totp", json!({ "code": code }))
}

fn recover(browser: &mut Browser, code: &str) -> Page {
    browser.api("POST", "/auth/login/recovery-code", json!({ "code": code }))
}

fn mfa(browser: &mut Browser) -> Value {
    let answer = browser.api("GET", "/me", Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    answer.json::<Value>()["mfa"].clone()
}

fn is_in(browser: &mut Browser) -> bool {
    browser.api("GET", "/me", Value::Null).status == 200
}
