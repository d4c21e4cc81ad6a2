//! Signing in by a mailed link: in the browser that asked, or by the code that the link shows anywhere else.

mod accounts;
mod asking;
mod codes;
mod races;
mod using;

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::page::Page;
use crate::support::people::token_in;

const ANN: &str = "ann@example.com";

/// Asks by the API; whoever does is the browser that asked.
fn ask(browser: &mut Browser, email: &str) -> Page {
    browser.api("POST", "/auth/magic-link", json!({ "email": email }))
}

/// A fresh browser that has asked.
fn asked(app: &TestApp, email: &str) -> Browser {
    let mut browser = app.browser();
    assert_eq!(ask(&mut browser, email).status, 202);
    browser
}

/// The token of the next letter to an address, which has to be a link to sign in by.
fn mailed(app: &TestApp, email: &str) -> String {
    let letter = app.mail().to(email);
    assert_eq!(letter.subject(), "Sign in to Vestibule");
    token_in(&letter.link())
}

fn by_link(browser: &mut Browser, token: &str) -> Page {
    browser.api("POST", "/auth/login/magic-link", json!({ "token": token }))
}

fn by_code(browser: &mut Browser, code: &str) -> Page {
    browser.api("POST", "/auth/login/magic-link", json!({ "code": code }))
}

/// What the owner of the mailbox is shown on another device.
fn shown(app: &TestApp, token: &str) -> String {
    let answer = app.browser().api("POST", "/auth/magic-link/code", json!({ "token": token }));
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    answer.json::<Value>()["code"].as_str().expect("a code").to_owned()
}

/// Six digits that are another code.
fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// The address that a browser is signed in with.
fn who(browser: &mut Browser) -> Option<String> {
    let answer = browser.api("GET", "/me", Value::Null);
    (answer.status == 200).then(|| answer.json::<Value>()["email"].as_str().expect("an address").to_owned())
}

/// Waits until everything that was asked for is answered, by a letter or by silence.
fn answered(app: &TestApp) {
    let waiting = "SELECT count(*) AS n FROM letter_requests";
    eventually("all requests to be answered", || (app.count(waiting) == 0).then_some(()));
}

fn letters(app: &TestApp, kind: &str) -> i64 {
    app.count(&format!("SELECT count(*) AS n FROM mail_outbox WHERE letter = '{kind}'"))
}

fn events(app: &TestApp, kind: &str) -> i64 {
    app.count(&format!("SELECT count(*) AS n FROM audit_events WHERE kind = '{kind}'"))
}
