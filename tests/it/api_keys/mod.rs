//! API keys: how people make them, what they open and what they do not, and how they end.

mod api;
mod ends;
pub mod gate;
mod live;
mod pages;
mod password;
mod races;
pub mod weather;

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;

const ANN: &str = "ann@example.com";

/// Ann, signed in; she has just confirmed that it is her.
pub fn ann(app: &TestApp) -> Browser {
    let mut browser = app.verified(ANN);
    browser.confirm();
    browser
}

fn create(browser: &mut Browser, body: Value) -> Page {
    browser.api("POST", "/me/api-keys", body)
}

/// The key itself, and its id.
pub fn key_for(browser: &mut Browser, scopes: &[&str]) -> (String, String) {
    let answer = create(browser, json!({ "name": "nightly backup", "scopes": scopes }));
    assert_eq!(answer.status, 201, "{}", answer.answer.text());
    let made: Value = answer.json();
    let part = |name: &str| made[name].as_str().expect(name).to_owned();
    (part("key"), part("id"))
}

/// A program that has this key and nothing else.
fn program(app: &TestApp, key: &str) -> Browser {
    app.browser().with_header("Authorization", &format!("Bearer {key}"))
}

fn get(browser: &mut Browser, path: &str) -> Page {
    browser.api("GET", path, Value::Null)
}

fn revoke(browser: &mut Browser, id: &str) -> Page {
    browser.api("DELETE", &format!("/me/api-keys/{id}"), Value::Null)
}

fn challenge(answer: &Page) -> &str {
    answer.header("www-authenticate").expect("a challenge")
}
