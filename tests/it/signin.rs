//! Signing in: wrong passwords, waits, what strangers can learn.

use std::sync::mpsc;

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::people::{PASSWORD, code, sign_in};

#[test]
fn an_unknown_address_and_a_wrong_password_are_one_answer() {
    let app = TestApp::start();
    app.verified("ann@example.com");
    let (_, wrong) = app.log_in("ann@example.com", "wrong");
    let (_, unknown) = app.log_in("nobody@example.com", "wrong");
    assert_eq!((wrong.status, code(&wrong).as_str()), (401, "invalid_credentials"));
    let body = |page: &crate::support::page::Page| {
        let mut body: Value = page.json();
        body["request_id"] = Value::Null;
        body
    };
    assert_eq!(body(&wrong), body(&unknown));
}

#[test]
fn the_page_keeps_the_address_and_never_the_password() {
    let app = TestApp::start();
    let mut browser = app.browser();
    let page = sign_in(&mut browser, "ann@example.com", "a secret that was typed");
    assert_eq!(page.status, 401);
    assert!(page.title().starts_with("Error: "));
    assert!(page.answer.text().contains("ann@example.com"));
    assert!(!page.answer.text().contains("a secret that was typed"));
}

#[test]
fn wrong_passwords_wait_longer_and_longer_and_then_the_owner_is_let_in() {
    let app = TestApp::start();
    app.verified("ann@example.com");
    for _ in 0..5 {
        assert_eq!(app.log_in("ann@example.com", "wrong").1.status, 401);
    }
    let (_, answer) = app.log_in("ann@example.com", PASSWORD);
    assert_eq!((answer.status, code(&answer).as_str()), (429, "rate_limited"));
    assert_eq!(answer.header("retry-after"), Some("30"));
    assert_eq!(answer.json::<Value>()["retry_after"], 30);

    app.clock().advance(TimeDelta::seconds(29));
    assert_eq!(app.log_in("ann@example.com", "wrong").1.header("retry-after"), Some("1"));
    app.clock().advance(TimeDelta::seconds(1));
    assert_eq!(app.log_in("ann@example.com", "wrong").1.status, 401);
    assert_eq!(app.log_in("ann@example.com", PASSWORD).1.header("retry-after"), Some("60"), "twice as long");
    app.clock().advance(TimeDelta::seconds(60));
    assert_eq!(app.log_in("ann@example.com", PASSWORD).1.status, 200);
    assert_eq!(app.log_in("ann@example.com", "wrong").1.status, 401, "the count was forgotten");
}

#[test]
fn an_address_without_an_account_waits_alike() {
    let app = TestApp::start();
    let waits = |email: &str| -> Vec<u16> { (0..7).map(|_| app.log_in(email, "wrong").1.status).collect() };
    app.verified("ann@example.com");
    assert_eq!(waits("nobody@example.com"), waits("ann@example.com"));
}

#[test]
fn many_guesses_at_once_are_all_counted() {
    let app = TestApp::start();
    app.verified("ann@example.com");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let guesses: Vec<_> =
            (0..20).map(|_| scope.spawn(|| app.log_in("ann@example.com", "wrong").1.status)).collect();
        guesses.into_iter().map(|guess| guess.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
}

#[test]
fn one_network_address_is_limited_over_all_accounts() {
    let app = TestApp::with(&[("limits.login_per_network", "10 per 15m")]);
    app.verified("ann@example.com");
    for n in 0..10 {
        assert_eq!(app.log_in(&format!("user{n}@example.com"), "wrong").1.status, 401);
    }
    assert_eq!(app.log_in("ann@example.com", PASSWORD).1.status, 429);
    let from = |address: &str| {
        let mut elsewhere = app.browser().with_header("X-Forwarded-For", address);
        elsewhere.api("POST", "/auth/login", json!({ "email": "ann@example.com", "password": PASSWORD })).status
    };
    assert_eq!(from("203.0.113.9"), 200, "other networks are not held up");
}

#[test]
fn right_passwords_are_not_held_against_a_network() {
    let app = TestApp::with(&[("limits.login_per_network", "3 per 15m")]);
    app.verified("ann@example.com");
    for _ in 0..6 {
        assert_eq!(app.log_in("ann@example.com", PASSWORD).1.status, 200);
    }
}

#[test]
fn ipv6_is_counted_by_its_64() {
    let app = TestApp::with(&[("limits.login_per_network", "3 per 15m")]);
    let from = |address: &str| {
        let mut browser = app.browser().with_header("X-Forwarded-For", address);
        browser
            .api("POST", "/auth/login", json!({ "email": format!("{}@example.com", address.len()), "password": "x" }))
            .status
    };
    for n in 1..=3 {
        assert_eq!(from(&format!("2001:db8:1:2::{n}")), 401);
    }
    assert_eq!(from("2001:db8:1:2:ffff::9"), 429);
    assert_eq!(from("2001:db8:1:3::1"), 401);
}

#[test]
fn a_disabled_person_is_out_at_once_and_not_told_why() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    app.execute("UPDATE users SET disabled_at = now()");
    assert_eq!(browser.api("GET", "/me", Value::Null).status, 401);
    assert_eq!(code(&app.log_in("ann@example.com", PASSWORD).1), "invalid_credentials");
}

#[test]
fn after_signing_in_people_are_where_they_wanted_to_be() {
    let app = TestApp::start();
    app.verified("ann@example.com");
    let go = |return_to: &str| {
        let mut browser = app.browser();
        browser.get(&format!(
            "/login?return_to={}",
            url::form_urlencoded::byte_serialize(return_to.as_bytes()).collect::<String>()
        ));
        browser.submit("/login", &[("email", "ann@example.com"), ("password", PASSWORD)])
    };
    assert_eq!(go("/?done=sent").location().unwrap().query(), Some("done=sent"));
    let page = go("http://localhost:9999/report?id=7");
    assert_eq!(page.status, 200, "another origin is reached by a page");
    assert!(page.answer.text().contains("http-equiv=\"refresh\""));
    assert_eq!(page.link("Continue to localhost:9999").unwrap().as_str(), "http://localhost:9999/report?id=7");
    for evil in ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "http://localhost.evil.example/"] {
        assert_eq!(go(evil).location().unwrap().path(), "/", "{evil}");
    }
}

#[test]
fn a_page_behind_the_door_leads_back_to_itself() {
    let app = TestApp::start();
    let mut browser = app.browser();
    let page = browser.get("/?done=renamed");
    assert_eq!(page.status, 303);
    assert_eq!(page.location().unwrap().path(), "/login");
}

#[test]
fn somebody_signed_in_is_not_asked_again_but_led_on() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    let page = browser.get("/login?return_to=http%3A%2F%2Flocalhost%3A9999%2Fx");
    assert!(page.has("You are signed in"));
    let before = browser.jar.find(app.public_url(), "vestibule_gate").unwrap().value.clone();
    let page = browser.submit("/login/continue", &[]);
    assert_eq!(page.link("Continue to localhost:9999").unwrap().as_str(), "http://localhost:9999/x");
    assert_ne!(browser.jar.find(app.public_url(), "vestibule_gate").unwrap().value, before);
    assert_eq!(browser.get("/signup").status, 303);
}

/// They waited for each other's counts, and PostgreSQL ended them by turns.
#[test]
fn one_person_signs_in_many_times_at_once() {
    let app = TestApp::with(&[("limits.login_per_account", "100 per 15m")]);
    app.verified("ann@example.com");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let logins: Vec<_> =
            (0..12).map(|_| scope.spawn(|| app.log_in("ann@example.com", PASSWORD).1.status)).collect();
        logins.into_iter().map(|login| login.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 12]);
}

/// A crowd at the door made its owner wait: a guess that nobody had looked at was held against the account.
#[test]
fn an_attempt_that_found_no_free_hashing_thread_is_not_counted() {
    let app = TestApp::with(&[("password.max_concurrent", "1")]);
    app.verified("ann@example.com");
    let hasher = app.app.hasher.clone();
    let (started, has_started) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let busy = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(hasher.run(move || started.send(()).map(|()| released.recv()).is_ok()))
    });
    has_started.recv().unwrap();
    while app.app.hasher.run(|| ()).now_or_never().is_none() {}
    let (_, answer) = app.log_in("ann@example.com", PASSWORD);
    assert_eq!((answer.status, code(&answer).as_str()), (503, "unavailable"));
    drop(release);
    busy.join().unwrap().unwrap();
    assert_eq!(app.count("SELECT coalesce(sum(attempts), 0) AS n FROM throttles WHERE scope LIKE 'login.%'"), 0);
    let (_, answer) = app.log_in("ann@example.com", PASSWORD);
    assert_eq!(answer.status, 200);
}

/// Both put their tokens into the same place, and the second was told that something went wrong on our side.
#[test]
fn going_on_twice_at_once_goes_on_twice() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    browser.get("/login?return_to=http%3A%2F%2Flocalhost%3A9999%2Fx");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let clicks = (0..8).map(|_| {
            let mut browser = browser.clone();
            scope.spawn(move || browser.submit("/login/continue", &[]).status)
        });
        clicks.collect::<Vec<_>>().into_iter().map(|click| click.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 8]);
    assert_eq!(app.count("SELECT count(*) AS n FROM gate_tokens"), 1);
}
