//! What people are told of what happened: on their account, and in their organizations.

mod organization;
mod pages;
mod person;
mod reading;
mod shared;

use serde_json::Value;

use crate::support::TestApp;
use crate::support::browser::Browser;

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// The events of one page.
fn activity(browser: &mut Browser, query: &str) -> Vec<Value> {
    let answer = browser.api("GET", &format!("/me/activity{query}"), Value::Null);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    answer.json::<Value>()["events"].as_array().expect("events").clone()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().expect("a kind")).collect()
}

fn id_of(app: &TestApp, email: &str) -> String {
    app.text(&format!("SELECT id::text AS t FROM users WHERE email = '{email}'"))
}

/// Writes `count` events of a kind about somebody, a second after each other, the last of them at `until`.
fn write_down(app: &TestApp, subject: &str, kind: &str, count: i64) {
    app.execute(&format!(
        "INSERT INTO audit_events (id, at, kind, subject_id, request_id, details)
         SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000' || '8000'
                 || substr(md5('{kind}' || n), 1, 12))::uuid, at, '{kind}', '{subject}', 'test', '{{}}'
         FROM (SELECT n, timestamptz '2020-01-01 00:00:00Z' + n * interval '1 second' AS at
               FROM generate_series(1, {count}) n) made"
    ));
}
