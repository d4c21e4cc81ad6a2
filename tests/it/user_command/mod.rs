//! `vestibule user`, the program itself.

mod create;
mod delete;
mod disabling;
mod list;
mod show;
mod verify;

use std::process::{Command, Output};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::people::{PASSWORD, sign_in};

const ANN: &str = "ann@example.com";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// Exit code, standard output, standard error.
fn user(app: &TestApp, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.env_clear().current_dir(std::env::temp_dir());
    command.env("VESTIBULE__DATABASE__URL", app.database_url());
    command.env("VESTIBULE__SECRETS__KEY", "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==");
    let Output { status, stdout, stderr } = command.arg("user").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn status(browser: &mut Browser) -> u16 {
    browser.api("GET", "/me", Value::Null).status
}

fn on_firefox(app: &TestApp) -> Browser {
    let mut browser = app.browser().with_header("User-Agent", FIREFOX).with_header("X-Forwarded-For", "192.0.2.7");
    assert_eq!(sign_in(&mut browser, ANN, PASSWORD).status, 303);
    browser
}

#[test]
fn the_operator_sees_where_somebody_is_signed_in() {
    let app = TestApp::start();
    app.catch_up();
    app.signed_up(ANN);
    let (code, out, err) = user(&app, &["sessions", ANN]);
    assert_eq!((code, out.as_str()), (0, "ann@example.com is signed in nowhere.\n"), "{err}");

    on_firefox(&app);
    let id = app.text("SELECT id::text AS t FROM sessions");
    let (code, out, err) = user(&app, &["sessions", "Ann@Example.com"]);
    let at = |instant: DateTime<Utc>| instant.format("%Y-%m-%d %H:%M UTC").to_string();
    let now = app.clock().now();
    let expected = format!(
        "DEVICE            FROM       LAST SEEN             SIGNED IN             EXPIRES               ID\n\
         Firefox on Linux  192.0.2.7  {signed_in}  {signed_in}  {expires}  {id}\n",
        signed_in = at(now),
        expires = at(now + TimeDelta::days(1)),
    );
    assert_eq!((code, out), (0, expected), "{err}");

    let (code, out, err) = user(&app, &["sessions", ANN, "--json"]);
    assert_eq!(code, 0, "{err}");
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(said["email"], ANN);
    let session = &said["sessions"][0];
    assert_eq!((session["id"].as_str(), session["ip"].as_str()), (Some(id.as_str()), Some("192.0.2.7")));
    assert_eq!(session["device_name"], "Firefox on Linux");
    let opened: DateTime<Utc> = session["created_at"].as_str().unwrap().parse().unwrap();
    assert!((now - opened).abs() < TimeDelta::seconds(1), "{opened} is not {now}");
    assert_eq!((session["remembered"].clone(), session["methods"].clone()), (json!(false), json!(["password"])));
}

#[test]
fn the_operator_signs_somebody_out_everywhere_and_it_is_written_down() {
    let app = TestApp::start();
    app.catch_up();
    app.signed_up(ANN);
    let (mut one, mut other, mut bob) = (on_firefox(&app), on_firefox(&app), app.verified("bob@example.com"));
    let (code, out, err) = user(&app, &["sign-out", ANN]);
    let said = "ann@example.com is signed out everywhere: 2 sessions have ended.\n";
    assert_eq!((code, out.as_str()), (0, said), "{err}");
    assert_eq!([status(&mut one), status(&mut other), status(&mut bob)], [401, 401, 200]);
    let audited = "SELECT count(*) AS n FROM audit_events JOIN users u ON u.id = subject_id
        WHERE kind = 'sessions.revoked' AND u.email = 'ann@example.com' AND actor_id IS NULL
        AND request_id = 'user sign-out' AND details = '{\"count\": 2, \"reason\": \"by_operator\"}'";
    assert_eq!(app.count(audited), 1);
    let (code, out, _) = user(&app, &["sign-out", ANN]);
    assert_eq!((code, out.as_str()), (0, "ann@example.com was signed in nowhere.\n"));
    let (code, out, _) = user(&app, &["sign-out", ANN, "--json"]);
    assert_eq!((code, serde_json::from_str::<Value>(&out).unwrap()), (0, json!({ "email": ANN, "revoked": 0 })));
}

#[test]
fn the_operator_ends_one_session_of_this_person_and_of_nobody_else() {
    let app = TestApp::start();
    app.catch_up();
    app.signed_up(ANN);
    let (mut one, mut other) = (on_firefox(&app), on_firefox(&app));
    let mut bob = app.verified("bob@example.com");
    let id_of = |browser: &mut Browser| {
        let body: Value = browser.api("GET", "/me/sessions", Value::Null).json();
        let sessions = body["sessions"].as_array().unwrap();
        sessions.iter().find(|session| session["current"] == true).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (id, bobs) = (id_of(&mut one), id_of(&mut bob));
    let (code, out, err) = user(&app, &["sign-out", ANN, "--session", &id]);
    assert_eq!((code, out.as_str()), (0, "ann@example.com is signed out there.\n"), "{err}");
    assert_eq!([status(&mut one), status(&mut other)], [401, 200]);
    for id in [&id, &bobs] {
        let (code, out, err) = user(&app, &["sign-out", ANN, "--session", id]);
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(err.contains("ann@example.com has no session of that id"), "{err}");
    }
    assert_eq!(status(&mut bob), 200);
}

#[test]
fn an_address_without_an_account_is_a_clear_error() {
    let app = TestApp::start();
    for command in ["show", "verify", "disable", "enable", "promote", "reset-mfa", "sessions", "sign-out"] {
        let (code, out, err) = user(&app, &[command, "nobody@example.com"]);
        assert_eq!((code, out.as_str()), (1, ""), "{command}");
        assert!(err.contains("nobody@example.com has no account"), "{err}");
        let (code, out, err) = user(&app, &[command, "0192f0c1-2f3a-7bcd-8def-0123456789ab"]);
        assert_eq!((code, out.as_str()), (1, ""), "{command}");
        assert!(err.contains("there is no account 0192f0c1-2f3a-7bcd-8def-0123456789ab"), "{err}");
        assert_eq!(user(&app, &[command, "nonsense"]).0, 2);
        assert_eq!(user(&app, &[command]).0, 2);
    }
    assert_eq!(user(&app, &["sign-out", ANN, "--session", "nonsense"]).0, 2);
}
