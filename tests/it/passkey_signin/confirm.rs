//! A passkey to confirm that it is them.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ANN, CONFIRM, SIGN_IN, answer, ask, keeper, prove};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::people::{PASSWORD, code};

/// Whether something dangerous could be done, without doing it.
fn is_open(browser: &mut Browser) -> bool {
    match browser.get("/account/security/recovery-codes").status {
        200 => true,
        303 => false,
        status => panic!("{status}"),
    }
}

#[test]
fn a_passkey_opens_what_is_dangerous_as_the_password_does() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = keeper(&app, ANN);
    app.clock().advance(TimeDelta::minutes(5));
    assert!(!is_open(&mut ann));
    let refusal: Value = ann.api("POST", "/me/recovery-codes", Value::Null).json();
    assert_eq!(refusal["methods"], json!(["password", "passkey"]));
    assert_eq!(refusal["action"], "POST /auth/confirm with your password or passkey");
    let state: Value = ann.api("GET", "/auth/confirm", Value::Null).json();
    assert_eq!(state["methods"], json!(["password", "passkey"]));

    let asked = ask(&mut ann, CONFIRM, Value::Null);
    assert_eq!(asked["publicKey"]["allowCredentials"].as_array().unwrap().len(), 1);
    let page = answer(&mut ann, CONFIRM, &asked, &mut passkey);
    assert_eq!(page.json::<Value>(), json!({ "message": "Identity confirmed.", "expires_in": 300 }));
    assert!(is_open(&mut ann));
    app.clock().advance(TimeDelta::minutes(5));
    assert!(!is_open(&mut ann));
    let confirmed = "SELECT count(*) AS n FROM audit_events WHERE kind = 'session.confirmed'
        AND details->>'method' = 'passkey'";
    assert_eq!(app.count(confirmed), 1);
}

#[test]
fn the_key_of_another_confirms_nothing_and_too_many_wrong_ones_wait() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = keeper(&app, ANN);
    let (_, mut bobs, _) = keeper(&app, "bob@example.com");
    app.clock().advance(TimeDelta::minutes(5));
    for _ in 0..4 {
        let page = prove(&mut ann, CONFIRM, &mut bobs);
        assert_eq!((page.status, code(&page).as_str()), (401, "invalid_credentials"));
    }
    let mut unverifying = passkey.clone();
    unverifying.verifies = false;
    assert_eq!(prove(&mut ann, CONFIRM, &mut unverifying).status, 401);
    assert!(!is_open(&mut ann));
    let page = prove(&mut ann, CONFIRM, &mut passkey);
    assert_eq!((page.status, page.header("retry-after")), (429, Some("30")));
    app.clock().advance(TimeDelta::seconds(30));
    assert_eq!(prove(&mut ann, CONFIRM, &mut passkey).status, 200);
    let failed = "SELECT count(*) AS n FROM audit_events WHERE kind = 'session.confirmation_failed'";
    assert_eq!(app.count(failed), 5);
}

#[test]
fn an_answer_counts_where_it_was_asked_and_once() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = keeper(&app, ANN);
    app.clock().advance(TimeDelta::minutes(5));
    let mut elsewhere = app.browser();
    assert_eq!(prove(&mut elsewhere, SIGN_IN, &mut passkey).status, 200);
    let asked = ask(&mut ann, CONFIRM, Value::Null);
    assert_eq!(code(&answer(&mut elsewhere, CONFIRM, &asked, &mut passkey)), "conflict");
    assert!(!is_open(&mut elsewhere));
    let to_sign_in = ask(&mut app.browser(), SIGN_IN, Value::Null);
    assert_eq!(code(&answer(&mut ann, CONFIRM, &to_sign_in, &mut passkey)), "conflict");
    assert!(!is_open(&mut ann));

    // Her session gets another id meanwhile, in the same browser.
    app.execute("UPDATE sessions SET rotation_due = true");
    let given = passkey.get(&asked["publicKey"]);
    let body = json!({ "ceremony": asked["ceremony"], "credential": given });
    assert_eq!(ann.api("POST", "/auth/confirm/passkey/finish", body.clone()).status, 200);
    app.clock().advance(TimeDelta::minutes(4));
    assert_eq!(code(&ann.api("POST", "/auth/confirm/passkey/finish", body)), "conflict");
    app.clock().advance(TimeDelta::minutes(1));
    assert!(!is_open(&mut ann));
}

#[test]
fn a_session_that_has_ended_confirms_nothing() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = keeper(&app, ANN);
    let asked = ask(&mut ann, CONFIRM, Value::Null);
    let mut copy = ann.clone();
    ann.api("POST", "/auth/logout", Value::Null);
    let page = answer(&mut copy, CONFIRM, &asked, &mut passkey);
    assert_eq!((page.status, code(&page).as_str()), (401, "unauthenticated"));
    assert_eq!(copy.api("POST", "/auth/confirm/passkey/start", Value::Null).status, 401);
}

#[test]
fn a_removed_key_confirms_nothing_although_it_was_asked() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = keeper(&app, ANN);
    let asked = ask(&mut ann, CONFIRM, Value::Null);
    let listed: Value = ann.api("GET", "/me/passkeys", Value::Null).json();
    let id = listed["passkeys"][0]["id"].as_str().unwrap();
    assert_eq!(ann.api("DELETE", &format!("/me/passkeys/{id}"), Value::Null).status, 204);
    assert_eq!(answer(&mut ann, CONFIRM, &asked, &mut passkey).status, 409);
    let page = ann.api("POST", "/auth/confirm/passkey/start", Value::Null);
    assert_eq!((page.status, code(&page).as_str()), (409, "conflict"));
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);
}

#[test]
fn the_page_offers_it_beside_the_password_and_alone_to_those_who_have_nothing_else() {
    let app = TestApp::start();
    let (mut ann, ..) = keeper(&app, ANN);
    let page = ann.get("/confirm?return_to=https%3A%2F%2Fevil.test%2F");
    let html = page.answer.text();
    assert!(page.form("/confirm").is_some());
    assert!(html.contains("data-passkey=\"confirm\" data-return-to=\"&#x2f;\" hidden"), "{html}");
    app.execute("UPDATE users SET password_hash = NULL");
    app.clock().advance(TimeDelta::minutes(5));
    let page = ann.get("/confirm?return_to=%2Faccount%2Fpassword");
    let html = page.answer.text();
    assert!(page.form("/confirm").is_none());
    assert!(html.contains("data-passkey=\"confirm\" data-return-to=\"&#x2f;account&#x2f;password\" hidden"), "{html}");
}
