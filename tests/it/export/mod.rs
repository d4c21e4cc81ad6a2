//! `GET /me/export` and `/account/export`: what is kept about somebody, for them to take along.

mod asking;
mod document;
mod schema;
mod tables;

use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::page::Page;

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";

fn ask(browser: &mut Browser) -> Page {
    browser.api("GET", "/me/export", Value::Null)
}

/// By somebody who has just confirmed that it is them.
fn export(browser: &mut Browser) -> Value {
    let answer = ask(browser);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    answer.json()
}
