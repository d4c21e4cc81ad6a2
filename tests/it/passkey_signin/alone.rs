//! A passkey and nothing else.

use std::thread;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ANN, CONFIRM, SIGN_IN, answer, ask, half_in, is_in, keeper, methods, prove, sentence};
use crate::support::TestApp;
use crate::support::authenticator::set_up;
use crate::support::passkey::{Passkey, register, sibling_of};
use crate::support::people::{PASSWORD, code};

#[test]
fn a_passkey_alone_signs_in_and_no_other_factor_is_asked_for() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    set_up(&app, &mut ann);
    let (mut passkey, _) = register(&app, &mut ann, "Phone");
    let mut browser = app.browser();
    let asked = ask(&mut browser, SIGN_IN, Value::Null);
    assert_eq!(asked["publicKey"]["userVerification"], "required");
    assert_eq!(asked["publicKey"]["allowCredentials"], json!([]), "whoever has one here");
    assert_eq!(asked["publicKey"]["rpId"], "localhost");
    let page = answer(&mut browser, SIGN_IN, &asked, &mut passkey);
    assert_eq!(page.status, 200, "{}", page.answer.text());
    let body: Value = page.json();
    assert_eq!((&body["user"]["email"], &body["user"]["mfa"]["passkeys"]), (&json!(ANN), &json!(1)));
    assert!(body["session"]["id"].is_string());
    assert!(browser.jar.find(app.public_url(), "vestibule_gate").is_some());
    assert_eq!(methods(&mut browser), json!(["passkey"]));
    assert!(browser.get("/account/sessions").has("a passkey"));
    assert_eq!(browser.api("POST", "/me/totp", Value::Null).status, 403, "signing in is no confirmation");
}

#[test]
fn who_wants_to_be_kept_signed_in_says_so_with_the_answer() {
    let app = TestApp::start();
    let (_, mut passkey, _) = keeper(&app, ANN);
    let mut browser = app.browser();
    let asked = ask(&mut browser, SIGN_IN, Value::Null);
    let credential = passkey.get(&asked["publicKey"]);
    let body = json!({ "ceremony": asked["ceremony"], "credential": credential, "remember": true });
    let page = browser.api("POST", "/auth/login/passkey/finish", body);
    let session = page.answer.headers("set-cookie").into_iter().find(|c| c.starts_with("vestibule_session=")).unwrap();
    assert!(session.contains("Max-Age=2592000"), "{session}");
}

#[test]
fn whatever_is_wrong_with_a_key_is_one_answer() {
    let app = TestApp::with(&[("limits.login_per_network", "1000 per 15m")]);
    let (mut ann, right, _) = keeper(&app, ANN);
    let (mut removed, added) = register(&app, &mut ann, "Lost");
    ann.api("DELETE", &format!("/me/passkeys/{}", added["passkey"]["id"].as_str().unwrap()), Value::Null);
    let (_, mut disabled, _) = keeper(&app, "bob@example.com");
    app.execute("UPDATE users SET disabled_at = now() WHERE email LIKE 'bob@%'");
    // The key of one person, which takes itself for another's.
    let mut unknown = Passkey::on(&app);
    unknown.create(&json!({ "challenge": "AAAA", "user": { "id": "AAAAAAAAAAAAAAAAAAAAAA" } }));
    let mut unverifying = right.clone();
    unverifying.verifies = false;
    let mut elsewhere = right.clone().at(&sibling_of(app.public_url()));
    let mut of_another = right.clone();
    of_another.rp_id = "example.com".to_owned();
    let keys = [&mut unknown, &mut removed, &mut disabled, &mut unverifying, &mut elsewhere, &mut of_another];
    for (turn, key) in keys.into_iter().enumerate() {
        let mut browser = app.browser();
        let page = prove(&mut browser, SIGN_IN, key);
        assert_eq!((page.status, code(&page).as_str()), (401, "invalid_credentials"), "{turn}");
        assert_eq!(sentence(&page), "This passkey is not known here, or has not shown that it is you.", "{turn}");
        assert!(browser.jar.find(app.public_url(), "vestibule_session").is_none(), "{turn}");
    }
    let mut browser = app.browser();
    let asked = ask(&mut browser, SIGN_IN, Value::Null);
    let mut credential = right.clone().get(&asked["publicKey"]);
    credential["response"]["signature"] = json!("MEUCIQ");
    let body = json!({ "ceremony": asked["ceremony"], "credential": credential });
    assert_eq!(code(&browser.api("POST", "/auth/login/passkey/finish", body)), "invalid_credentials");
    for nonsense in [json!(null), json!({}), json!("x"), json!({ "id": 7 })] {
        let asked = ask(&mut browser, SIGN_IN, Value::Null);
        let body = json!({ "ceremony": asked["ceremony"], "credential": nonsense });
        assert_eq!(code(&browser.api("POST", "/auth/login/passkey/finish", body)), "invalid_credentials");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'signin.failed'"), 11);
    assert_eq!(prove(&mut app.browser(), SIGN_IN, &mut right.clone()).status, 200, "the right one is as good as ever");
}

/// Whoever has made a copy of a key is one use behind, or ahead.
#[test]
fn a_counter_that_went_back_lets_nobody_in() {
    let app = TestApp::start();
    let (_, mut passkey, _) = keeper(&app, ANN);
    passkey.counter = 7;
    assert_eq!(prove(&mut app.browser(), SIGN_IN, &mut passkey).status, 200);
    for counter in [7, 6] {
        passkey.counter = counter;
        assert_eq!(code(&prove(&mut app.browser(), SIGN_IN, &mut passkey)), "invalid_credentials", "{counter}");
    }
    let told = "SELECT count(*) AS n FROM audit_events WHERE kind = 'passkey.counter_went_back'";
    assert_eq!(app.count(told), 2);
    passkey.counter = 8;
    assert_eq!(prove(&mut app.browser(), SIGN_IN, &mut passkey).status, 200);
}

#[test]
fn a_question_is_answered_once_and_within_five_minutes() {
    let app = TestApp::start();
    let (_, mut passkey, _) = keeper(&app, ANN);
    let mut browser = app.browser();
    let asked = ask(&mut browser, SIGN_IN, Value::Null);
    let given = passkey.get(&asked["publicKey"]);
    let body = json!({ "ceremony": asked["ceremony"], "credential": given });
    assert_eq!(browser.api("POST", "/auth/login/passkey/finish", body.clone()).status, 200);
    let again = app.browser().api("POST", "/auth/login/passkey/finish", body);
    assert_eq!((again.status, code(&again).as_str()), (409, "conflict"));

    let asked = ask(&mut app.browser(), SIGN_IN, Value::Null);
    app.clock().advance(TimeDelta::minutes(5) - TimeDelta::seconds(1));
    assert_eq!(answer(&mut app.browser(), SIGN_IN, &asked, &mut passkey).status, 200, "from another network, too");
    let asked = ask(&mut app.browser(), SIGN_IN, Value::Null);
    app.clock().advance(TimeDelta::minutes(5));
    assert_eq!(code(&answer(&mut app.browser(), SIGN_IN, &asked, &mut passkey)), "conflict");
}

#[test]
fn what_was_asked_for_something_else_signs_nobody_in() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = keeper(&app, ANN);
    let to_confirm = ask(&mut ann, CONFIRM, Value::Null);
    assert_eq!(code(&answer(&mut app.browser(), SIGN_IN, &to_confirm, &mut passkey)), "conflict");
    let second = ask(&mut half_in(&app), SIGN_IN, Value::Null);
    assert_eq!(code(&answer(&mut app.browser(), SIGN_IN, &second, &mut passkey)), "conflict");
    ann.confirm();
    let to_register: Value = ann.api("POST", "/me/passkeys/start", Value::Null).json();
    assert_eq!(code(&answer(&mut app.browser(), SIGN_IN, &to_register, &mut passkey)), "conflict");
}

#[test]
fn a_network_that_fails_too_often_waits_and_the_account_does_not() {
    let app = TestApp::with(&[("limits.login_per_network", "3 per 15m")]);
    let (_, right, _) = keeper(&app, ANN);
    let mut wrong = right.clone();
    wrong.verifies = false;
    let from = |address: &str| app.browser().with_header("X-Forwarded-For", address);
    let mut stranger = from("203.0.113.1");
    for _ in 0..3 {
        assert_eq!(prove(&mut stranger, SIGN_IN, &mut wrong).status, 401);
    }
    let page = prove(&mut stranger, SIGN_IN, &mut right.clone());
    assert_eq!((page.status, code(&page).as_str()), (429, "rate_limited"));
    assert!(page.header("retry-after").is_some());
    let mut elsewhere = from("203.0.113.2");
    for _ in 0..5 {
        assert_eq!(prove(&mut elsewhere, SIGN_IN, &mut right.clone()).status, 200, "and what is right does not count");
    }
}

#[test]
fn whoever_comes_with_a_passkey_need_not_wait_for_the_guesses_of_others() {
    let app = TestApp::start();
    let (_, mut passkey, _) = keeper(&app, ANN);
    for _ in 0..5 {
        assert_eq!(app.log_in(ANN, "wrong").1.status, 401);
    }
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 429);
    assert_eq!(prove(&mut app.browser(), SIGN_IN, &mut passkey).status, 200);
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 401, "has shown who she is, and starts afresh");
}

#[test]
fn one_answer_sent_many_times_at_once_opens_one_session() {
    let app = TestApp::start();
    let (_, mut passkey, _) = keeper(&app, ANN);
    let asked = ask(&mut app.browser(), SIGN_IN, Value::Null);
    let credential = passkey.get(&asked["publicKey"]);
    let body = json!({ "ceremony": asked["ceremony"], "credential": credential });
    let mut statuses: Vec<u16> = thread::scope(|scope| {
        let answer_it = || app.browser().api("POST", "/auth/login/passkey/finish", body.clone()).status;
        let sent: Vec<_> = (0..6).map(|_| scope.spawn(answer_it)).collect();
        sent.into_iter().map(|one| one.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409]);
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 2, "and hers");
}

#[test]
fn what_the_browser_held_before_ends() {
    let app = TestApp::start();
    let (mut ann, mut passkey, _) = keeper(&app, ANN);
    let mut before = ann.clone();
    assert_eq!(prove(&mut ann, SIGN_IN, &mut passkey).status, 200);
    assert!(is_in(&mut ann) && !is_in(&mut before));

    app.verified("bob@example.com");
    set_up(&app, &mut app.log_in("bob@example.com", PASSWORD).0);
    let (mut half, _) = app.log_in("bob@example.com", PASSWORD);
    let asked = ask(&mut half, SIGN_IN, json!({ "alone": true }));
    let credential = passkey.get(&asked["publicKey"]);
    let body = json!({ "ceremony": asked["ceremony"], "credential": credential, "alone": true });
    assert_eq!(half.api("POST", "/auth/login/passkey/finish", body).status, 200, "as somebody else after all");
    assert_eq!(methods(&mut half), json!(["passkey"]));
    assert!(half.jar.find(app.public_url(), "vestibule_pending").is_none());
    assert_eq!(app.count("SELECT count(*) AS n FROM pending_sign_ins"), 0);
}

#[test]
fn the_page_offers_it_where_there_can_be_one() {
    let app = TestApp::start();
    let page = app.browser().get("/login?return_to=%2Faccount%2Fsessions");
    let html = page.answer.text();
    assert!(
        html.contains("data-passkey=\"sign-in\" data-return-to=\"&#x2f;account&#x2f;sessions\" data-autofill hidden"),
        "{html}"
    );
    assert!(html.contains("autocomplete=\"username webauthn\""));

    let app = TestApp::with(&[("server.public_url", "http://127.0.0.1")]);
    let mut browser = app.browser();
    assert!(!browser.get("/login").answer.text().contains("data-passkey"));
    let page = browser.api("POST", "/auth/login/passkey/start", Value::Null);
    assert_eq!((page.status, code(&page).as_str()), (409, "conflict"));
}

#[test]
fn what_is_not_as_expected_is_refused_before_anything_is_counted() {
    let app = TestApp::with(&[("limits.login_per_network", "1 per 15m")]);
    let (_, mut passkey, _) = keeper(&app, ANN);
    let mut browser = app.browser();
    for body in [json!({}), json!([]), json!({ "ceremony": "x" }), Value::Null] {
        assert_eq!(code(&browser.api("POST", "/auth/login/passkey/finish", body)), "invalid_request");
    }
    let huge = json!({ "ceremony": "x", "credential": "x".repeat(10_000_000) });
    assert_eq!(browser.api("POST", "/auth/login/passkey/finish", huge).status, 413);
    assert_eq!(browser.api("POST", "/auth/login/passkey/start", json!({ "alone": 7 })).status, 400);
    assert_eq!(prove(&mut browser, SIGN_IN, &mut passkey).status, 200);
    let page = browser.cross_site().api("POST", "/auth/login/passkey/start", Value::Null);
    assert_eq!(page.status, 200, "without a cookie, a stranger's page may ask what anybody may");
    let page = browser.standing_on("http://localhost:9/").api("POST", "/auth/login/passkey/start", Value::Null);
    assert_eq!(code(&page), "csrf");
}
