//! `GET /me/activity`: what a person is told.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ANN, BOB, FIREFOX, activity, id_of, kinds, write_down};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::people::{PASSWORD, code};

#[test]
fn somebody_sees_what_happened_when_from_where_and_on_which_device() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN).with_header("User-Agent", FIREFOX).with_header("X-Forwarded-For", "192.0.2.7");
    app.clock().advance(TimeDelta::minutes(20));
    ann.api("PATCH", "/me", json!({ "name": "Ann" }));
    let answer = ann.api("GET", "/me/activity?limit=1", Value::Null);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let told: Value = answer.json();
    let event = &told["events"][0];
    let id = app.text("SELECT id::text AS t FROM audit_events WHERE kind = 'profile.changed'");
    let expected = json!({
        "id": id,
        "at": "2027-01-15T08:20:00Z",
        "kind": "profile.changed",
        "area": "account",
        "sentence": "The name was changed.",
        "details": {},
        "by": { "who": "you", "name": null },
        "about": { "who": "you", "name": null },
        "ip": "192.0.2.7",
        "device_name": "Firefox on Linux",
        "organization": null,
    });
    assert_eq!(event, &expected);
    assert!(told["next_cursor"].is_string());
    let all = activity(&mut ann, "");
    // The others were at one and the same instant of this test's clock.
    let mut before = kinds(&all)[1..].to_vec();
    before.sort_unstable();
    assert_eq!((kinds(&all)[0], before), ("profile.changed", vec!["email.verified", "session.opened", "user.created"]));
    let opened = all.iter().find(|event| event["kind"] == "session.opened").unwrap();
    assert_eq!(opened["sentence"], "Signed in with a password.");
    assert_eq!((&opened["details"], &opened["ip"]), (&json!({ "methods": ["password"] }), &json!("127.0.0.1")));
}

#[test]
fn somebody_sees_from_where_a_stranger_has_tried_their_password() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let mut stranger = app.browser().with_header("X-Forwarded-For", "203.0.113.66").with_header("User-Agent", FIREFOX);
    app.clock().advance(TimeDelta::minutes(1));
    stranger.api("POST", "/auth/login", json!({ "email": ANN, "password": "a guess" }));
    let event = activity(&mut ann, "?limit=1").remove(0);
    assert_eq!(event["sentence"], "Somebody failed to sign in with a password.");
    assert_eq!((&event["ip"], &event["device_name"]), (&json!("203.0.113.66"), &json!("Firefox on Linux")));
    assert_eq!(event["by"], json!({ "who": "somebody", "name": null }));
}

/// Otherwise what is written down of their own attempts would tell them which addresses have an account.
#[test]
fn whoever_is_signed_in_and_tries_an_address_does_not_learn_whether_it_has_an_account() {
    let app = TestApp::start();
    app.verified(BOB);
    let mut ann = app.verified(ANN);
    let before = activity(&mut ann, "");
    app.clock().advance(TimeDelta::minutes(1));
    for email in [BOB, "nobody@example.com"] {
        ann.api("POST", "/auth/login", json!({ "email": email, "password": "a guess" }));
        ann.api("POST", "/auth/signup", json!({ "email": email, "password": PASSWORD }));
        ann.api("POST", "/auth/forgot-password", json!({ "email": email }));
        ann.api("POST", "/auth/magic-link", json!({ "email": email }));
        // Whoever has an account is written to when this is done.
        crate::support::eventually("nothing left to answer", || {
            (app.count("SELECT count(*) AS n FROM letter_requests") == 0).then_some(())
        });
    }
    assert!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'signup.repeated'") > 0);
    assert_eq!(activity(&mut ann, ""), before);
    let (mut bob, _) = app.log_in(BOB, PASSWORD);
    let seen = activity(&mut bob, "");
    for kind in ["signin.failed", "signup.repeated", "password.reset_requested", "magic_link.requested"] {
        let event = seen.iter().find(|event| event["kind"] == kind).unwrap_or_else(|| panic!("no {kind} in {seen:?}"));
        assert_ne!(event["by"]["who"], "you", "{event}");
        assert_eq!((&event["ip"], &event["by"]["name"]), (&json!("127.0.0.1"), &Value::Null), "{event}");
    }
}

#[test]
fn what_is_of_no_use_to_people_is_neither_shown_nor_found() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    write_down(&app, &id_of(&app, ANN), "session.rotated", 3);
    assert!(!kinds(&activity(&mut ann, "")).contains(&"session.rotated"));
    assert!(activity(&mut ann, "?kind=session.rotated").is_empty());
    assert!(!kinds(&activity(&mut ann, "?kind=signing_in")).contains(&"session.rotated"));
}

#[test]
fn an_event_of_a_later_version_is_shown_by_its_word() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    write_down(&app, &id_of(&app, ANN), "session.teleported", 1);
    let event = activity(&mut ann, "?until=2020-12-31").remove(0);
    assert_eq!((&event["kind"], &event["area"]), (&json!("session.teleported"), &Value::Null));
    assert_eq!(event["sentence"], "session.teleported (described by a later version).");
}

#[test]
fn what_another_person_did_or_suffered_is_seen_by_them_alone() {
    let app = TestApp::start();
    let (mut ann, mut bob) = (app.verified(ANN), app.verified(BOB));
    bob.api("PATCH", "/me", json!({ "name": "Bobby" }));
    assert!(!kinds(&activity(&mut ann, "")).contains(&"profile.changed"));
    assert!(kinds(&activity(&mut bob, "")).contains(&"profile.changed"));
    assert_eq!(app.browser().api("GET", "/me/activity", Value::Null).status, 401);
}

/// By every way that an event has to them: about them, and done by them in an organization.
#[test]
fn pages_follow_each_other_without_a_gap_whatever_is_added_meanwhile() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let me = id_of(&app, ANN);
    write_down(&app, &me, "profile.changed", 60);
    app.execute(&format!(
        "INSERT INTO audit_events (id, at, kind, actor_id, subject_id, request_id, details, organization_id)
         SELECT (substr(id::text, 1, 24) || 'ffffffff' || substr(id::text, 33))::uuid, at, 'member.added', '{me}',
                CASE WHEN random() < 0.5 THEN '{me}'::uuid ELSE gen_random_uuid() END, 'test', '{{}}', gen_random_uuid()
         FROM audit_events WHERE kind = 'profile.changed'"
    ));
    let all = activity(&mut ann, "?limit=100&until=2020-12-31");
    assert_eq!(all.len(), 100);
    let (mut seen, mut cursor): (Vec<Value>, String) = (Vec::new(), String::new());
    for turn in 0.. {
        let answer = ann.api("GET", &format!("/me/activity?limit=7&until=2020-12-31{cursor}"), Value::Null);
        let page: Value = answer.json();
        seen.extend(page["events"].as_array().unwrap().iter().cloned());
        // Newer than all that is read.
        ann.api("PATCH", "/me", json!({ "name": format!("Ann {turn}") }));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 120);
    assert_eq!(seen[..100], all[..]);
    let ids: Vec<&str> = seen.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a > b), "{ids:?}");
}

#[test]
fn events_are_found_by_kind_by_area_and_by_time() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let me = id_of(&app, ANN);
    write_down(&app, &me, "api_key.created", 5);
    write_down(&app, &me, "api_key.revoked", 5);
    let count = |browser: &mut Browser, query: &str| activity(browser, query).len();
    let found = [
        ("?kind=api_key.created", 5),
        ("?kind=api_keys", 10),
        ("?kind=api_keys&until=2020-01-01T00:00:03Z", 4),
        ("?kind=api_keys&since=2020-01-01T00:00:03Z", 6),
        ("?kind=api_keys&since=2020-01-01T01:00:03%2B01:00&until=2020-01-01T00:00:04Z", 2),
        ("?kind=api_keys&since=2020-01-01&until=2020-01-01", 10),
        ("?kind=api_keys&since=2020-01-02", 0),
        ("?kind=api_keys&until=2019-12-31", 0),
        ("?since=2020-01-02&until=2020-01-01", 0),
        ("?kind=organizations", 0),
        ("?since=1000-01-01&until=9999-12-31&limit=2", 2),
        ("?kind=&since=&until=&cursor=&limit=3", 3),
    ];
    for (query, expected) in found {
        assert_eq!(count(&mut ann, query), expected, "{query}");
    }
}

#[test]
fn what_cannot_be_read_is_said_at_once() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let wrong = [
        ("?kind=session.teleported", vec!["kind"]),
        ("?since=yesterday", vec!["since"]),
        ("?until=2026-02-30", vec!["until"]),
        ("?cursor=x", vec!["cursor"]),
        ("?limit=0", vec!["limit"]),
        ("?limit=101", vec!["limit"]),
        ("?limit=ten&cursor=%00&kind=%27&since=1&until=99999-01-01", vec!["cursor", "kind", "limit", "since", "until"]),
    ];
    for (query, fields) in wrong {
        let answer = ann.api("GET", &format!("/me/activity{query}"), Value::Null);
        assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"), "{query}");
        let said = answer.json::<Value>()["fields"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(said, fields, "{query}");
    }
}

/// A cursor is a position and no permission.
#[test]
fn the_cursor_of_another_person_shows_nothing_of_theirs() {
    let app = TestApp::start();
    let (mut ann, mut bob) = (app.verified(ANN), app.verified(BOB));
    bob.api("PATCH", "/me", json!({ "name": "Bobby" }));
    let page: Value = bob.api("GET", "/me/activity?limit=1", Value::Null).json();
    let cursor = page["next_cursor"].as_str().unwrap();
    for event in activity(&mut ann, &format!("?cursor={cursor}")) {
        assert!(activity(&mut ann, "").contains(&event), "{event}");
    }
}

#[test]
fn a_program_reads_it_by_a_key_that_is_good_for_looking() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    for (scopes, status) in [(json!(["account:read"]), 200), (json!(["gateway"]), 403)] {
        let made = ann.api("POST", "/me/api-keys", json!({ "name": "watcher", "scopes": scopes })).json::<Value>();
        let header = format!("Bearer {}", made["key"].as_str().unwrap());
        let mut program = app.browser().with_header("Authorization", &header);
        assert_eq!(program.api("GET", "/me/activity", Value::Null).status, status, "{scopes}");
    }
}

#[test]
fn what_one_action_has_caused_is_told_in_its_order() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let mut elsewhere = app.log_in(ANN, PASSWORD).0;
    elsewhere.confirm();
    for password in ["quiet lantern harbor", "copper thistle window", "marble engine sunrise"] {
        app.clock().advance(TimeDelta::minutes(1));
        app.log_in(ANN, PASSWORD);
        assert_eq!(elsewhere.api("PUT", "/me/password", json!({ "new_password": password })).status, 200);
        let newest = activity(&mut elsewhere, "?limit=2");
        let written = app.text(
            "SELECT string_agg(kind, ' ' ORDER BY id) AS t FROM audit_events WHERE kind IN ('password.changed', \
             'sessions.revoked') AND at = (SELECT max(at) FROM audit_events)",
        );
        assert_eq!(written, "sessions.revoked password.changed");
        assert_eq!(kinds(&newest), ["password.changed", "sessions.revoked"]);
        elsewhere.api("PUT", "/me/password", json!({ "new_password": PASSWORD }));
    }
    assert_eq!(ann.api("GET", "/me", Value::Null).status, 401);
}
