//! Leaving for good, and coming back before it is too late.

mod asking;
mod coming_back;
mod erasing;
mod gate;
mod killed;
mod names;
mod races;
mod succession;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::smtp::Letter;
use crate::support::{TestApp, eventually};

pub const ANN: &str = "ann@example.com";
pub const BOB: &str = "bob@example.com";

pub const GRACE: TimeDelta = TimeDelta::days(30);

/// Somebody verified who has just confirmed that it is them.
pub fn confirmed(app: &TestApp, email: &str) -> Browser {
    let mut browser = app.verified(email);
    browser.confirm();
    browser
}

/// Asks by the API; when it will happen.
pub fn leave(browser: &mut Browser) -> DateTime<Utc> {
    let answer = browser.api("DELETE", "/me", Value::Null);
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json::<Value>()["deletes_at"].as_str().expect("an instant").parse().expect("an instant")
}

/// Somebody verified who has asked to be deleted, in the browser where they have.
pub fn leaving(app: &TestApp, email: &str) -> Browser {
    let mut browser = confirmed(app, email);
    leave(&mut browser);
    browser
}

/// Everybody who is gone is erased, by this round or by one that the node has begun by itself.
pub fn erase_the_gone(app: &TestApp) {
    app.run_job("erase_accounts");
    let gone = format!("SELECT count(*) AS n FROM users WHERE deletes_at <= '{}'", app.clock().now().to_rfc3339());
    eventually("those who are gone to be erased", || (app.count(&gone) == 0).then_some(()));
}

/// The next letter about this: of two that are on their way, either may come first.
pub fn letter(app: &TestApp, to: &str, about: &str) -> Letter {
    loop {
        let letter = app.mail().to(to);
        if letter.subject().contains(about) {
            return letter;
        }
    }
}

pub fn events(app: &TestApp, kind: &str) -> i64 {
    app.count(&format!("SELECT count(*) AS n FROM audit_events WHERE kind = '{kind}'"))
}
