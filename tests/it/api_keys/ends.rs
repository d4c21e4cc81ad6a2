//! How keys end.

use serde_json::{Value, json};

use super::{ANN, ann, create, get, key_for, program, revoke};
use crate::support::people::{PASSWORD, code, token_in};
use crate::support::{TestApp, eventually};

fn opens(app: &TestApp, key: &str) -> u16 {
    get(&mut program(app, key), "/me").status
}

#[test]
fn a_revoked_key_is_refused_at_once_and_its_holder_is_told() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let (key, id) = key_for(&mut ann, &["account:read"]);
    let (other, _) = key_for(&mut ann, &["account:read"]);
    assert_eq!(opens(&app, &key), 200);
    assert_eq!(revoke(&mut ann, &id).status, 204);
    assert_eq!((opens(&app, &key), opens(&app, &other)), (401, 200));
    assert_eq!(code(&revoke(&mut ann, &id)), "not_found", "there is nothing left to revoke");
    let revoked = "SELECT count(*) AS n FROM mail_outbox WHERE details ->> 'change' = 'revoked'";
    assert_eq!(app.count(revoked), 1);
    eventually("the letter", || {
        app.mail().all().iter().any(|letter| letter.subject().ends_with("was revoked")).then_some(())
    });
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'api_key.revoked'"), 1);
}

#[test]
fn revoking_asks_who_it_is() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let (key, id) = key_for(&mut ann, &["account:read"]);
    let (mut elsewhere, _) = app.log_in(ANN, PASSWORD);
    assert_eq!(code(&revoke(&mut elsewhere, &id)), "reauth_required");
    assert_eq!(opens(&app, &key), 200);
    elsewhere.confirm();
    assert_eq!(revoke(&mut elsewhere, &id).status, 204);
    assert_eq!(opens(&app, &key), 401);
}

#[test]
fn a_new_password_by_letter_ends_every_key_and_one_chosen_while_signed_in_none() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let (key, _) = key_for(&mut ann, &["account:read"]);
    let (other, _) = key_for(&mut ann, &["gateway"]);
    let mut bob = app.verified("bob@example.com");
    bob.confirm();
    let (bobs, _) = key_for(&mut bob, &["account:read"]);
    let answer = ann.api("PUT", "/me/password", json!({ "new_password": "seven quiet herons" }));
    assert_eq!((answer.status, opens(&app, &key)), (200, 200));

    let mut browser = app.browser();
    browser.api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let link = eventually("the link", || {
        let link = app.mail().to(ANN).link();
        link.contains("/reset-password").then_some(link)
    });
    let body = json!({ "token": token_in(&link), "new_password": "four modest lanterns" });
    assert_eq!(browser.api("POST", "/auth/reset-password", body).status, 204);
    assert_eq!((opens(&app, &key), opens(&app, &other), opens(&app, &bobs)), (401, 401, 200));
    assert_eq!(app.count("SELECT count(*) AS n FROM api_keys"), 1);
    let event = app.text("SELECT details::text AS t FROM audit_events WHERE kind = 'api_keys.revoked'");
    assert_eq!(serde_json::from_str::<Value>(&event).unwrap(), json!({ "count": 2 }));
}

#[test]
fn the_key_of_somebody_disabled_opens_nothing_until_they_are_enabled() {
    let app = TestApp::start();
    let (key, _) = key_for(&mut ann(&app), &["account:read"]);
    app.execute("UPDATE users SET disabled_at = now()");
    assert_eq!(opens(&app, &key), 401);
    app.execute("UPDATE users SET disabled_at = NULL");
    assert_eq!(opens(&app, &key), 200);
    app.execute("DELETE FROM users");
    assert_eq!(opens(&app, &key), 401);
}

/// As long as they are sealed with: a year at most.
#[test]
fn a_key_outlives_a_change_of_the_secrets_while_the_old_one_is_on_the_list() {
    let app = TestApp::start();
    let (key, _) = key_for(&mut ann(&app), &["account:read"]);
    let old = "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==";
    let new = "YW5vdGhlciBrZXkgb2YgYW5vdGhlciBzZXJ2aWNlLCBhcyBpdCBpcw==";
    let both = app.again_with(&[("secrets.key", &format!("{new},{old}"))]);
    assert_eq!(opens(&both, &key), 200);
    let new_only = app.again_with(&[("secrets.key", new)]);
    assert_eq!(opens(&new_only, &key), 401);
}

fn token_of(app: &TestApp, address: &str, path: &str) -> String {
    token_in(&eventually("the letter", || {
        let link = app.mail().to(address).link();
        link.contains(path).then_some(link)
    }))
}

#[test]
fn an_address_that_is_taken_back_ends_every_key() {
    let app = TestApp::start();
    let mut ann = ann(&app);
    let (key, _) = key_for(&mut ann, &["account:read"]);
    assert_eq!(ann.api("PUT", "/me/email", json!({ "email": "new@example.com" })).status, 200);
    assert_eq!(opens(&app, &key), 200, "whoever changes theirs keeps their keys");
    assert_eq!(code(&create(&mut ann, json!({ "name": "x" }))), "email_unverified");
    let token = token_of(&app, ANN, "/undo-email");
    assert_eq!(app.browser().api("POST", "/auth/undo-email", json!({ "token": token })).status, 200);
    assert_eq!(opens(&app, &key), 401);
}
