//! `vestibule user delete`.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::command::Said;
use crate::support::people::PASSWORD;
use crate::support::smtp::Letter;

const ANN: &str = "ann@example.com";

fn delete(app: &TestApp, arguments: &[&str]) -> Said {
    app.vestibule(&[&["user", "delete", ANN], arguments].concat())
}

/// The next letter about this.
fn letter(app: &TestApp, about: &str) -> Letter {
    loop {
        let letter = app.mail().to(ANN);
        if letter.subject().contains(about) {
            return letter;
        }
    }
}

#[test]
fn without_a_word_of_consent_nothing_is_deleted() {
    let app = TestApp::start();
    app.verified(ANN);
    for arguments in [&[][..], &["--now"], &["--json"]] {
        let said = delete(&app, arguments);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(said.err.contains("add --yes"), "{}", said.err);
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM users WHERE deletes_at IS NULL"), 1);
}

#[test]
fn somebody_leaves_as_if_they_had_asked_and_can_come_back() {
    let app = TestApp::start();
    app.catch_up();
    let mut ann = app.verified(ANN);
    let said = delete(&app, &["--yes", "--json"]).json();
    assert_eq!((&said["email"], &said["state"]), (&json!(ANN), &json!("leaving")));
    let deletes_at: DateTime<Utc> = said["deletes_at"].as_str().unwrap().parse().unwrap();
    app.catch_up();
    assert!(deletes_at > app.clock().now() + TimeDelta::days(29), "{deletes_at}");
    assert_eq!(ann.api("GET", "/me", Value::Null).status, 401, "signed out");
    let again = delete(&app, &["--yes", "--json"]).json();
    assert_eq!(again["deletes_at"], said["deletes_at"], "asking twice changes nothing");
    let audited = "SELECT count(*) AS n FROM audit_events WHERE kind = 'user.deletion_requested' AND hand = 'operator'
        AND request_id = 'user delete'";
    assert_eq!(app.count(audited), 1);

    let mut browser = app.browser();
    browser.get(&letter(&app, "will be deleted").link());
    assert_eq!(browser.submit("/restore", &[]).status, 303);
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);
    assert_eq!(app.count("SELECT count(*) AS n FROM users WHERE deletes_at IS NULL"), 1);
}

#[test]
fn erased_at_once_is_erased_for_good() {
    let app = TestApp::start();
    app.catch_up();
    app.verified(ANN);
    let id = app.text("SELECT id::text AS t FROM users");
    let said = app.vestibule(&["user", "delete", &id, "--now", "--yes"]);
    assert_eq!(said.text(), "ann@example.com is erased.\n");
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), 0);
    let audited = "SELECT count(*) AS n FROM audit_events WHERE kind = 'user.deleted' AND hand = 'operator'
        AND request_id = 'user delete' AND details = '{\"by\": \"operator\"}'";
    assert_eq!(app.count(audited), 1);
    app.catch_up();
    letter(&app, "is deleted");
    let said = app.vestibule(&["user", "delete", &id, "--now", "--yes"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    assert!(said.err.contains(&format!("there is no account {id}")), "{}", said.err);
}

#[test]
fn somebody_disabled_can_be_deleted_too() {
    let app = TestApp::start();
    app.catch_up();
    app.verified(ANN);
    app.vestibule(&["user", "disable", ANN]).text();
    assert_eq!(delete(&app, &["--yes", "--json"]).json()["state"], "leaving");
    assert_eq!(delete(&app, &["--yes", "--now", "--json"]).json()["state"], "erased");
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), 0);
}
