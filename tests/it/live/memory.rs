//! Checks answered from memory, and what is forgotten.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::gate::house::{DOORS, Door, Person, Question, house, house_with};
use crate::support::people::PASSWORD;
use crate::support::{TestApp, eventually};

const PLACE: &str = "https://app.example.com/x";

fn check(app: &TestApp, person: &Person) -> u16 {
    Question::about(Door::ForwardAuth, PLACE).by(person).ask(app).status
}

/// A node that remembers this person now.
fn remember(app: &TestApp, person: &Person) {
    eventually("a check that is answered from memory", || {
        let before = app.live.figures().remembered;
        assert_eq!(check(app, person), 200);
        (app.live.figures().remembered > before).then_some(())
    });
}

#[test]
fn a_check_of_a_session_that_is_remembered_asks_postgresql_nothing() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    remember(&app, &ann);
    let before = app.live.figures();
    for door in DOORS {
        for _ in 0..50 {
            assert_eq!(Question::about(door, PLACE).by(&ann).ask(&app).status, 200);
        }
    }
    let after = app.live.figures();
    // On a busy machine a heartbeat may be late, and then one or the other check asks.
    assert!(after.remembered - before.remembered > 50, "{before:?} {after:?}");
}

#[test]
fn a_node_that_is_to_remember_nothing_asks_every_time() {
    let app = house_with(&[("session.cache_size", "0")]);
    let ann = Person::of_the_house(&app, "ann@example.com");
    eventually("the connection that listens", || app.live.figures().is_trusted.then_some(()));
    for _ in 0..5 {
        assert_eq!(check(&app, &ann), 200);
    }
    let figures = app.live.figures();
    assert_eq!((figures.remembered, figures.read_through, figures.sessions), (0, 5, 0));
}

#[test]
fn a_session_that_ended_on_this_node_is_refused_by_its_very_next_check() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    for _ in 0..20 {
        remember(&app, &ann);
        let gone = Person { browser: ann.browser.clone(), id: ann.id.clone() };
        assert_eq!(ann.browser.api("POST", "/auth/logout", Value::Null).status, 204);
        assert_eq!(check(&app, &gone), 401);
        ann.browser.api("POST", "/auth/login", json!({ "email": "ann@example.com", "password": PASSWORD }));
    }
}

#[test]
fn a_session_that_ended_on_another_node_is_refused_as_soon_as_that_is_heard() {
    let one = house();
    let other = one.again_with(&[
        ("server.public_url", "https://auth.example.com"),
        ("session.cookie_domains", "example.com"),
        ("gateway.rules", r#"[{ hosts = ["app.example.com"], allow = "signed_in" }]"#),
    ]);
    let mut ann = Person::of_the_house(&one, "ann@example.com");
    for _ in 0..10 {
        remember(&one, &ann);
        remember(&other, &ann);
        let gone = Person { browser: ann.browser.clone(), id: ann.id.clone() };
        ann.browser.api("POST", "/auth/logout", Value::Null);
        eventually("the other node's refusal", || (check(&other, &gone) == 401).then_some(()));
        ann.browser.api("POST", "/auth/login", json!({ "email": "ann@example.com", "password": PASSWORD }));
    }
}

/// Nothing has to be told by hand: the tables tell.
#[test]
fn what_an_operator_does_in_psql_is_heard_as_well() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let ends = [
        ("UPDATE users SET disabled_at = now()", "UPDATE users SET disabled_at = NULL"),
        ("UPDATE sessions SET rotation_due = true", "UPDATE sessions SET rotation_due = false"),
        (
            "UPDATE sessions SET expires_at = created_at",
            "UPDATE sessions SET expires_at = created_at + interval '1 day'",
        ),
        ("DELETE FROM gate_tokens", "SELECT"),
    ];
    for (end, undo) in ends {
        remember(&app, &ann);
        app.execute(end);
        eventually(end, || (check(&app, &ann) == 401).then_some(()));
        app.execute(undo);
    }
    for end in ["DELETE FROM sessions", "TRUNCATE sessions CASCADE", "DELETE FROM users"] {
        let (browser, _) = app.log_in("ann@example.com", PASSWORD);
        let ann = Person::who_is(browser);
        remember(&app, &ann);
        app.execute(end);
        eventually(end, || (check(&app, &ann) == 401).then_some(()));
    }
}

#[test]
fn a_new_name_is_what_the_next_check_tells_the_app() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    for name in ["Ann", "Anna", "Annabel"] {
        remember(&app, &ann);
        assert_eq!(ann.browser.api("PATCH", "/me", json!({ "name": name })).status, 200);
        let answer = Question::about(Door::ForwardAuth, PLACE).by(&ann).ask(&app);
        assert_eq!(answer.headers("remote-name"), [name]);
    }
}

#[test]
fn a_session_that_is_remembered_still_runs_out() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    remember(&app, &ann);
    for _ in 0..3 {
        app.clock().advance(TimeDelta::minutes(29));
        assert_eq!(check(&app, &ann), 200, "being seen at the gate is being active");
    }
    app.clock().advance(TimeDelta::minutes(30));
    assert_eq!(check(&app, &ann), 401, "idle");

    let (browser, _) = app.log_in("ann@example.com", PASSWORD);
    let ann = Person::who_is(browser);
    for _ in 0..71 {
        app.clock().advance(TimeDelta::minutes(20));
        assert_eq!(check(&app, &ann), 200);
    }
    app.clock().advance(TimeDelta::minutes(20));
    assert_eq!(check(&app, &ann), 401, "a day is over");
}

/// There is one clock for all nodes outside of tests; here each has its own, moved together.
#[test]
fn somebody_who_is_active_on_one_node_is_not_idle_on_another() {
    let one = house();
    let other = one.again_with(&[
        ("server.public_url", "https://auth.example.com"),
        ("session.cookie_domains", "example.com"),
        ("gateway.rules", r#"[{ hosts = ["app.example.com"], allow = "signed_in" }]"#),
    ]);
    let ann = Person::of_the_house(&one, "ann@example.com");
    remember(&other, &ann);
    let started = one.text("SELECT last_active_at::text AS t FROM sessions");
    for node in [&one, &other] {
        node.clock().advance(TimeDelta::minutes(20));
    }
    assert_eq!(check(&one, &ann), 200);
    let written = || (one.text("SELECT last_active_at::text AS t FROM sessions") != started).then_some(());
    eventually("the activity to be written", written);
    for node in [&one, &other] {
        node.clock().advance(TimeDelta::minutes(20));
    }
    assert_eq!(check(&other, &ann), 200, "what it remembers is forty minutes old, and it asks");
}

/// A gate token of somebody else's making, or of a session long gone, takes no room.
#[test]
fn unknown_tokens_are_not_remembered() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    remember(&app, &ann);
    let mut gone = Person { browser: ann.browser.clone(), id: ann.id.clone() };
    gone.browser.api("POST", "/auth/logout", Value::Null);
    for _ in 0..100 {
        assert_eq!(check(&app, &ann), 401);
    }
    assert_eq!(app.live.figures().sessions, 0);
}
