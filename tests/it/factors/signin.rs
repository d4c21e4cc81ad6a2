//! Signing in, the second step.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ANN, half_in, is_in, protected, recover, totp};
use crate::support::TestApp;
use crate::support::authenticator::wrong_code;
use crate::support::people::{PASSWORD, code, sign_in};

#[test]
fn the_password_alone_leads_to_the_second_step_and_the_code_leads_in() {
    let app = TestApp::start();
    let (_, authenticator, _) = protected(&app);
    let (mut browser, answer) = app.log_in(ANN, PASSWORD);
    assert_eq!((answer.status, code(&answer).as_str()), (401, "mfa_required"));
    assert_eq!(answer.json::<Value>()["methods"], json!(["totp", "recovery_code"]));
    assert!(browser.jar.find(app.public_url(), "vestibule_session").is_none());
    assert!(browser.jar.find(app.public_url(), "vestibule_gate").is_none());
    assert!(!is_in(&mut browser));

    let answer = totp(&mut browser, &authenticator.code(&app));
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    let body: Value = answer.json();
    assert_eq!((&body["user"]["email"], &body["user"]["mfa"]["totp"]), (&json!(ANN), &json!(true)));
    assert!(body["session"]["id"].is_string());
    assert!(browser.jar.find(app.public_url(), "vestibule_gate").is_some());
    assert!(browser.jar.find(app.public_url(), "vestibule_pending").is_none(), "it has done its service");
    let listed: Value = browser.api("GET", "/me/sessions", Value::Null).json();
    let current = listed["sessions"].as_array().unwrap().iter().find(|s| s["current"] == true).unwrap();
    assert_eq!(current["methods"], json!(["password", "totp"]));
}

#[test]
fn nobody_learns_that_there_is_a_second_factor_without_the_password() {
    let app = TestApp::start();
    protected(&app);
    let (browser, wrong) = app.log_in(ANN, "wrong");
    let (_, unknown) = app.log_in("nobody@example.com", "wrong");
    assert_eq!((code(&wrong), code(&unknown)), ("invalid_credentials".to_owned(), "invalid_credentials".to_owned()));
    assert!(browser.jar.find(app.public_url(), "vestibule_pending").is_none());
}

#[test]
fn a_code_works_once_in_its_own_step_and_in_those_beside_it() {
    let app = TestApp::start();
    let (_, authenticator, _) = protected(&app);
    app.clock().advance(TimeDelta::minutes(5));
    for off in [-60, 60] {
        let answer = totp(&mut half_in(&app), &authenticator.code_in(&app, TimeDelta::seconds(off)));
        assert_eq!(code(&answer), "invalid_credentials", "{off} seconds off");
    }
    for off in [-30, 0, 30] {
        let code_then = authenticator.code_in(&app, TimeDelta::seconds(off));
        assert_eq!(totp(&mut half_in(&app), &code_then).status, 200, "{off} seconds off");
        let again = totp(&mut half_in(&app), &code_then);
        assert_eq!(code(&again), "invalid_credentials");
        assert!(again.json::<Value>()["error"].as_str().unwrap().contains("used before"), "and says why");
    }
    let earlier = authenticator.code(&app);
    assert_eq!(totp(&mut half_in(&app), &earlier).status, 401, "a later one was taken");
}

#[test]
fn the_second_step_is_open_for_ten_minutes() {
    let app = TestApp::start();
    let (_, authenticator, _) = protected(&app);
    let (mut quick, mut slow) = (half_in(&app), half_in(&app));
    app.clock().advance(TimeDelta::minutes(10) - TimeDelta::seconds(1));
    assert_eq!(totp(&mut quick, &authenticator.code(&app)).status, 200);
    app.clock().advance(TimeDelta::minutes(1));
    let answer = totp(&mut slow, &authenticator.code(&app));
    assert_eq!((answer.status, code(&answer).as_str()), (401, "unauthenticated"));
    assert!(answer.json::<Value>()["error"].as_str().unwrap().starts_with("Begin again"));
    assert_eq!(totp(&mut half_in(&app), &authenticator.code(&app)).status, 200, "nothing was used up by it");
}

#[test]
fn the_second_step_is_done_once() {
    let app = TestApp::start();
    let (_, authenticator, codes) = protected(&app);
    let mut browser = half_in(&app);
    let mut copy = browser.clone();
    assert_eq!(totp(&mut browser, &authenticator.code(&app)).status, 200);
    assert_eq!(code(&recover(&mut copy, &codes[0])), "unauthenticated");
}

#[test]
fn signing_in_again_replaces_the_first_step() {
    let app = TestApp::start();
    let (_, authenticator, _) = protected(&app);
    let mut browser = half_in(&app);
    let mut before = browser.clone();
    browser.api("POST", "/auth/login", json!({ "email": ANN, "password": PASSWORD }));
    assert_eq!(code(&totp(&mut before, &authenticator.code(&app))), "unauthenticated");
    assert_eq!(totp(&mut browser, &authenticator.code(&app)).status, 200);

    app.verified("bob@example.com");
    let mut browser = half_in(&app);
    assert_eq!(sign_in(&mut browser, "bob@example.com", PASSWORD).status, 303);
    assert!(browser.jar.find(app.public_url(), "vestibule_pending").is_none());
    assert_eq!(app.count("SELECT count(*) AS n FROM pending_sign_ins"), 0);
}

#[test]
fn who_wants_to_be_kept_signed_in_says_so_in_the_first_step() {
    let app = TestApp::start();
    let (_, authenticator, _) = protected(&app);
    let mut browser = app.browser();
    browser.api("POST", "/auth/login", json!({ "email": ANN, "password": PASSWORD, "remember": true }));
    let answer = totp(&mut browser, &authenticator.code(&app));
    let session =
        answer.answer.headers("set-cookie").into_iter().find(|c| c.starts_with("vestibule_session=")).unwrap();
    assert!(session.contains("Max-Age=2592000"), "{session}");
}

#[test]
fn the_cookie_of_the_second_step_is_no_session_and_a_session_is_none_of_it() {
    let app = TestApp::start();
    let (mut signed_in, authenticator, _) = protected(&app);
    let mut browser = half_in(&app);
    let pending = browser.jar.find(app.public_url(), "vestibule_pending").unwrap().clone();
    assert!(pending.http_only && pending.host_only);
    for name in ["vestibule_session", "vestibule_gate"] {
        browser.jar.store(app.public_url(), &format!("{name}={}; Path=/", pending.value));
    }
    assert!(!is_in(&mut browser));
    assert_eq!(browser.get("/").location().unwrap().path(), "/login");
    let session = signed_in.jar.find(app.public_url(), "vestibule_session").unwrap().value.clone();
    signed_in.jar.store(app.public_url(), &format!("vestibule_pending={}; Path=/", &session[session.len() - 43..]));
    assert_eq!(code(&totp(&mut signed_in, &authenticator.code(&app))), "unauthenticated");
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 1, "there is no row for a half");
}

#[test]
fn wrong_codes_wait_longer_and_longer_whichever_browser_brings_them() {
    let app = TestApp::start();
    let (_, authenticator, _) = protected(&app);
    let wrong = wrong_code(&app, &authenticator);
    let (mut one, mut other) = (half_in(&app), half_in(&app));
    for turn in 0..5 {
        let browser = if turn % 2 == 0 { &mut one } else { &mut other };
        let answer = totp(browser, &wrong);
        assert_eq!((answer.status, code(&answer).as_str()), (401, "invalid_credentials"));
    }
    let answer = totp(&mut one, &authenticator.code(&app));
    assert_eq!((code(&answer).as_str(), answer.header("retry-after")), ("rate_limited", Some("30")));
    app.clock().advance(TimeDelta::seconds(30));
    assert_eq!(totp(&mut one, &wrong_code(&app, &authenticator)).status, 401);
    assert_eq!(totp(&mut other, &authenticator.code(&app)).header("retry-after"), Some("60"), "twice as long");
    app.clock().advance(TimeDelta::seconds(60));
    assert_eq!(totp(&mut other, &authenticator.code(&app)).status, 200);
    let failed = "SELECT count(*) AS n FROM audit_events WHERE kind = 'signin.failed' AND details->>'method' = 'totp'";
    assert_eq!(app.count(failed), 6);
}

#[test]
fn ten_codes_are_as_many_as_one_first_step_is_good_for() {
    let app = TestApp::with(&[("limits.login_per_account", "100 per 15m")]);
    let (_, authenticator, codes) = protected(&app);
    let mut browser = half_in(&app);
    for _ in 0..10 {
        assert_eq!(code(&recover(&mut browser, "AAAA-AAAA-AAAA")), "invalid_credentials");
    }
    assert_eq!(code(&recover(&mut browser, &codes[0])), "unauthenticated");
    assert_eq!(code(&totp(&mut browser, &authenticator.code(&app))), "unauthenticated");
    assert_eq!(recover(&mut half_in(&app), &codes[0]).status, 200);
}

/// Somebody has the password and keeps guessing codes, as often as they may.
#[test]
fn a_storm_of_wrong_codes_does_not_keep_the_owner_out() {
    let app = TestApp::with(&[("limits.login_per_account", "20 per 15m")]);
    let (_, authenticator, codes) = protected(&app);
    let strangers = |address: &str| {
        let mut browser = app.browser().with_header("X-Forwarded-For", address);
        browser.api("POST", "/auth/login", json!({ "email": ANN, "password": PASSWORD }));
        browser
    };
    for n in 0..4 {
        let mut stranger = strangers(&format!("203.0.113.{n}"));
        for _ in 0..5 {
            totp(&mut stranger, &wrong_code(&app, &authenticator));
        }
    }
    let mut hers = half_in(&app);
    assert_eq!(totp(&mut hers, &authenticator.code(&app)).status, 429);
    assert_eq!(recover(&mut hers, &codes[3]).status, 200, "what cannot be guessed need not wait");
    app.clock().advance(TimeDelta::hours(1));
    assert_eq!(totp(&mut half_in(&app), &authenticator.code(&app)).status, 200, "and an hour is the most");
}

#[test]
fn the_first_step_is_forgiven_after_the_second_only() {
    let app = TestApp::start();
    let (_, authenticator, _) = protected(&app);
    for _ in 0..4 {
        half_in(&app);
    }
    let mut fifth = half_in(&app);
    assert_eq!(app.log_in(ANN, PASSWORD).1.status, 429, "a right password may be tried as often as a wrong one");
    assert_eq!(totp(&mut fifth, &authenticator.code(&app)).status, 200);
    half_in(&app);
}

#[test]
fn a_new_password_by_letter_leaves_the_second_factor_and_ends_every_first_step() {
    let app = TestApp::start();
    let (_, authenticator, _) = protected(&app);
    let mut before = half_in(&app);
    let mut browser = app.browser();
    browser.get("/forgot-password");
    browser.submit("/forgot-password", &[("email", ANN)]);
    browser.get(&app.mail().to(ANN).link());
    assert_eq!(browser.submit("/reset-password", &[("new_password", "nine patient otters")]).status, 303);
    assert!(!is_in(&mut browser), "a reset signs nobody in");
    assert_eq!(code(&totp(&mut before, &authenticator.code(&app))), "unauthenticated");
    let (mut anew, answer) = app.log_in(ANN, "nine patient otters");
    assert_eq!(code(&answer), "mfa_required");
    assert_eq!(totp(&mut anew, &authenticator.code(&app)).status, 200);
}

#[test]
fn signing_out_everywhere_ends_what_is_half_done() {
    let app = TestApp::start();
    let (mut signed_in, authenticator, _) = protected(&app);
    let mut half = half_in(&app);
    assert_eq!(signed_in.api("DELETE", "/me/sessions", Value::Null).status, 200);
    assert_eq!(code(&totp(&mut half, &authenticator.code(&app))), "unauthenticated");
}

#[test]
fn a_disabled_account_is_not_let_in_by_a_second_step_begun_before() {
    let app = TestApp::start();
    let (_, authenticator, _) = protected(&app);
    let mut half = half_in(&app);
    app.execute("UPDATE users SET disabled_at = now()");
    assert_eq!(code(&totp(&mut half, &authenticator.code(&app))), "unauthenticated");
}

#[test]
fn what_is_not_a_code_is_a_wrong_one() {
    let app = TestApp::with(&[("limits.login_per_account", "100 per 15m")]);
    let (_, authenticator, _) = protected(&app);
    for text in ["", "12345", "1234567", "abcdef", "００００００", "+12345", &"9".repeat(5000)] {
        assert_eq!(code(&totp(&mut half_in(&app), text)), "invalid_credentials", "{text}");
    }
    let answer = half_in(&app).api("POST", "/auth/login/totp", json!({}));
    assert_eq!((answer.status, code(&answer).as_str()), (400, "invalid_request"));
    let shown = authenticator.code(&app);
    assert_eq!(totp(&mut half_in(&app), &format!("{} {}", &shown[..3], &shown[3..])).status, 200, "as an app shows it");
}
