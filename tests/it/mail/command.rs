//! `vestibule mail`, the program itself.

use std::process::{Command, Output};

use secrecy::ExposeSecret as _;
use serde_json::Value;
use vestibule::kernel::LetterId;
use vestibule::mail::Letter;

use super::{a_link, after_attempts, enqueue, until_sent};
use crate::support::TestApp;
use crate::support::smtp::{At, Mishap, Times};

/// The program with the settings of this service, and some that differ.
fn program(app: &TestApp, arguments: &[&str], different: &[(&str, &str)]) -> Output {
    let mail = &app.app.settings.mail;
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.env_clear().current_dir(std::env::temp_dir());
    let usual = [
        ("DATABASE__URL", app.database_url().to_owned()),
        ("SECRETS__KEY", "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==".to_owned()),
        ("MAIL__TRANSPORT", "smtp".to_owned()),
        ("MAIL__URL", format!("submission://localhost:{}", app.mail().port())),
        ("MAIL__USERNAME", mail.username.clone()),
        ("MAIL__PASSWORD", mail.password.expose_secret().to_owned()),
        ("MAIL__FROM", "Vestibule <no-reply@example.com>".to_owned()),
        ("MAIL__CA_FILE", mail.ca_file.as_ref().unwrap().display().to_string()),
    ];
    for (name, value) in usual {
        command.env(format!("VESTIBULE__{name}"), value);
    }
    for (key, value) in different {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    command.args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_test_letter_really_goes_out_and_says_so() {
    let app = TestApp::start();
    let output = program(&app, &["mail", "test", "ops@x.test"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("The server took it"), "{}", out(&output));
    let letter = app.mail().to("ops@x.test");
    assert!(letter.subject().contains("test letter"), "{}", letter.subject());
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox"), 0, "it goes past the outbox");

    let output = program(
        &app,
        &["mail", "test", "--json", "ops@x.test"],
        &[("database.url", "postgres://nobody@127.0.0.1:1/x")],
    );
    let answer: Value = serde_json::from_str(&out(&output)).unwrap();
    let id = app.mail().to("ops@x.test").header("Message-ID").unwrap();
    assert_eq!(id, format!("<{}@example.com>", answer["id"].as_str().unwrap()));
    assert_eq!(answer["sent"], true);
}

#[test]
fn a_test_letter_that_fails_says_what_to_change() {
    let app = TestApp::start();
    let failures = [
        ("mail.password", "wrong", 1, "Check mail.username and mail.password"),
        ("mail.ca_file", "", 1, "mail.ca_file"),
        ("mail.url", "smtp://localhost:1", 1, "Check mail.url"),
        ("mail.url", "smtp://mail.invalid:25", 1, "Check mail.url"),
        ("mail.ca_file", "/nowhere.pem", 78, "mail.ca_file"),
    ];
    for (key, value, code, sentence) in failures {
        let output = program(&app, &["mail", "test", "ops@x.test"], &[(key, value)]);
        assert_eq!(output.status.code(), Some(code), "{key} = {value}: {}", err(&output));
        assert!(err(&output).contains(sentence), "{key} = {value}: {}", err(&output));
    }
    assert_eq!(program(&app, &["mail", "test", "nonsense"], &[]).status.code(), Some(2));
    assert_eq!(app.mail().all().len(), 0);
}

#[test]
fn the_queue_is_shown_and_tried_again() {
    let app = TestApp::start();
    assert!(out(&program(&app, &["mail", "queue"], &[])).contains("No letter waits."));
    app.mail().stop();
    let link = enqueue(&app, "ann@x.test", a_link());
    after_attempts(&app, 1);

    let queue = out(&program(&app, &["mail", "queue"], &[]));
    assert!(queue.contains(&link.to_string()) && queue.contains("verify_email to ann@x.test"), "{queue}");
    assert!(queue.contains("next attempt") && queue.contains("Check mail.url"), "{queue}");
    let queue: Value = serde_json::from_str(&out(&program(&app, &["mail", "queue", "--json"], &[]))).unwrap();
    assert_eq!(queue["letters"][0]["state"], "queued");
    assert_eq!(queue["letters"][0]["attempts"], 1);

    // The program has the machine's clock, the service one of its own that must not be behind.
    app.execute("UPDATE mail_outbox SET created_at = created_at + interval '9 years', give_up_after = NULL");
    app.clock().advance(chrono::TimeDelta::days(9 * 365));
    let output = program(&app, &["mail", "retry", &link.to_string()], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    app.mail().resume();
    // The service may have been quicker than the mail server was there again, and wait for its next attempt.
    app.clock().advance(chrono::TimeDelta::hours(1));
    app.mail().to("ann@x.test");
    until_sent(&app, link);

    let output = program(&app, &["mail", "retry", &link.to_string()], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("it was sent"), "{}", out(&output));
    assert_eq!(program(&app, &["mail", "retry"], &[]).status.code(), Some(2));
}

#[test]
fn all_that_was_given_up_is_tried_again_except_what_lost_its_link() {
    let app = TestApp::start();
    app.mail().misbehave(At::Rcpt, Mishap::Say("550 5.1.1 no"), Times::Always);
    let ids = [enqueue(&app, "ann@x.test", a_link()), enqueue(&app, "ann@x.test", Letter::Test)];
    let given_up = "SELECT count(*) AS n FROM mail_outbox WHERE gave_up_at IS NOT NULL";
    crate::support::eventually("both to be given up", || (app.count(given_up) == 2).then_some(()));
    app.mail().behave();
    let output = program(&app, &["mail", "retry", "--all", "--json"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let answer: Value = serde_json::from_str(&out(&output)).unwrap();
    let outcome = |id: LetterId| {
        let letters = answer["letters"].as_array().unwrap();
        letters.iter().find(|letter| letter["id"] == id.to_string()).unwrap()["outcome"].clone()
    };
    assert_eq!(ids.map(outcome), ["secret_erased", "queued"]);
}
