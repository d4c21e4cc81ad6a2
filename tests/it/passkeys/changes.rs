//! Keys are given other names, and removed.

use std::thread;

use serde_json::{Value, json};

use super::{ANN, holder, is_in, listed, mfa};
use crate::factors::races::signed_out_meanwhile;
use crate::support::TestApp;
use crate::support::authenticator::set_up;
use crate::support::browser::Browser;
use crate::support::passkey::{Passkey, finish, register, start};
use crate::support::people::{PASSWORD, code};

fn path_of(said: &Value) -> String {
    format!("/me/passkeys/{}", said["passkey"]["id"].as_str().unwrap())
}

fn remove(browser: &mut Browser, said: &Value) -> u16 {
    browser.confirm();
    browser.api("DELETE", &path_of(said), Value::Null).status
}

#[test]
fn a_key_is_given_another_name() {
    let app = TestApp::start();
    let (mut browser, _, said) = holder(&app);
    let answer = browser.api("PATCH", &path_of(&said), json!({ "name": "  Old phone " }));
    assert_eq!((answer.status, &answer.json::<Value>()["name"]), (200, &json!("Old phone")));
    assert_eq!(listed(&mut browser)[0]["name"], json!("Old phone"));
    for name in ["", &"x".repeat(65), "a\u{7}b"] {
        let answer = browser.api("PATCH", &path_of(&said), json!({ "name": name }));
        assert_eq!((answer.status, code(&answer).as_str()), (422, "validation"), "{name:?}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'passkey.renamed'"), 1);
}

#[test]
fn the_last_key_takes_the_recovery_codes_along() {
    let app = TestApp::start();
    let (mut browser, _, said) = holder(&app);
    assert_eq!(remove(&mut browser, &said), 204);
    assert_eq!(mfa(&mut browser), json!({ "totp": false, "passkeys": 0, "recovery_codes_left": 0 }));
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 200);
    let letter = app.mail().to(ANN);
    assert_eq!(letter.subject(), "A passkey was removed from your account at Vestibule");
    for part in ["“Ann's phone”", "From now on your password alone signs you in.", "127.0.0.1", "/forgot-password"]
    {
        assert!(letter.text().contains(part), "{part} is missing in\n{}", letter.text());
    }
    assert_eq!(remove(&mut browser, &said), 404, "there is none any more");
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'passkey.removed'"), 1);
}

#[test]
fn a_key_that_is_not_the_last_factor_leaves_them() {
    let app = TestApp::start();
    let (mut browser, _, said) = holder(&app);
    set_up(&app, &mut browser);
    app.mail().to(ANN);
    assert_eq!(remove(&mut browser, &said), 204);
    assert!(app.mail().to(ANN).text().contains("What else you have set up is still asked for."));
    assert_eq!(mfa(&mut browser), json!({ "totp": true, "passkeys": 0, "recovery_codes_left": 10 }));

    let (_, said) = register(&app, &mut browser, "Another");
    app.mail().to(ANN);
    browser.confirm();
    assert_eq!(browser.api("DELETE", "/me/totp", Value::Null).status, 204);
    assert!(app.mail().to(ANN).text().contains("What else you have set up is still asked for."));
    assert_eq!(mfa(&mut browser), json!({ "totp": false, "passkeys": 1, "recovery_codes_left": 10 }));
    assert_eq!(code(&app.log_in(ANN, PASSWORD).1), "mfa_required");
    assert_eq!(browser.api("POST", "/me/recovery-codes", Value::Null).status, 200, "a key can get lost as well");
    assert_eq!(remove(&mut browser, &said), 204);
    assert_eq!(app.count("SELECT count(*) AS n FROM recovery_codes"), 0);
}

#[test]
fn another_persons_key_is_not_there() {
    let app = TestApp::start();
    let (mut ann, _, said) = holder(&app);
    let mut bob = app.verified("bob@example.com");
    assert_eq!(remove(&mut bob, &said), 404);
    assert_eq!(bob.api("PATCH", &path_of(&said), json!({ "name": "Mine" })).status, 404);
    assert_eq!(listed(&mut bob), Vec::<Value>::new());
    for id in ["x", "00000000-0000-7000-8000-000000000000", "%00", &"9".repeat(500)] {
        assert_eq!(ann.api("PATCH", &format!("/me/passkeys/{id}"), json!({ "name": "x" })).status, 404, "{id}");
        ann.confirm();
        assert_eq!(ann.api("DELETE", &format!("/me/passkeys/{id}"), Value::Null).status, 404, "{id}");
    }
    assert_eq!(listed(&mut ann)[0]["name"], json!("Ann's phone"));
}

#[test]
fn removing_a_key_gives_every_session_another_id_and_takes_a_confirmation() {
    let app = TestApp::start();
    let (mut browser, _, said) = holder(&app);
    app.clock().advance(chrono::TimeDelta::minutes(6));
    let answer = browser.api("DELETE", &path_of(&said), Value::Null);
    assert_eq!((answer.status, code(&answer).as_str()), (403, "reauth_required"));
    let confirm = answer.json::<Value>()["confirm_url"].as_str().unwrap().to_owned();
    assert!(confirm.ends_with("/confirm?return_to=%2Faccount%2Fsecurity%2Fpasskeys"), "{confirm}");
    let stolen = browser.clone();
    assert_eq!(remove(&mut browser, &said), 204);
    assert!(is_in(&mut browser) && !is_in(&mut { stolen }));
}

#[test]
fn whoever_is_signed_out_meanwhile_changes_no_key() {
    let app = TestApp::start();
    let (_, _, said) = holder(&app);
    let comes_in = |nth: usize| {
        let (mut browser, _) = app.log_in(ANN, PASSWORD);
        let by_code = json!({ "code": said["recovery_codes"][nth] });
        assert_eq!(browser.api("POST", "/auth/login/recovery-code", by_code).status, 200);
        browser.confirm();
        browser
    };
    let mut thief = comes_in(0);
    assert_eq!(signed_out_meanwhile(&app, &mut thief, ("DELETE", &path_of(&said), Value::Null)), 401);
    let mut thief = comes_in(1);
    let asked = start(&mut thief);
    let credential = Passkey::on(&app).create(&asked["publicKey"]);
    let answer = json!({ "ceremony": asked["ceremony"], "name": "The thief's", "credential": credential });
    assert_eq!(signed_out_meanwhile(&app, &mut thief, ("POST", "/me/passkeys/finish", answer)), 401);
    assert_eq!(app.text("SELECT string_agg(name, ' ') AS t FROM passkeys"), "Ann's phone");
    assert_eq!(app.count("SELECT count(*) AS n FROM recovery_codes WHERE used_at IS NULL"), 8);
}

#[test]
fn two_who_remove_the_last_two_factors_at_once_leave_no_codes() {
    let app = TestApp::start();
    let mut here = app.verified(ANN);
    let (mut there, _) = app.log_in(ANN, PASSWORD);
    let keys = [register(&app, &mut here, "One").1, register(&app, &mut here, "Other").1];
    here.confirm();
    there.confirm();
    thread::scope(|scope| {
        for (browser, key) in [&mut here, &mut there].into_iter().zip(&keys) {
            scope.spawn(move || browser.api("DELETE", &path_of(key), Value::Null));
        }
    });
    // Who comes second may find the session rotated under their hands, and has to do it again.
    let left = listed(&mut here).iter().map(|key| json!({ "passkey": key })).collect::<Vec<_>>();
    assert!(left.len() < 2 && left.iter().all(|key| remove(&mut here, key) == 204), "{left:?}");
    assert_eq!(app.count("SELECT count(*) AS n FROM recovery_codes"), 0);
}

#[test]
fn two_who_make_the_first_factor_at_once_get_one_set_of_codes() {
    let app = TestApp::start();
    let mut here = app.verified(ANN);
    let (mut there, _) = app.log_in(ANN, PASSWORD);
    let (one, other) = (start(&mut here), start(&mut there));
    let said: Vec<Value> = thread::scope(|scope| {
        let acts = [(&mut here, one), (&mut there, other)].map(|(browser, asked)| {
            let mut key = Passkey::on(&app);
            scope.spawn(move || finish(browser, &asked, &mut key, "First").json())
        });
        acts.into_iter().map(|act| act.join().unwrap()).collect()
    });
    assert_eq!(said.iter().filter(|said| said["recovery_codes"].is_array()).count(), 1, "{said:?}");
    assert_eq!(app.count("SELECT count(*) AS n FROM recovery_codes"), 10);
}
