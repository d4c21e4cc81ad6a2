//! Confirming with a code that it is them.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ANN, half_in, protected, totp};
use crate::support::TestApp;
use crate::support::authenticator::wrong_code;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code};

fn confirm(browser: &mut Browser, code: &str) -> Page {
    browser.api("POST", "/auth/confirm", json!({ "code": code }))
}

/// Whether somebody could make new recovery codes, without making any.
fn is_open(browser: &mut Browser) -> bool {
    match browser.get("/account/security/recovery-codes").status {
        200 => true,
        303 => false,
        status => panic!("{status}"),
    }
}

#[test]
fn a_code_opens_what_is_dangerous_as_the_password_does() {
    let app = TestApp::start();
    let (mut browser, authenticator, codes) = protected(&app);
    app.clock().advance(TimeDelta::minutes(5));
    assert!(!is_open(&mut browser));
    let refusal = browser.api("POST", "/me/recovery-codes", Value::Null);
    let refusal: Value = refusal.json();
    assert_eq!(refusal["methods"], json!(["password", "totp"]));
    assert_eq!(refusal["action"], "POST /auth/confirm with your password or TOTP code");

    let answer = confirm(&mut browser, &wrong_code(&app, &authenticator));
    assert_eq!((answer.status, code(&answer).as_str()), (401, "invalid_credentials"));
    let answer = confirm(&mut browser, &codes[0]);
    assert_eq!(code(&answer), "invalid_credentials", "recovery codes are for signing in");
    assert!(!is_open(&mut browser));

    let now = authenticator.code(&app);
    let answer = confirm(&mut browser, &now);
    assert_eq!(answer.json::<Value>(), json!({ "message": "Identity confirmed.", "expires_in": 300 }));
    assert!(is_open(&mut browser));
    assert_eq!(code(&totp(&mut half_in(&app), &now)), "invalid_credentials", "it is used up");
    app.clock().advance(TimeDelta::minutes(5));
    assert!(!is_open(&mut browser));
}

#[test]
fn a_code_that_signed_in_does_not_confirm_as_well() {
    let app = TestApp::start();
    let (_, authenticator, _) = protected(&app);
    let mut browser = half_in(&app);
    let now = authenticator.code(&app);
    assert_eq!(totp(&mut browser, &now).status, 200);
    let answer = confirm(&mut browser, &now);
    assert_eq!(code(&answer), "invalid_credentials");
    assert!(answer.json::<Value>()["error"].as_str().unwrap().contains("used already"));
    app.clock().advance(TimeDelta::seconds(30));
    assert_eq!(confirm(&mut browser, &authenticator.code(&app)).status, 200);
}

#[test]
fn wrong_codes_in_a_stolen_session_wait_and_do_not_keep_the_owner_from_signing_in() {
    let app = TestApp::start();
    let (mut stolen, authenticator, _) = protected(&app);
    for _ in 0..5 {
        assert_eq!(confirm(&mut stolen, &wrong_code(&app, &authenticator)).status, 401);
    }
    let answer = confirm(&mut stolen, &authenticator.code(&app));
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("30")));
    assert_eq!(totp(&mut half_in(&app), &authenticator.code(&app)).status, 200);
}

#[test]
fn who_has_no_app_cannot_confirm_with_a_code_and_nobody_with_two_things_or_none() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let answer = confirm(&mut browser, "123456");
    assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"));
    for body in [json!({}), json!({ "password": PASSWORD, "code": "123456" })] {
        assert_eq!(code(&browser.api("POST", "/auth/confirm", body)), "invalid_request");
    }
    let state: Value = browser.api("GET", "/auth/confirm", Value::Null).json();
    assert_eq!(state["methods"], json!(["password"]));
}

#[test]
fn the_page_offers_the_code_and_leads_back() {
    let app = TestApp::start();
    let (mut browser, authenticator, _) = protected(&app);
    app.clock().advance(TimeDelta::minutes(5));
    browser.get("/account/security/recovery-codes");
    let page = browser.follow();
    assert!(page.has("To change how you sign in, prove once more that it is you."), "{}", page.text());
    let page = browser.click("Use a code of your app instead");
    assert!(page.has("To change how you sign in") && page.link("Use your password instead").is_some());
    let page = browser.submit("/confirm", &[("code", &wrong_code(&app, &authenticator))]);
    assert_eq!(page.status, 401);
    assert!(page.field_error("code").unwrap().contains("This code is not right"), "{}", page.text());
    let page = browser.submit("/confirm", &[("code", &authenticator.code(&app))]);
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/account/security/recovery-codes"));
    assert!(browser.follow().has("You have 10 left."));
}
