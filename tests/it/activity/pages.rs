//! `/account/activity`, by a browser without scripts.

use chrono::TimeDelta;
use serde_json::json;

use super::{ANN, FIREFOX, id_of, write_down};
use crate::support::TestApp;

#[test]
fn the_page_says_what_happened_in_plain_words() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN).with_header("User-Agent", FIREFOX);
    app.clock().advance(TimeDelta::minutes(1));
    let mut stranger = app.browser().with_header("X-Forwarded-For", "203.0.113.66");
    stranger.api("POST", "/auth/login", json!({ "email": ANN, "password": "a guess" }));
    ann.get("/account/security");
    let page = ann.click("See");
    let page = if page.url.path() == "/account/activity" { page } else { ann.get("/account/activity") };
    assert_eq!(page.status, 200);
    assert!(page.has("Somebody failed to sign in with a password. 15 January 2027, 08:01 UTC, from 203.0.113.66"));
    assert!(page.has("By somebody who was not signed in."));
    assert!(page.has("Signed in with a password. 15 January 2027, 08:00 UTC, from 127.0.0.1"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    for path in ["/", "/account/security", "/account/sessions"] {
        assert!(ann.get(path).answer.text().contains("href=\"/account/activity\""), "{path}");
    }
}

#[test]
fn the_form_finds_and_older_pages_keep_to_what_it_looks_for() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let me = id_of(&app, ANN);
    write_down(&app, &me, "passkey.added", 120);
    write_down(&app, &me, "profile.changed", 120);
    ann.get("/account/activity");
    let mut page = ann.submit("/account/activity", &[("kind", "factors"), ("until", "2020-01-01")]);
    let mut seen = Vec::new();
    loop {
        assert!(!page.has("The name was changed."), "{}", page.text());
        seen.push(page.text().matches("A passkey was added.").count());
        assert_eq!(page.form("/account/activity").unwrap().fields[0].1, "factors");
        if page.link("Older").is_none() {
            break;
        }
        page = ann.click("Older");
    }
    assert_eq!(seen, [50, 50, 20]);
    let first = ann.click("Newest");
    assert_eq!(first.text().matches("A passkey was added.").count(), 50);
    assert!(first.link("Newest").is_none() && first.link("Everything").is_some());
    let nothing = ann.submit("/account/activity", &[("kind", "organizations")]);
    assert!(nothing.has("Nothing like that has happened."));
}

#[test]
fn a_field_that_cannot_be_read_is_marked() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let page = ann.get("/account/activity?since=soon&cursor=x&kind=nothing");
    assert_eq!(page.status, 422);
    assert!(page.title().starts_with("Error: "));
    assert_eq!(
        page.field_error("since").as_deref(),
        Some("Write a day, as in 2026-11-21, or an instant, as in 2026-11-21T15:30:00Z.")
    );
    assert!(page.has("This is no cursor of ours.") && page.field_error("kind").is_some());
}

#[test]
fn what_stands_in_an_event_cannot_become_a_part_of_the_page() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let me = id_of(&app, ANN);
    app.execute(&format!(
        "INSERT INTO audit_events VALUES (gen_random_uuid(), now(), 'api_key.created', NULL, '{me}', NULL, NULL,
             '<script>', 'test', '{{\"name\": \"<script>alert(1)</script>\"}}', NULL, 'visitor')"
    ));
    let page = ann.get("/account/activity?kind=api_keys");
    assert!(page.has("An API key was made: \u{201c}<script>alert(1)</script>\u{201d}."), "{}", page.text());
    assert!(!page.answer.text().contains("<script>alert"));
}
