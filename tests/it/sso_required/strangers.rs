//! That an account is behind an address is not to be seen.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ANN, STRANGER, assert_led, enforce, provided, sessions_of};
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code};
use crate::support::{TestApp, eventually};

const DISABLED: &str = "dora@corp.example";
const UNPROVED: &str = "ulf@corp.example";

/// All that somebody can ask for who has typed an address.
const ASKED: [(&str, &str); 4] = [
    ("/auth/login", "password"),
    ("/auth/signup", "password"),
    ("/auth/forgot-password", ""),
    ("/auth/magic-link", ""),
];

fn ask(browser: &mut Browser, at: &str, more: &str, email: &str) -> Page {
    let mut body = json!({ "email": email });
    if !more.is_empty() {
        body[more] = json!(PASSWORD);
    }
    browser.api("POST", at, body)
}

#[test]
fn an_account_a_disabled_one_an_unproved_one_and_none_are_answered_alike_and_nobody_is_written_to() {
    let app = TestApp::start();
    provided(&app);
    app.verified(ANN);
    app.verified(DISABLED);
    app.unverified(UNPROVED);
    assert_eq!(app.vestibule(&["user", "disable", DISABLED]).code, 0);
    enforce(&app);
    // Letters about signing up are written after the answer.
    eventually("all requests to be answered", || {
        (app.count("SELECT count(*) AS n FROM letter_requests") == 0).then_some(())
    });
    let letters = app.count("SELECT count(*) AS n FROM mail_outbox");
    let users = app.count("SELECT count(*) AS n FROM users");
    for (at, more) in ASKED {
        let answers: BTreeMap<String, &str> = [ANN, DISABLED, UNPROVED, STRANGER]
            .map(|email| {
                let answer = ask(&mut app.browser(), at, more, email);
                assert_led(&app, &format!("{at} of {email}"), &answer);
                let mut problem: Value = answer.json();
                problem["request_id"] = Value::Null;
                let cookies = answer.answer.headers("set-cookie").len();
                (format!("{problem} {cookies}"), email)
            })
            .into_iter()
            .collect();
        assert_eq!(answers.len(), 1, "{at}: {answers:?}");
    }
    eventually("all requests to be answered", || {
        (app.count("SELECT count(*) AS n FROM letter_requests") == 0).then_some(())
    });
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox"), letters);
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), users);
    assert_eq!(sessions_of(&app, DISABLED) + app.count("SELECT count(*) AS n FROM pending_sign_ins"), 0);
}

#[test]
fn a_wrong_password_and_the_right_one_of_somebody_who_has_to_come_by_the_provider_are_answered_alike() {
    let app = TestApp::start();
    provided(&app);
    app.verified(ANN);
    enforce(&app);
    let answers = [PASSWORD, "something else entirely"].map(|password| {
        let mut problem: Value = app.log_in(ANN, password).1.json();
        problem["request_id"] = Value::Null;
        problem
    });
    assert_eq!(answers[0], answers[1]);
    // As with everybody they are counted, so that nobody tries passwords of those who are exempt.
    let statuses: Vec<u16> = (0..4).map(|_| app.log_in(STRANGER, "a guess").1.status).collect();
    assert_eq!(statuses, [403, 403, 403, 403]);
    app.log_in(STRANGER, "a guess");
    assert_eq!(code(&app.log_in(STRANGER, "a guess").1), "rate_limited");
}

#[test]
fn every_spelling_of_the_domain_is_the_domain_and_others_are_not() {
    let app = TestApp::start();
    provided(&app);
    assert_eq!(app.vestibule(&["domain", "verify", "acme", "bücher.example"]).code, 0);
    app.execute(&format!("UPDATE domains SET connection_id = '{}'", super::CONNECTION));
    enforce(&app);
    for (at, more) in ASKED {
        for same in [
            "ann@corp.example",
            "ANN@CORP.EXAMPLE",
            " ann@Corp.Example ",
            "ann@ｃｏｒｐ.example",
            "ann@corp\u{3002}example",
            "ann@bücher.example",
            "ann@BÜCHER.example",
            "ann@bu\u{308}cher.example",
            "ann@xn--bcher-kva.example",
        ] {
            app.execute("DELETE FROM throttles");
            assert_led(&app, &format!("{at} of {same}"), &ask(&mut app.browser(), at, more, same));
        }
        for other in [
            "ann@mail.corp.example",
            "ann@corp.example.com",
            "ann@xcorp.example",
            "ann@example",
            "ann@bucher.example",
            "ann@c\u{43e}rp.example",
            "corp.example@example.com",
        ] {
            app.execute("DELETE FROM throttles");
            let answer = ask(&mut app.browser(), at, more, other);
            assert!([202, 401].contains(&answer.status), "{at} of {other}: {}", answer.answer.text());
        }
    }
}

#[test]
fn an_address_that_is_none_is_answered_as_everywhere() {
    let app = TestApp::start();
    provided(&app);
    enforce(&app);
    for wrong in
        ["ann@corp.example.", "ann@", "@corp.example", "ann@corp.example,ben@corp.example", "ann@corp.example\0"]
    {
        for (at, more) in ASKED {
            assert_eq!(ask(&mut app.browser(), at, more, wrong).status, 422, "{at} of {wrong:?}");
        }
    }
}
