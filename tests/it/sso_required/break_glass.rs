//! Owners who were named for the case that the provider is out of order.

use serde_json::json;

use super::{ANN, assert_led, break_glass, enforce, log_in, provided, sessions_of};
use crate::orgs::OWNER;
use crate::support::authenticator::set_up;
use crate::support::passkey::register;
use crate::support::people::token_in;
use crate::support::{TestApp, eventually};

const SUBJECT: &str = "An owner of acme signed in without the provider";

fn used(app: &TestApp) -> i64 {
    app.count(
        "SELECT count(*) AS n FROM audit_events WHERE kind = 'sso.break_glass_used' AND organization_id IS NOT NULL
        AND details->>'connection' IS NOT NULL AND subject_id IS NOT NULL",
    )
}

fn letters(app: &TestApp) -> i64 {
    app.count("SELECT count(*) AS n FROM mail_outbox WHERE letter = 'break_glass_used'")
}

#[test]
fn the_right_password_gets_them_in_and_all_owners_are_told() {
    let app = TestApp::start();
    provided(&app);
    break_glass(&app, ANN);
    assert_eq!((log_in(&app, ANN).status, used(&app), letters(&app)), (200, 0, 0), "not before it is a must");
    enforce(&app);
    assert_eq!(log_in(&app, ANN).status, 200);
    assert_eq!((used(&app), letters(&app)), (1, 2), "to both owners");
    for owner in [OWNER, ANN] {
        let letter = (0..9).map(|_| app.mail().to(owner)).find(|letter| letter.subject() == SUBJECT).unwrap();
        assert!(letter.link().ends_with("/orgs/acme/activity"), "{}", letter.link());
    }
}

#[test]
fn a_wrong_password_of_theirs_is_answered_as_a_strangers() {
    let app = TestApp::start();
    provided(&app);
    break_glass(&app, ANN);
    enforce(&app);
    let (before, answer) = (sessions_of(&app, ANN), app.log_in(ANN, "something else entirely").1);
    assert_led(&app, "a wrong password", &answer);
    assert_eq!((sessions_of(&app, ANN), used(&app), letters(&app)), (before, 0, 0));
    // Of another connection they are nobody special.
    app.execute("DELETE FROM break_glass");
    assert_led(&app, "no more", &log_in(&app, ANN));
}

#[test]
fn their_second_factor_is_asked_for_and_only_then_is_it_a_use() {
    let app = TestApp::start();
    provided(&app);
    let mut ann = break_glass(&app, ANN);
    let (authenticator, _) = set_up(&app, &mut ann);
    enforce(&app);
    let (mut browser, answer) = app.log_in(ANN, crate::support::people::PASSWORD);
    assert_eq!((answer.status, used(&app)), (401, 0), "{}", answer.answer.text());
    let answer = browser.api("POST", "/auth/login/totp", json!({ "code": authenticator.code(&app) }));
    assert_eq!((answer.status, used(&app), letters(&app)), (200, 1, 2), "{}", answer.answer.text());
}

#[test]
fn nothing_but_the_password_is_exempt_and_only_they_are_written_to_for_a_new_one() {
    let app = TestApp::start();
    provided(&app);
    let mut ann = break_glass(&app, ANN);
    let (mut passkey, _) = register(&app, &mut ann, "Phone");
    app.verified("ben@corp.example");
    enforce(&app);
    let mut browser = app.browser();
    let asked: serde_json::Value = browser.api("POST", "/auth/login/passkey/start", json!({})).json();
    let credential = passkey.get(&asked["publicKey"]);
    let body = json!({ "ceremony": asked["ceremony"], "credential": credential });
    assert_led(&app, "a passkey", &browser.api("POST", "/auth/login/passkey/finish", body));

    for email in [ANN, "ben@corp.example", "nobody@corp.example"] {
        for at in ["/auth/magic-link", "/auth/forgot-password"] {
            assert_led(&app, at, &app.browser().api("POST", at, json!({ "email": email })));
        }
    }
    eventually("all requests to be answered", || {
        (app.count("SELECT count(*) AS n FROM letter_requests") == 0).then_some(())
    });
    let written = "SELECT count(*) AS n FROM mail_outbox WHERE letter IN ('magic_link', 'reset_password')";
    assert_eq!(app.count(written), 1);
    let letter = (0..9).map(|_| app.mail().to(ANN)).find(|letter| letter.subject().contains("new password")).unwrap();
    let body = json!({ "token": token_in(&letter.link()), "new_password": "saffron tunnel kite" });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", body).status, 204);
    // The passkey is one of two proofs then.
    let answer = app.log_in(ANN, "saffron tunnel kite").1;
    assert_eq!(answer.status, 401, "{}", answer.answer.text());
    assert_eq!(crate::support::people::code(&answer), "mfa_required");
}

#[test]
fn whoever_is_no_owner_any_more_comes_by_the_provider_as_everybody_does() {
    let app = TestApp::start();
    provided(&app);
    break_glass(&app, ANN);
    enforce(&app);
    assert_eq!(log_in(&app, ANN).status, 200);
    let of_ann = format!("WHERE user_id = (SELECT id FROM users WHERE email = '{ANN}')");
    for change in ["UPDATE members SET role = 'admin'", "DELETE FROM members"] {
        app.execute(&format!("{change} {of_ann}"));
        assert_led(&app, change, &log_in(&app, ANN));
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM break_glass"), 1, "the name of before is worth nothing");
    let asked = app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    assert_led(&app, "a reset", &asked);
    eventually("all requests to be answered", || {
        (app.count("SELECT count(*) AS n FROM letter_requests") == 0).then_some(())
    });
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE letter = 'reset_password'"), 0);
}
