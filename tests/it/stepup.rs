//! Proving once more who one is, before something dangerous.

use chrono::TimeDelta;
use serde_json::{Value, json};
use url::Url;

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code};

const ANN: &str = "ann@example.com";

/// Something dangerous that changes nothing: the new password is too weak.
fn try_something(browser: &mut Browser) -> Page {
    browser.api("PUT", "/me/password", json!({ "new_password": "weak" }))
}

fn is_open(browser: &mut Browser) -> bool {
    match try_something(browser).status {
        422 => true,
        403 => false,
        other => panic!("{other}"),
    }
}

fn confirm(browser: &mut Browser, password: &str) -> Page {
    browser.api("POST", "/auth/confirm", json!({ "password": password }))
}

fn audited(app: &TestApp, kind: &str) -> i64 {
    app.count(&format!("SELECT count(*) AS n FROM audit_events WHERE kind = '{kind}'"))
}

#[test]
fn signing_in_opens_nothing_dangerous_and_the_refusal_says_what_to_do() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let refused = try_something(&mut ann);
    assert_eq!((refused.status, code(&refused).as_str()), (403, "reauth_required"));
    let problem: Value = refused.json();
    assert_eq!(problem["error"], "Re-authentication required");
    assert_eq!(problem["action"], "POST /auth/confirm with your password, TOTP code or passkey");
    assert_eq!((&problem["max_age"], &problem["methods"]), (&json!(300), &json!(["password"])));
    let url = Url::parse(problem["confirm_url"].as_str().unwrap()).unwrap();
    assert_eq!((url.origin(), url.path()), (app.public_url().origin(), "/confirm"));
    assert_eq!(url.query(), Some("return_to=%2Faccount%2Fpassword"));
    let challenge = "Bearer error=\"insufficient_user_authentication\", max_age=\"300\"";
    assert_eq!(refused.header("www-authenticate"), Some(challenge));
}

#[test]
fn a_confirmation_opens_it_for_five_minutes_to_the_second() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let before: Value = ann.api("GET", "/auth/confirm", Value::Null).json();
    assert_eq!(before, json!({ "methods": ["password"], "confirmed_at": null, "expires_in": 0 }));
    app.clock().advance(TimeDelta::minutes(10));
    let confirmed = confirm(&mut ann, PASSWORD);
    assert_eq!(confirmed.status, 200);
    assert_eq!(confirmed.json::<Value>(), json!({ "message": "Identity confirmed.", "expires_in": 300 }));
    assert_eq!(audited(&app, "session.confirmed"), 1);
    app.clock().advance(TimeDelta::seconds(299));
    let state: Value = ann.api("GET", "/auth/confirm", Value::Null).json();
    let at = (app.clock().now() - TimeDelta::seconds(299)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert_eq!((&state["expires_in"], &state["confirmed_at"]), (&json!(1), &json!(at)));
    assert!(is_open(&mut ann));
    let sessions: Value = ann.api("GET", "/me/sessions", Value::Null).json();
    let current = sessions["sessions"].as_array().unwrap().iter().find(|session| session["current"] == true);
    assert_eq!(current.unwrap()["last_auth_at"], json!(at), "a confirmation is the last proof");
    app.clock().advance(TimeDelta::seconds(1));
    assert!(!is_open(&mut ann));
    let state: Value = ann.api("GET", "/auth/confirm", Value::Null).json();
    assert_eq!(state["expires_in"], 0);
}
