//! A passkey after the password.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ANN, CONFIRM, SIGN_IN, answer, ask, half_in, is_in, keeper, methods, prove, sentence};
use crate::support::TestApp;
use crate::support::authenticator::{Authenticator, set_up};
use crate::support::browser::Browser;
use crate::support::passkey::register;
use crate::support::people::{PASSWORD, code};

#[test]
fn after_the_password_the_keys_of_this_person_are_asked() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = keeper(&app, ANN);
    let (_, other) = register(&app, &mut ann, "Laptop");
    assert!(other["recovery_codes"].is_null());
    keeper(&app, "bob@example.com");
    let (mut browser, refusal) = app.log_in(ANN, PASSWORD);
    assert_eq!(refusal.json::<Value>()["methods"], json!(["passkey", "recovery_code"]));
    let asked = ask(&mut browser, SIGN_IN, Value::Null);
    assert_eq!(asked["publicKey"]["allowCredentials"].as_array().unwrap().len(), 2, "hers and nobody else's");
    let page = answer(&mut browser, SIGN_IN, &asked, &mut passkey);
    assert_eq!(page.status, 200, "{}", page.answer.text());
    assert_eq!(methods(&mut browser), json!(["password", "passkey"]));
    assert!(browser.jar.find(app.public_url(), "vestibule_pending").is_none());
}

#[test]
fn somebody_with_everything_may_choose() {
    let app = TestApp::start();
    let (mut ann, ..) = keeper(&app, ANN);
    let authenticator = set_up_beside(&app, &mut ann);
    let (mut browser, refusal) = app.log_in(ANN, PASSWORD);
    assert_eq!(refusal.json::<Value>()["methods"], json!(["totp", "passkey", "recovery_code"]));
    let page = browser.get("/login/second-factor?return_to=%2Faccount%2Fsessions");
    assert_eq!(page.title(), "Enter your code - Vestibule");
    let html = page.answer.text();
    assert!(
        html.contains("data-passkey=\"second-factor\" data-return-to=\"&#x2f;account&#x2f;sessions\" hidden"),
        "{html}"
    );
    assert!(page.link("Use a recovery code").is_some());
    let page = browser.submit("/login/second-factor", &[("code", &authenticator.code(&app))]);
    assert_eq!(page.location().unwrap().path(), "/account/sessions");
}

/// Not the first factor, so without recovery codes.
fn set_up_beside(app: &TestApp, browser: &mut Browser) -> Authenticator {
    browser.confirm();
    let told: Value = browser.api("POST", "/me/totp", Value::Null).json();
    let authenticator = Authenticator::of(told["secret"].as_str().unwrap());
    let enabled = browser.api("POST", "/me/totp/enable", json!({ "code": authenticator.code(app) }));
    assert_eq!(enabled.status, 200, "{}", enabled.answer.text());
    app.clock().advance(TimeDelta::seconds(30));
    authenticator
}

#[test]
fn who_has_lost_the_only_passkey_gets_in_by_a_recovery_code() {
    let app = TestApp::start();
    let (_, _, codes) = keeper(&app, ANN);
    let mut browser = half_in(&app);
    let page = browser.get("/login/second-factor");
    assert_eq!(page.title(), "Use your passkey - Vestibule");
    assert!(page.form("/login/second-factor").is_none(), "there is nothing to type");
    let page = browser.click("Use a recovery code");
    assert_eq!(page.title(), "Enter a recovery code - Vestibule");
    assert_eq!(browser.submit("/login/second-factor", &[("code", "AAAA-AAAA-AAAA")]).status, 401);
    assert_eq!(browser.submit("/login/second-factor", &[("code", &codes[0])]).location().unwrap().path(), "/");
    assert!(is_in(&mut browser));
}

#[test]
fn the_key_of_another_is_no_second_factor() {
    let app = TestApp::start();
    keeper(&app, ANN);
    let (_, mut bobs, _) = keeper(&app, "bob@example.com");
    let mut browser = half_in(&app);
    let page = prove(&mut browser, SIGN_IN, &mut bobs);
    assert_eq!((page.status, code(&page).as_str()), (401, "invalid_credentials"));
    assert_eq!(sentence(&page), "This passkey is not yours, or has not shown that it is you.");
    assert!(!is_in(&mut browser));
    let failed = "SELECT count(*) AS n FROM audit_events e JOIN users u ON u.id = e.subject_id
        WHERE e.kind = 'signin.failed' AND e.details->>'method' = 'passkey' AND u.email LIKE 'ann@%'";
    assert_eq!(app.count(failed), 1);
}

#[test]
fn a_key_that_has_not_looked_at_its_holder_is_refused_here_as_well() {
    let app = TestApp::start();
    let (_, mut passkey, _) = keeper(&app, ANN);
    passkey.verifies = false;
    assert_eq!(code(&prove(&mut half_in(&app), SIGN_IN, &mut passkey)), "invalid_credentials");
}

#[test]
fn what_another_browser_was_asked_counts_nowhere_else() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = keeper(&app, ANN);
    let (mut one, mut other) = (half_in(&app), half_in(&app));
    let asked = ask(&mut one, SIGN_IN, Value::Null);
    assert_eq!(code(&answer(&mut other, SIGN_IN, &asked, &mut passkey)), "conflict");
    assert_eq!(answer(&mut one, SIGN_IN, &asked, &mut passkey).status, 200, "not even used up there");
    let alone = ask(&mut app.browser(), SIGN_IN, Value::Null);
    assert_eq!(code(&answer(&mut other, SIGN_IN, &alone, &mut passkey)), "conflict");
    let to_confirm = ask(&mut ann, CONFIRM, Value::Null);
    assert_eq!(code(&answer(&mut other, SIGN_IN, &to_confirm, &mut passkey)), "conflict");
    assert_eq!(prove(&mut other, SIGN_IN, &mut passkey).status, 200);
}

#[test]
fn the_second_step_is_done_once_and_not_after_it_has_ended() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = keeper(&app, ANN);
    let mut browser = half_in(&app);
    let mut copy = browser.clone();
    assert_eq!(prove(&mut browser, SIGN_IN, &mut passkey).status, 200);
    let page = copy.api("POST", "/auth/login/passkey/start", Value::Null);
    assert_eq!((page.status, code(&page).as_str()), (401, "unauthenticated"));

    let mut late = half_in(&app);
    let asked = ask(&mut late, SIGN_IN, Value::Null);
    ann.api("DELETE", "/me/sessions", Value::Null);
    assert_eq!(code(&answer(&mut late, SIGN_IN, &asked, &mut passkey)), "unauthenticated");

    let mut disabled = half_in(&app);
    let asked = ask(&mut disabled, SIGN_IN, Value::Null);
    app.execute("UPDATE users SET disabled_at = now()");
    assert_eq!(code(&answer(&mut disabled, SIGN_IN, &asked, &mut passkey)), "unauthenticated");
}

#[test]
fn who_has_no_passkey_is_told_so() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    set_up(&app, &mut ann);
    let page = half_in(&app).api("POST", "/auth/login/passkey/start", Value::Null);
    assert_eq!((page.status, sentence(&page).as_str()), (409, "Your account has no passkey."));
}
