//! `vestibule audit`, the program itself.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Output, Stdio};

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::orgs::{OWNER, id_of, staffed};
use crate::support::TestApp;
use crate::support::people::PASSWORD;

/// The clock of the tests is ahead of that of the program.
const LATER: &str = "2027-12-31";

fn audit(app: &TestApp, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.env_clear().current_dir(std::env::temp_dir());
    command.env("VESTIBULE__DATABASE__URL", app.database_url());
    command.env("VESTIBULE__SECRETS__KEY", "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==");
    command.arg("audit").args(arguments);
    command
}

/// Exit code, standard output, standard error.
fn run(app: &TestApp, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = audit(app, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn export(app: &TestApp, arguments: &[&str]) -> Vec<Value> {
    let (code, out, err) = run(app, &[&["export"], arguments].concat());
    assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
    out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn text<'a>(event: &'a Value, field: &str) -> &'a str {
    event[field].as_str().unwrap_or_default()
}

/// Events that nobody is a part of, a second after each other since 2020-01-01.
fn write_down(app: &TestApp, count: i64) {
    app.execute(&format!(
        "INSERT INTO audit_events (id, at, kind, request_id, details)
         SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000' || '8000'
                 || substr(md5(n::text), 1, 12))::uuid, at,
                CASE n % 1000 WHEN 0 THEN 'place.new' ELSE 'signin.failed' END, 'test', '{{}}'
         FROM (SELECT n, timestamptz '2020-01-01 00:00:00Z' + n * interval '1 second' AS at
               FROM generate_series(1, {count}) n) made"
    ));
}

#[test]
fn every_event_is_a_line_with_all_that_was_written_down() {
    let app = TestApp::start();
    let mut ann = app.verified("ann@example.com").with_header("User-Agent", "curl/8.14.1");
    app.clock().advance(TimeDelta::minutes(1));
    ann.api("PATCH", "/me", json!({ "name": "Ann" }));
    let events = export(&app, &["--since", "2027-01-01", "--until", LATER]);
    assert_eq!(events.len(), usize::try_from(app.count("SELECT count(*) AS n FROM audit_events")).unwrap());
    assert!(events.is_sorted_by(|a, b| text(a, "id") < text(b, "id")), "{events:?}");
    let last = events.last().unwrap();
    let stored = |column: &str| {
        app.text(&format!("SELECT {column}::text AS t FROM audit_events WHERE kind = 'profile.changed'"))
    };
    let expected = json!({
        "id": stored("id"),
        "at": "2027-01-15T08:01:00Z",
        "kind": "profile.changed",
        "hand": "visitor",
        "actor": stored("actor_id"),
        "subject": stored("subject_id"),
        "session": stored("session_id"),
        "organization": null,
        "ip": "127.0.0.1",
        "user_agent": "curl/8.14.1",
        "request_id": stored("request_id"),
        "details": {},
    });
    assert_eq!(last, &expected);
    assert_eq!(
        events.iter().find(|event| event["kind"] == "session.opened").unwrap()["details"],
        json!({ "methods": ["password"] })
    );
}

/// More than a batch, and batches with nothing wanted in them.
#[test]
fn thousands_are_exported_each_once_and_those_that_are_wanted() {
    let app = TestApp::start();
    write_down(&app, 12_345);
    let all = export(&app, &["--since", "2020-01-01"]);
    assert_eq!(all.len(), 12_345);
    assert!(all.is_sorted_by(|a, b| text(a, "id") < text(b, "id")));
    assert_eq!(export(&app, &["--since", "2020-01-01", "--kind", "place.new"]).len(), 12);
    assert_eq!(export(&app, &["--since", "2020-01-01", "--kind", "signing_in"]).len(), 12_345);
    assert_eq!(export(&app, &["--since", "2020-01-01", "--kind", "factors"]).len(), 0);
    assert_eq!(export(&app, &["--since", "2020-01-01T01:00:00Z", "--until", "2020-01-01T01:00:10Z"]).len(), 10);
    assert_eq!(export(&app, &["--since", "2020-01-02"]).len(), 0);
    let (first, second) = all.split_at(7_000);
    let resumed = export(&app, &["--after", text(first.last().unwrap(), "id")]);
    assert_eq!(resumed, second);
    let bounded = export(&app, &["--after", text(&all[0], "id"), "--since", "2020-01-01T03:25:00Z"]);
    assert_eq!(bounded.len(), 12_345 - 12_300 + 1);
}

#[test]
fn what_may_still_be_written_is_left_for_the_next_time() {
    let app = TestApp::start();
    for (age, kind) in [("10 seconds", "user.enabled"), ("2 minutes", "user.disabled")] {
        app.execute(&format!(
            "INSERT INTO audit_events (id, at, kind, request_id, details)
             SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000000000000001')::uuid,
                    at, '{kind}', 'test', '{{}}' FROM (SELECT now() - interval '{age}' AS at) made"
        ));
    }
    let kinds = |arguments: &[&str]| {
        export(&app, arguments).iter().map(|event| text(event, "kind").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&["--since", "1h"]), ["user.disabled"]);
    assert_eq!(kinds(&["--since", "1h", "--until", "0s"]), ["user.disabled", "user.enabled"]);
    assert_eq!(kinds(&["--since", "90s", "--until", "0s"]), ["user.enabled"]);
    assert_eq!(kinds(&["--since", "100000y", "--until", "10m"]), [""; 0]);
}

#[test]
fn an_organizations_events_are_exported_alone() {
    let app = TestApp::start();
    staffed(&app);
    app.log_in(OWNER, PASSWORD);
    let events = export(&app, &["--since", "2020-01-01", "--until", LATER, "--organization", "acme"]);
    let mut kinds: Vec<&str> = events.iter().map(|event| text(event, "kind")).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["member.added", "organization.created"]);
    assert_eq!(text(&events[0], "actor"), id_of(&app, OWNER));
    let (code, out, err) = run(&app, &["export", "--since", "1h", "--organization", "nobodys"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("there is no organization nobodys"), "{err}");
}

/// As with `| head -1`, which is gone before there is more to read.
#[test]
fn a_reader_that_goes_away_has_what_it_wanted() {
    let app = TestApp::start();
    write_down(&app, 20_000);
    let mut command = audit(&app, &["export", "--since", "2020-01-01"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with('{') && first.ends_with('\n'), "{first}");
    let (status, mut err) = (child.wait().unwrap(), String::new());
    child.stderr.unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((status.code(), err.as_str()), (Some(0), ""));
}

#[test]
fn a_wrong_call_is_told_from_a_failure() {
    let app = TestApp::start();
    for wrong in [
        &["export"][..],
        &["export", "--since", "soon"],
        &["export", "--since", "-1h"],
        &["export", "--since", "1h", "--until", "2026-02-30"],
        &["export", "--since", "1h", "--kind", "session.teleported"],
        &["export", "--since", "1h", "--organization", "No Slug"],
        &["export", "--after", "nothing"],
        &[],
    ] {
        let (code, out, err) = run(&app, wrong);
        assert_eq!((code, out.as_str()), (2, ""), "{wrong:?}: {err}");
    }
    let mut command = audit(&app, &["export", "--since", "1h"]);
    command.env("VESTIBULE__DATABASE__URL", "postgres://nobody@127.0.0.1:1/nowhere");
    assert_eq!(command.output().unwrap().status.code(), Some(1));
    let mut command = audit(&app, &["export", "--since", "1h", "--set", "server.listen=nowhere"]);
    assert_eq!(command.stdout(Stdio::null()).output().unwrap().status.code(), Some(78));
}

#[test]
fn the_kinds_of_events_are_listed_for_people_and_for_programs() {
    let app = TestApp::start();
    let (code, out, _) = run(&app, &["kinds"]);
    assert_eq!(code, 0);
    assert!(out.lines().any(|line| line.starts_with("session.opened ") && line.ends_with("  Signed in.")), "{out}");
    let (_, out, _) = run(&app, &["kinds", "--json"]);
    let said: Value = serde_json::from_str(&out).unwrap();
    let expected = json!({ "kind": "session.rotated", "area": "signing_in", "sentence": "A session went on under a new id.", "shown_to": "operator" });
    assert!(said["kinds"].as_array().unwrap().contains(&expected), "{said}");
}
