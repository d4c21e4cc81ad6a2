//! Coming back, by a session or by the letter, as long as there is somebody to come back.

use serde_json::{Value, json};

use super::{ANN, GRACE, events, leaving, letter};
use crate::support::TestApp;
use crate::support::authenticator::set_up;
use crate::support::browser::Browser;
use crate::support::passkey::register;
use crate::support::people::{PASSWORD, code, sign_in, token_in};

fn is_staying(app: &TestApp) -> bool {
    app.count("SELECT count(*) AS n FROM users WHERE deletes_at IS NULL") == 1
}

#[test]
fn a_session_is_enough_and_nothing_needs_to_be_confirmed() {
    let app = TestApp::start();
    leaving(&app, ANN);
    let (mut ann, signed_in) = app.log_in(ANN, PASSWORD);
    let deletion = &signed_in.json::<Value>()["user"]["deletion"];
    assert!(deletion["deletes_at"].is_string(), "{deletion}");
    let back = ann.api("POST", "/me/restore", Value::Null);
    assert_eq!((back.status, &back.json::<Value>()["user"]["deletion"]), (200, &Value::Null));
    assert_eq!(ann.get("/").status, 200);
    assert_eq!(code(&ann.api("POST", "/me/restore", Value::Null)), "conflict");
    assert_eq!(events(&app, "user.restored"), 1);
    letter(&app, ANN, "stays");
    app.clock().advance(GRACE);
    app.run_job("erase_accounts");
    assert!(is_staying(&app), "what was called off does not happen");
}

#[test]
fn the_page_after_signing_in_has_the_button() {
    let app = TestApp::start();
    leaving(&app, ANN);
    let mut ann = app.browser();
    assert_eq!(sign_in(&mut ann, ANN, PASSWORD).status, 303);
    ann.follow();
    assert!(ann.follow().has("Keep my account"));
    assert_eq!(ann.get("/account/sessions").location().expect("a way").path(), "/account/restore");
    ann.get("/account/restore");
    assert_eq!(ann.submit("/account/restore", &[]).status, 303);
    assert!(ann.follow().has("Your account stays"));
}

#[test]
fn the_link_keeps_the_account_once_and_signs_nobody_in() {
    let app = TestApp::start();
    let mut ann = leaving(&app, ANN);
    let link = app.mail().to(ANN).link();
    let mut anybody = app.browser();
    for _ in 0..3 {
        assert!(anybody.get(&link).has("One press"));
    }
    assert!(!is_staying(&app), "looking changes nothing");
    assert_eq!(anybody.submit("/restore", &[]).location().expect("a way").path(), "/login");
    assert!(is_staying(&app));
    assert_eq!(anybody.api("GET", "/me", Value::Null).status, 401);
    assert_eq!(anybody.get(&link).status, 410);
    assert_eq!(ann.get("/").status, 200, "and who was there all the time goes on");
}

#[test]
fn a_link_of_one_time_is_worthless_the_next() {
    let app = TestApp::start();
    let mut ann = leaving(&app, ANN);
    let link = app.mail().to(ANN).link();
    assert_eq!(ann.api("POST", "/me/restore", Value::Null).status, 200);
    super::leave(&mut ann);
    assert_eq!(app.browser().get(&link).status, 410);
    assert_eq!(app.browser().get(&letter(&app, ANN, "will be deleted").link()).status, 200);
}

#[test]
fn she_gets_in_by_every_way_there_is_and_can_come_back() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let (mut passkey, added) = register(&app, &mut ann, "Phone");
    drop(app.mail().to(ANN));
    let (authenticator, _) = set_up(&app, &mut ann);
    let recovery_code = &added["recovery_codes"][0];
    drop(app.mail().to(ANN));
    ann.confirm();
    super::leave(&mut ann);
    drop(app.mail().to(ANN));
    let is_leaving = |browser: &mut Browser| {
        let me = browser.api("GET", "/me", Value::Null);
        assert!(me.json::<Value>()["deletion"].is_object(), "{}", me.text());
        assert_eq!(code(&browser.api("GET", "/me/sessions", Value::Null)), "forbidden");
    };
    // A password and a code
    let (mut browser, half) = app.log_in(ANN, PASSWORD);
    assert_eq!(code(&half), "mfa_required");
    let totp = json!({ "code": authenticator.code(&app) });
    assert_eq!(browser.api("POST", "/auth/login/totp", totp).status, 200);
    is_leaving(&mut browser);
    // A mailed link and a recovery code
    let mut browser = app.browser();
    browser.api("POST", "/auth/magic-link", json!({ "email": ANN }));
    let token = json!({ "token": token_in(&app.mail().to(ANN).link()) });
    assert_eq!(code(&browser.api("POST", "/auth/login/magic-link", token)), "mfa_required");
    let recovery = json!({ "code": recovery_code });
    assert_eq!(browser.api("POST", "/auth/login/recovery-code", recovery).status, 200);
    is_leaving(&mut browser);
    // A passkey
    let mut browser = app.browser();
    let asked: Value = browser.api("POST", "/auth/login/passkey/start", Value::Null).json();
    let credential = passkey.get(&asked["publicKey"]);
    let answer = json!({ "ceremony": asked["ceremony"], "credential": credential });
    assert_eq!(browser.api("POST", "/auth/login/passkey/finish", answer).status, 200);
    is_leaving(&mut browser);
    assert_eq!(browser.api("POST", "/me/restore", Value::Null).status, 200);
    assert!(is_staying(&app));
}

#[test]
fn a_new_password_can_be_chosen_and_restores_nothing() {
    let app = TestApp::start();
    leaving(&app, ANN);
    drop(app.mail().to(ANN));
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let token = token_in(&app.mail().to(ANN).link());
    let reset = json!({ "token": token, "new_password": "nine patient otters" });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", reset).status, 204);
    assert!(!is_staying(&app));
    assert_eq!(app.log_in(ANN, "nine patient otters").1.status, 200);
}

#[test]
fn signing_up_with_the_address_is_answered_as_for_any_taken_one() {
    let app = TestApp::start();
    leaving(&app, ANN);
    drop(app.mail().to(ANN));
    app.signed_up(ANN);
    assert!(app.mail().to(ANN).subject().contains("already"), "she is told that there is an account");
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), 1);
}

/// Before the job has been there.
#[test]
fn when_the_time_is_over_nothing_lets_her_in_or_brings_her_back() {
    let app = TestApp::start();
    let mut ann = leaving(&app, ANN);
    let link = app.mail().to(ANN).link();
    let (mut remembered, _) = app.log_in(ANN, PASSWORD);
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    drop(app.mail().to(ANN));
    // No node gets to erasing anybody meanwhile.
    app.execute(
        "CREATE FUNCTION not_yet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not yet'; END $$;
         CREATE TRIGGER not_yet BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION not_yet();
         UPDATE sessions SET expires_at = expires_at + interval '60 days',
                             last_active_at = to_timestamp(1800000000) + interval '30 days'",
    );
    app.clock().advance(GRACE);
    assert_eq!(code(&app.log_in(ANN, PASSWORD).1), "invalid_credentials");
    for browser in [&mut ann, &mut remembered] {
        assert_eq!(browser.api("GET", "/me", Value::Null).status, 401);
        assert_eq!(browser.api("POST", "/me/restore", Value::Null).status, 401);
    }
    assert_eq!(app.browser().get(&link).status, 410);
    assert!(!is_staying(&app));
}
