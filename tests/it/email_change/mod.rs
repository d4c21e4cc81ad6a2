//! Another address for an account: what changes with it, who is told, and the way back.

mod change;
mod claims;
mod pages;
mod races;
mod undo;

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, token_in};
use crate::support::smtp::Letter;

const ANN: &str = "ann@example.com";
const NEW: &str = "ann@new.example";
const THIEF: &str = "thief@evil.example";
const ANEW: &str = "nine patient otters";

/// Whoever knows the password asks for another address.
fn change(browser: &mut Browser, email: &str) -> Page {
    browser.confirm();
    ask(browser, email)
}

fn ask(browser: &mut Browser, email: &str) -> Page {
    browser.api("PUT", "/me/email", json!({ "email": email }))
}

/// Changes it, and the token of the way back in the letter to the address of before.
fn change_from(app: &TestApp, browser: &mut Browser, from: &str, to: &str) -> String {
    let answer = change(browser, to);
    assert_eq!(answer.status, 200, "{}", answer.text());
    token_in(&letter(app, from, "address at Vestibule was changed").link())
}

/// The next letter to an address that is about this: of two that are on their way, either may come first.
fn letter(app: &TestApp, to: &str, about: &str) -> Letter {
    loop {
        let letter = app.mail().to(to);
        if letter.subject().contains(about) {
            return letter;
        }
    }
}

/// Proves the address to which the next letter goes, in a browser that is signed in.
fn prove(app: &TestApp, browser: &mut Browser, email: &str) {
    let token = token_in(&letter(app, email, "Confirm your address").link());
    let answer = browser.api("POST", "/auth/verify-email", json!({ "token": token }));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn undo(app: &TestApp, token: &str) -> Page {
    app.browser().api("POST", "/auth/undo-email", json!({ "token": token }))
}

/// Takes a change back, and chooses [`ANEW`] by what comes of it.
fn undo_and_choose(app: &TestApp, token: &str) {
    let answer = undo(app, token);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let reset = answer.json::<Value>()["reset_token"].clone();
    let body = json!({ "token": reset, "new_password": ANEW });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", body).status, 204);
}

fn me(browser: &mut Browser) -> Page {
    browser.api("GET", "/me", Value::Null)
}

/// The address of somebody who is signed in, and whether it is proved.
fn address(browser: &mut Browser) -> (String, bool) {
    let answer = me(browser);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let me: Value = answer.json();
    (me["email"].as_str().unwrap().to_owned(), me["email_verified"].as_bool().unwrap())
}

fn may_sign_in(app: &TestApp, email: &str, password: &str) -> bool {
    match app.log_in(email, password).1.status {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

fn audited(app: &TestApp, kind: &str) -> i64 {
    app.count(&format!("SELECT count(*) AS n FROM audit_events WHERE kind = '{kind}'"))
}

fn letters(app: &TestApp, kind: &str) -> i64 {
    app.count(&format!("SELECT count(*) AS n FROM mail_outbox WHERE letter = '{kind}'"))
}

/// The thief has the password, and the session of a browser that was left alone.
fn thief_of(app: &TestApp, email: &str) -> Browser {
    app.log_in(email, PASSWORD).0
}
