//! An authenticator app, as people have it on their phones.

use chrono::TimeDelta;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use super::app::TestApp;
use super::browser::Browser;

pub struct Authenticator(Totp);

impl Authenticator {
    /// Told by typing the secret, with the spaces that a page shows in it.
    pub fn of(secret: &str) -> Self {
        let secret = Secret::try_from_base32(secret.replace(' ', "")).expect("base32");
        Self(Builder::new().with_secret(secret).build().expect("a secret of 160 bits"))
    }

    /// The code that it shows now, by the clock of the service.
    pub fn code(&self, app: &TestApp) -> String {
        self.code_in(app, TimeDelta::zero())
    }

    /// The code of a clock that is this much ahead.
    pub fn code_in(&self, app: &TestApp, ahead: TimeDelta) -> String {
        let at = app.clock().now() + ahead;
        self.0.generate(u64::try_from(at.timestamp()).expect("a time of ours")).to_string()
    }
}

/// Six digits that are right at no time near now.
pub fn wrong_code(app: &TestApp, authenticator: &Authenticator) -> String {
    let near: Vec<String> = (-2..=2).map(|steps| authenticator.code_in(app, TimeDelta::seconds(30 * steps))).collect();
    (0..6).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).expect("another code")
}

/// Sets up an app by the API, for somebody who is signed in. Its codes are all unused: time has passed since. With the
/// recovery codes, where it is the first factor.
pub fn set_up(app: &TestApp, browser: &mut Browser) -> (Authenticator, Vec<String>) {
    browser.confirm();
    let answer = browser.api("POST", "/me/totp", Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    let authenticator = Authenticator::of(answer.json::<Value>()["secret"].as_str().expect("a secret"));
    let code = authenticator.code(app);
    let answer = browser.api("POST", "/me/totp/enable", json!({ "code": code }));
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    app.clock().advance(TimeDelta::seconds(30));
    (authenticator, codes_in(&answer.json()))
}

pub fn codes_in(answer: &Value) -> Vec<String> {
    let codes: Option<_> = serde_json::from_value(answer["recovery_codes"].clone()).expect("recovery codes");
    codes.unwrap_or_default()
}
