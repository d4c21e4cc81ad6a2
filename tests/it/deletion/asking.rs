//! Asking to be deleted, and what that ends.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ANN, GRACE, confirmed, events, leave};
use crate::support::TestApp;
use crate::support::people::{PASSWORD, code, token_in};

#[test]
fn it_takes_a_confirmation_and_says_when() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    assert_eq!(code(&ann.api("DELETE", "/me", Value::Null)), "reauth_required");
    assert_eq!(ann.get("/account/delete").location().expect("a way").path(), "/confirm");
    assert_eq!(ann.api("GET", "/me", Value::Null).json::<Value>()["deletion"], Value::Null);
    ann.confirm();
    let deletes_at = leave(&mut ann);
    assert_eq!(deletes_at, app.clock().now() + GRACE);
    let me: Value = ann.api("GET", "/me", Value::Null).json();
    assert_eq!(me["deletion"]["deletes_at"], json!(deletes_at));
    assert_eq!(events(&app, "user.deletion_requested"), 1);
}

#[test]
fn asking_twice_changes_nothing() {
    let app = TestApp::start();
    let mut ann = confirmed(&app, ANN);
    let first = leave(&mut ann);
    app.clock().advance(TimeDelta::minutes(2));
    assert_eq!(leave(&mut ann), first);
    assert_eq!(events(&app, "user.deletion_requested"), 1);
    assert!(app.mail().to(ANN).subject().contains("will be deleted"));
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE letter = 'deletion_asked'"), 1);
}

#[test]
fn the_grace_is_the_operators_to_choose() {
    let app = TestApp::with(&[("accounts.deletion_grace", "3d")]);
    let mut ann = confirmed(&app, ANN);
    assert_eq!(leave(&mut ann), app.clock().now() + TimeDelta::days(3));
}

#[test]
fn every_other_session_and_key_and_link_ends() {
    let app = TestApp::start();
    let mut ann = confirmed(&app, ANN);
    let (mut elsewhere, _) = app.log_in(ANN, PASSWORD);
    let made: Value = ann.api("POST", "/me/api-keys", json!({ "name": "k", "scopes": ["account:read"] })).json();
    let mut program = app.browser().with_header("Authorization", &format!("Bearer {}", made["key"].as_str().unwrap()));
    assert_eq!(program.api("GET", "/me", Value::Null).status, 200);
    assert!(app.mail().to(ANN).subject().contains("API key"));
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let reset = token_in(&app.mail().to(ANN).link());
    let mut asker = app.browser();
    asker.api("POST", "/auth/magic-link", json!({ "email": ANN }));
    let magic = token_in(&app.mail().to(ANN).link());

    leave(&mut ann);
    let out = elsewhere.api("GET", "/me", Value::Null);
    assert_eq!((out.status, &out.json::<Value>()["reason"]), (401, &json!("account_left")));
    assert!(elsewhere.get("/login").has("your account is to be deleted"));
    assert_eq!(program.api("GET", "/me", Value::Null).status, 401);
    let new_password = json!({ "token": reset, "new_password": "nine patient otters" });
    assert_eq!(app.browser().api("POST", "/auth/reset-password", new_password).status, 410);
    assert_eq!(asker.api("POST", "/auth/login/magic-link", json!({ "token": magic })).status, 410);
    assert_eq!(ann.api("GET", "/me", Value::Null).status, 200, "this one goes on");
    let known = "SELECT count(*) AS n FROM known_devices";
    assert_eq!(app.count(known), 1, "her other browsers are strangers' again");
}

#[test]
fn the_page_says_what_will_happen_and_leads_to_the_way_back() {
    let app = TestApp::start();
    let mut ann = confirmed(&app, ANN);
    let page = ann.get("/account/delete");
    assert_eq!(page.status, 200);
    for word in ["14 February 2027", "For 30 days", "What stays, and why", ANN, "take along"] {
        assert!(page.has(word), "{word}: {}", page.text());
    }
    assert_eq!(ann.submit("/account/delete", &[]).location().expect("a way").path(), "/account/restore");
    let page = ann.follow();
    assert!(page.has("Your account is to be deleted") && page.has("14 February 2027"), "{}", page.text());
    assert_eq!(ann.get("/").location().expect("a way").path(), "/account/restore");
}

#[test]
fn an_address_that_nobody_has_proved_gets_no_letter_and_the_page_says_so() {
    let app = TestApp::start();
    let mut ann = app.unverified(ANN);
    ann.confirm();
    assert!(ann.get("/account/delete").has("we do not write to it"));
    ann.submit("/account/delete", &[]);
    assert!(ann.follow().has("No letter was sent"));
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE letter = 'deletion_asked'"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM restore_links"), 0);
}

/// Whoever has taken an account may move it to an address of theirs before they have it deleted.
#[test]
fn a_letter_goes_to_the_address_that_was_proved_before() {
    let app = TestApp::start();
    let mut ann = confirmed(&app, ANN);
    assert_eq!(ann.api("PUT", "/me/email", json!({ "email": "thief@example.com" })).status, 200);
    let undo = app.mail().to(ANN);
    leave(&mut ann);
    let asked = app.mail().to(ANN);
    assert!(asked.subject().contains("will be deleted"), "{}", asked.subject());
    let token = token_in(&undo.link());
    assert_eq!(app.browser().api("POST", "/auth/undo-email", json!({ "token": token })).status, 200);
    assert_eq!(app.count("SELECT count(*) AS n FROM users WHERE deletes_at IS NOT NULL"), 0, "it is hers again");
    assert_eq!(events(&app, "user.restored"), 1);
}

/// And it may have been a stranger's account from the beginning.
#[test]
fn whoever_proves_an_address_is_not_deleted_because_a_stranger_wanted_it() {
    let app = TestApp::start();
    let mut stranger = app.unverified(ANN);
    stranger.confirm();
    leave(&mut stranger);
    // Two that wait at the same time may come in either order.
    drop(app.mail().to(ANN));
    let mut ann = app.signed_up(ANN);
    assert_eq!(app.follow_the_letter(&mut ann, ANN).status, 303);
    assert_eq!(app.count("SELECT count(*) AS n FROM users WHERE deletes_at IS NOT NULL"), 0);
    assert_eq!(stranger.api("GET", "/me", Value::Null).status, 401);
}

#[test]
fn a_session_that_has_ended_meanwhile_deletes_nobody() {
    let app = TestApp::start();
    let mut ann = confirmed(&app, ANN);
    let mut copy = ann.clone();
    assert_eq!(ann.api("POST", "/auth/logout", Value::Null).status, 204);
    assert_eq!(copy.api("DELETE", "/me", Value::Null).status, 401);
    assert_eq!(events(&app, "user.deletion_requested"), 0);
}
