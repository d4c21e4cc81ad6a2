//! What is not taken for a new key.

use std::thread;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ANN, holder, listed};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::passkey::{Passkey, finish, register, sibling_of, start};
use crate::support::people::code;

fn describe(answer: &Page) -> (u16, String) {
    (answer.status, code(answer))
}

fn conflict() -> (u16, String) {
    (409, "conflict".to_owned())
}

fn refusal() -> (u16, String) {
    (422, "validation".to_owned())
}

/// Whatever came, nothing was kept and the question is used up.
fn is_refused(app: &TestApp, browser: &mut Browser, answer: impl FnOnce(&mut Browser, &Value) -> Page) {
    let asked = start(browser);
    assert_eq!(describe(&answer(browser, &asked)), refusal());
    let again = finish(browser, &asked, &mut Passkey::on(app), "In earnest");
    assert_eq!(describe(&again), conflict(), "the first answer uses a question up");
    assert_eq!(listed(browser), Vec::<Value>::new());
}

#[test]
fn an_answer_from_another_origin_is_refused() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let url = app.public_url().clone();
    let port = url.port().unwrap();
    let elsewhere = [
        sibling_of(&url),
        "https://evil.example".to_owned(),
        "http://localhost".to_owned(),
        format!("https://localhost:{port}"),
        format!("http://sub.localhost:{port}"),
        format!("http://localhost:{}", port ^ 1),
    ];
    for origin in elsewhere {
        let mut passkey = Passkey::on(&app).at(&origin);
        is_refused(&app, &mut browser, |browser, asked| finish(browser, asked, &mut passkey, "Phished"));
    }
    let audited = "SELECT count(*) AS n FROM audit_events WHERE kind = 'passkey.refused'
        AND details->>'why' LIKE '%origin%' OR details->>'why' LIKE '%relying party%'";
    assert_eq!(app.count(audited), 6);
}

#[test]
fn a_key_of_another_service_is_refused() {
    let app = TestApp::start();
    let mut passkey = Passkey::on(&app);
    "evil.example".clone_into(&mut passkey.rp_id);
    is_refused(&app, &mut app.verified(ANN), |browser, asked| finish(browser, asked, &mut passkey, "Wrong house"));
}

#[test]
fn a_key_that_has_not_looked_at_its_holder_is_refused() {
    let app = TestApp::start();
    let mut passkey = Passkey::on(&app);
    passkey.verifies = false;
    is_refused(&app, &mut app.verified(ANN), |browser, asked| finish(browser, asked, &mut passkey, "Without a finger"));
}

#[test]
fn an_answer_to_another_question_is_refused() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let earlier = start(&mut browser);
    is_refused(&app, &mut browser, |browser, asked| {
        let credential = Passkey::on(&app).create(&earlier["publicKey"]);
        let body = json!({ "ceremony": asked["ceremony"], "name": "Replayed", "credential": credential });
        browser.api("POST", "/me/passkeys/finish", body)
    });
}

#[test]
fn what_is_no_credential_is_refused() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let mut of_get = Passkey::on(&app);
    let asked = start(&mut browser);
    let whole = of_get.create(&asked["publicKey"]);
    let mut cut = whole.clone();
    let attestation = whole["response"]["attestationObject"].as_str().unwrap();
    cut["response"]["attestationObject"] = json!(attestation[..attestation.len() / 2 / 4 * 4]);
    for credential in [Value::Null, json!("x"), json!({}), json!([1]), cut, of_get.get(&asked["publicKey"])] {
        is_refused(&app, &mut browser, |browser, asked| {
            let body = json!({ "ceremony": asked["ceremony"], "name": "Nonsense", "credential": credential });
            browser.api("POST", "/me/passkeys/finish", body)
        });
    }
}

#[test]
fn a_question_is_answered_once() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let asked = start(&mut browser);
    let mut passkey = Passkey::on(&app);
    assert_eq!(finish(&mut browser, &asked, &mut passkey, "Ann's phone").status, 200);
    assert_eq!(describe(&finish(&mut browser, &asked, &mut passkey, "Again")), conflict());
    assert_eq!(describe(&finish(&mut browser, &asked, &mut Passkey::on(&app), "Another")), conflict());
    assert_eq!(listed(&mut browser).len(), 1);
}

#[test]
fn of_many_answers_at_once_one_is_taken() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let asked = start(&mut browser);
    let mut statuses: Vec<u16> = thread::scope(|scope| {
        let acts: Vec<_> = (0..6)
            .map(|_| {
                let (mut browser, mut passkey, asked) = (browser.clone(), Passkey::on(&app), &asked);
                scope.spawn(move || finish(&mut browser, asked, &mut passkey, "Ann's phone").status)
            })
            .collect();
        acts.into_iter().map(|act| act.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200);
    // Those who come after the cookies were exchanged are not signed in by them any more.
    assert!(statuses[1..].iter().all(|status| [401, 409].contains(status)), "{statuses:?}");
    assert_eq!(app.count("SELECT count(*) AS n FROM passkeys"), 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM recovery_codes"), 10);
}

#[test]
fn a_question_is_good_for_five_minutes() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let (slow, quick) = (start(&mut browser), start(&mut browser));
    app.clock().advance(TimeDelta::minutes(5) - TimeDelta::seconds(1));
    assert_eq!(finish(&mut browser, &quick, &mut Passkey::on(&app), "In time").status, 200);
    app.clock().advance(TimeDelta::seconds(1));
    assert_eq!(describe(&finish(&mut browser, &slow, &mut Passkey::on(&app), "Late")), conflict());
}

#[test]
fn a_question_is_for_the_device_that_asked() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let asked = start(&mut ann);
    let mut bob = app.verified("bob@example.com");
    let (mut ann_elsewhere, _) = app.log_in(ANN, crate::support::people::PASSWORD);
    for other in [&mut bob, &mut ann_elsewhere] {
        assert_eq!(describe(&finish(other, &asked, &mut Passkey::on(&app), "Not mine")), conflict());
    }
    assert_eq!(finish(&mut ann, &asked, &mut Passkey::on(&app), "Ann's phone").status, 200, "and she is not hindered");
}

#[test]
fn a_question_is_no_question_after_signing_out() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let asked = start(&mut browser);
    let mut copy = browser.clone();
    browser.api("POST", "/auth/logout", Value::Null);
    assert_eq!(finish(&mut copy, &asked, &mut Passkey::on(&app), "Too late").status, 401);
}

#[test]
fn a_key_that_somebody_else_has_registered_is_not_taken() {
    let app = TestApp::start();
    let (_, anns, _) = holder(&app);
    let mut bob = app.verified("bob@example.com");
    let asked = start(&mut bob);
    assert_eq!(describe(&finish(&mut bob, &asked, &mut { anns }, "Ann's id")), conflict());
    assert_eq!(app.count("SELECT count(*) AS n FROM passkeys"), 1);
    assert_eq!(listed(&mut bob), Vec::<Value>::new());
}

#[test]
fn a_key_has_a_name_that_fits_on_its_line() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let asked = start(&mut browser);
    for name in ["", "   ", &"x".repeat(65), "a\nb", "a\u{202e}b"] {
        let answer = finish(&mut browser, &asked, &mut Passkey::on(&app), name);
        assert_eq!(describe(&answer), refusal(), "{name:?}");
        assert!(answer.json::<Value>()["fields"]["name"].is_string());
    }
    let answer = finish(&mut browser, &asked, &mut Passkey::on(&app), &"é".repeat(64));
    assert_eq!(answer.status, 200, "a slip in the name uses nothing up");
    let answer = browser.api("POST", "/me/passkeys/finish", json!({ "ceremony": "x", "credential": {} }));
    assert_eq!(describe(&answer), (400, "invalid_request".to_owned()));
}

#[test]
fn an_id_longer_than_there_are_any_is_refused() {
    let app = TestApp::start();
    let mut passkey = Passkey::on(&app);
    passkey.id = vec![7; 1024];
    is_refused(&app, &mut app.verified(ANN), |browser, asked| finish(browser, asked, &mut passkey, "Too long"));
}

#[test]
fn ten_megabytes_are_refused_at_the_door() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let asked = start(&mut browser);
    let body = json!({ "ceremony": asked["ceremony"], "name": "x", "credential": "A".repeat(10_000_000) });
    assert_eq!(describe(&browser.api("POST", "/me/passkeys/finish", body)), (413, "too_large".to_owned()));
    assert_eq!(finish(&mut browser, &asked, &mut Passkey::on(&app), "Ann's phone").status, 200);
}

#[test]
fn nobody_has_more_than_twenty() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    for n in 1..20 {
        register(&app, &mut browser, &format!("Key {n}"));
    }
    let (one, other) = (start(&mut browser), start(&mut browser));
    assert_eq!(finish(&mut browser, &one, &mut Passkey::on(&app), "The twentieth").status, 200);
    assert_eq!(describe(&finish(&mut browser, &other, &mut Passkey::on(&app), "One too many")), conflict());
    assert_eq!(describe(&browser.api("POST", "/me/passkeys/start", Value::Null)), conflict());
    assert_eq!(listed(&mut browser).len(), 20);
}

#[test]
fn nobody_can_fill_the_table_of_questions() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let first = start(&mut browser);
    for _ in 0..9 {
        assert_eq!(browser.api("POST", "/me/passkeys/start", Value::Null).status, 200);
        app.clock().advance(TimeDelta::seconds(1));
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM passkey_ceremonies"), 4);
    let last = start(&mut browser);
    assert_eq!(describe(&finish(&mut browser, &first, &mut Passkey::on(&app), "Pushed out")), conflict());
    assert_eq!(finish(&mut browser, &last, &mut Passkey::on(&app), "The latest").status, 200);
}
