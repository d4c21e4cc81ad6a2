//! `vestibule user disable` and `enable`.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::passkey::{Passkey, register};
use crate::support::people::{PASSWORD, token_in};

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";

fn disable(app: &TestApp) {
    app.vestibule(&["user", "disable", ANN]).text();
}

fn enable(app: &TestApp) {
    app.vestibule(&["user", "enable", ANN]).text();
}

fn is_in(browser: &mut Browser) -> bool {
    browser.api("GET", "/me", Value::Null).status == 200
}

fn by_passkey(browser: &mut Browser, passkey: &mut Passkey) -> (u16, Value) {
    let asked: Value = browser.api("POST", "/auth/login/passkey/start", Value::Null).json();
    let credential = passkey.get(&asked["publicKey"]);
    let body = json!({ "ceremony": asked["ceremony"], "credential": credential });
    let answer = browser.api("POST", "/auth/login/passkey/finish", body);
    (answer.status, answer.json())
}

#[test]
fn whoever_is_disabled_is_signed_out_everywhere_and_the_enabled_one_signs_in_again() {
    let app = TestApp::start();
    let mut one = app.verified(ANN);
    let (mut other, _) = app.log_in(ANN, PASSWORD);
    let mut bob = app.verified(BOB);
    let said = app.vestibule(&["user", "disable", ANN, "--json"]).json();
    assert_eq!((&said["email"], &said["disabled"]), (&json!(ANN), &json!(true)));
    assert_eq!((&said["changed"], &said["revoked"]), (&json!(true), &json!(2)));
    assert_eq!([is_in(&mut one), is_in(&mut other), is_in(&mut bob)], [false, false, true]);
    let again = app.vestibule(&["user", "disable", ANN]);
    assert_eq!(again.text(), "ann@example.com was disabled already.\n");

    // What a stranger is told who guesses wrong, to the letter.
    let wrong = app.log_in(BOB, "a wild guess").1;
    let right = app.log_in(ANN, PASSWORD).1;
    let without_id = |answer: &crate::support::page::Page| {
        let mut told: Value = answer.json();
        told.as_object_mut().unwrap().remove("request_id");
        (answer.status, told)
    };
    assert_eq!(without_id(&right), without_id(&wrong));

    assert_eq!(app.vestibule(&["user", "enable", ANN]).text(), "ann@example.com can sign in again.\n");
    assert_eq!(app.vestibule(&["user", "enable", ANN]).text(), "ann@example.com was not disabled.\n");
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);
    assert!(!is_in(&mut one), "what has ended stays ended");
    for kind in ["user.disabled", "user.enabled"] {
        let audited = format!(
            "SELECT count(*) AS n FROM audit_events WHERE kind = '{kind}' AND hand = 'operator' AND actor_id IS NULL"
        );
        assert_eq!(app.count(&audited), 1, "{kind}");
    }
}

#[test]
fn no_way_leads_in_for_somebody_disabled() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let mut by_letter = app.browser();
    assert_eq!(by_letter.api("POST", "/auth/magic-link", json!({ "email": ANN })).status, 202);
    let link = token_in(&app.mail().to(ANN).link());
    assert_eq!(app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN })).status, 202);
    let reset = token_in(&app.mail().to(ANN).link());
    let (mut passkey, _) = register(&app, &mut ann, "Phone");
    let (mut half_in, answer) = app.log_in(ANN, PASSWORD);
    assert_eq!(answer.json::<Value>()["code"], "mfa_required");
    disable(&app);

    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 401);
    assert_eq!(by_passkey(&mut app.browser(), &mut passkey).0, 401);
    assert_ne!(by_passkey(&mut half_in, &mut passkey).0, 200);
    assert_eq!(by_letter.api("POST", "/auth/login/magic-link", json!({ "token": link })).status, 410);
    let body = json!({ "token": reset, "new_password": "nine patient otters" });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", body).status, 410);
    assert!(!is_in(&mut ann) && !is_in(&mut half_in) && !is_in(&mut by_letter));

    enable(&app);
    assert_eq!(by_passkey(&mut app.browser(), &mut passkey).0, 200);
    assert_eq!(by_letter.api("POST", "/auth/login/magic-link", json!({ "token": link })).status, 410);
}

#[test]
fn somebody_disabled_gets_no_letter_that_leads_in_and_nobody_can_tell() {
    let app = TestApp::start();
    app.verified(ANN);
    app.verified(BOB);
    disable(&app);
    for (path, email) in [("/auth/forgot-password", ANN), ("/auth/magic-link", ANN), ("/auth/forgot-password", BOB)] {
        assert_eq!(app.browser().api("POST", path, json!({ "email": email })).status, 202);
    }
    // Wishes are answered in their order.
    loop {
        if app.mail().to(BOB).subject().contains("Choose a new password") {
            break;
        }
    }
    let waiting = "SELECT count(*) AS n FROM letter_requests";
    assert_eq!(app.count(waiting), 0);
    let written =
        "SELECT count(*) AS n FROM mail_outbox WHERE recipient = 'ann@example.com' AND letter <> 'verify_email'";
    assert_eq!(app.count(written), 0);
}
