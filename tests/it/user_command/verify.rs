//! `vestibule user verify`.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::people::{PASSWORD, token_in};

const ANN: &str = "ann@example.com";

#[test]
fn the_operators_word_proves_an_address_and_leaves_the_account_as_it_is() {
    let app = TestApp::start();
    let mut ann = app.unverified(ANN);
    let letter = token_in(&app.mail().to(ANN).link());
    let before = app.text("SELECT password_hash || name AS t FROM users");
    assert_eq!(app.vestibule(&["user", "verify", ANN]).text(), "ann@example.com is confirmed now.\n");
    assert_eq!(app.text("SELECT password_hash || name AS t FROM users"), before);
    let me: Value = ann.api("GET", "/me", Value::Null).json();
    assert_eq!((&me["email_verified"], &me["name"]), (&json!(true), &json!("Ann Lee")));
    let rotated = "SELECT count(*) AS n FROM audit_events WHERE kind = 'session.rotated'";
    assert_eq!(app.count(rotated), 1, "her powers have changed, and so has the id of her session");
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);
    let answer = app.browser().api("POST", "/auth/verify-email", json!({ "token": letter, "password": PASSWORD }));
    assert_eq!(answer.status, 410, "the link in the letter is good for nothing any more");

    let said = app.vestibule(&["user", "verify", ANN, "--json"]).json();
    assert_eq!((&said["email"], &said["email_verified"], &said["changed"]), (&json!(ANN), &json!(true), &json!(false)));
    let audited = "SELECT count(*) AS n FROM audit_events WHERE kind = 'email.verified' AND hand = 'operator'
        AND request_id = 'user verify' AND details->>'by' = 'operator'";
    assert_eq!(app.count(audited), 1);
}
