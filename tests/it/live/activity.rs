//! When sessions were last active: written behind, many at once.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::gate::house::{Door, Person, Question, house};
use crate::resilience::service::Service;
use crate::resilience::sql;
use crate::support::browser::Browser;
use crate::support::people::PASSWORD;
use crate::support::postgres::OwnServer;
use crate::support::{TestApp, eventually};

const LAST: &str = "SELECT max(last_active_at)::text AS t FROM sessions";

fn check(app: &TestApp, person: &Person) -> u16 {
    Question::about(Door::ForwardAuth, "https://app.example.com/x").by(person).ask(app).status
}

#[test]
fn a_visit_is_written_some_seconds_later_and_not_with_every_request() {
    let app = house();
    let mut ann = Person::of_the_house(&app, "ann@example.com");
    let version = || app.text("SELECT xmin::text AS t FROM sessions");
    let before = version();
    app.clock().advance(TimeDelta::minutes(10));
    for _ in 0..20 {
        assert_eq!(ann.browser.api("GET", "/me", Value::Null).status, 200);
        assert_eq!(check(&app, &ann), 200);
    }
    let written = eventually("the activity to be written", || Some(version()).filter(|now| *now != before));
    let at = app.text(LAST);
    assert_eq!(at, app.text("SELECT (created_at + interval '10 minutes')::text AS t FROM sessions"));
    for _ in 0..20 {
        app.clock().advance(TimeDelta::milliseconds(10));
        assert_eq!(check(&app, &ann), 200);
    }
    assert_eq!(version(), written, "twenty checks in a fifth of a second are one activity");
}

#[test]
fn many_sessions_are_written_by_one_statement() {
    let app = house();
    app.verified("ann@example.com");
    let people: Vec<Person> = (0..12).map(|_| Person::who_is(app.log_in("ann@example.com", PASSWORD).0)).collect();
    app.clock().advance(TimeDelta::minutes(5));
    for person in &people {
        assert_eq!(check(&app, person), 200);
    }
    let versions = "SELECT count(DISTINCT s.xmin::text) AS n FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.last_active_at >= s.created_at + interval '5 minutes'";
    let all = "SELECT count(*) AS n FROM sessions WHERE last_active_at >= created_at + interval '5 minutes'";
    eventually("all of them to be written", || (app.count(all) == 12).then_some(()));
    assert!(app.count(versions) <= 2, "at most two rounds of writing, whichever way the requests fell");
}

#[test]
fn what_was_noted_never_brings_a_session_back_and_never_goes_backwards() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    let [ben, carl] = [(); 2].map(|()| Person::who_is(app.log_in("ann@example.com", PASSWORD).0));
    app.clock().advance(TimeDelta::minutes(5));
    for person in [&ann, &ben] {
        assert_eq!(check(&app, person), 200);
    }
    let of = |person: &Person| format!("token_digest = sha256(decode('{}', 'base64'))", base64(&person.portal_token()));
    let later = "created_at + interval '10 minutes'";
    app.execute(&format!("UPDATE sessions SET last_active_at = {later} WHERE {}", of(&ann)));
    app.execute(&format!("DELETE FROM sessions WHERE {}", of(&ben)));
    // What was noted before is written by then.
    app.clock().advance(TimeDelta::minutes(1));
    assert_eq!(check(&app, &carl), 200);
    let carls = format!("SELECT count(*) AS n FROM sessions WHERE last_active_at > created_at AND {}", of(&carl));
    eventually("the last activity", || (app.count(&carls) == 1).then_some(()));
    assert_eq!(app.count(&format!("SELECT count(*) AS n FROM sessions WHERE last_active_at = {later}")), 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 2);
}

/// The token at the end of the portal's cookie, as PostgreSQL reads it.
fn base64(cookie: &str) -> String {
    let token = &cookie[cookie.len() - 43..];
    format!("{}=", token.replace('-', "+").replace('_', "/"))
}

/// Sessions whose last visit is written and was just now.
const FRESH: &str = "SELECT count(*) AS n FROM sessions WHERE last_active_at > now() - interval '1 minute'";

/// The program itself, and somebody who comes back to it at almost the last moment.
fn back_after_29_minutes(server: &OwnServer) -> (Service, Browser) {
    let service = Service::start(&[("DATABASE__URL", &server.url())]);
    let mut browser = service.browser();
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    assert_eq!(browser.api("POST", "/auth/signup", body.clone()).status, 202);
    assert_eq!(browser.api("POST", "/auth/login", body).status, 200);
    sql::execute(&server.url(), "UPDATE sessions SET last_active_at = last_active_at - interval '29 minutes'");
    assert_eq!(browser.api("GET", "/me", Value::Null).status, 200);
    (service, browser)
}

#[test]
fn an_orderly_end_writes_what_was_noted() {
    let server = OwnServer::start();
    let (mut service, _) = back_after_29_minutes(&server);
    service.signal("TERM");
    assert!(service.end_within(Duration::from_secs(10)).success());
    assert_eq!(sql::count(&server.url(), FRESH), 1);
}

/// Written every five seconds: what was noted longer ago is there, and the session goes on.
#[test]
fn a_crash_loses_what_was_noted_last_and_shortens_no_timeout_by_more() {
    let server = OwnServer::start();
    let (mut service, mut browser) = back_after_29_minutes(&server);
    eventually("the visit to be written", || (sql::count(&server.url(), FRESH) == 1).then_some(()));
    let written = "SELECT extract(epoch FROM last_active_at)::bigint AS n FROM sessions";
    let before = sql::count(&server.url(), written);
    assert_eq!(browser.api("GET", "/me", Value::Null).status, 200);
    service.kill();
    let lost = "SELECT extract(epoch FROM now() - last_active_at)::bigint AS n FROM sessions";
    assert!(sql::count(&server.url(), written) >= before && sql::count(&server.url(), lost) < 30);
    service.start_again();
    assert_eq!(browser.api("GET", "/me", Value::Null).status, 200);
}
