//! Browsers where somebody has signed in before: strangers do not make their owners wait there.

use std::sync::Barrier;

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule::kernel::shutdown;
use vestibule::sessions;

use crate::support::authenticator::{set_up, wrong_code};
use crate::support::browser::Browser;
use crate::support::people::{PASSWORD, sign_in};
use crate::support::{TestApp, eventually};

const ANN: &str = "ann@example.com";
const BOB: &str = "bob@example.com";
const COOKIE: &str = "vestibule_device";

fn log_in(browser: &mut Browser, email: &str, password: &str) -> u16 {
    browser.api("POST", "/auth/login", json!({ "email": email, "password": password })).status
}

/// What this browser is known by.
fn token(app: &TestApp, browser: &Browser) -> String {
    browser.jar.find(app.public_url(), COOKIE).expect("the cookie of a known device").value.clone()
}

/// Strangers from many networks guess until the account waits, for them and for every browser that is not known.
fn guess_from_many_networks(app: &TestApp, email: &str) {
    for n in 1..=12 {
        let mut stranger = app.browser().with_header("X-Forwarded-For", &format!("198.51.100.{n}"));
        log_in(&mut stranger, email, "a guess");
    }
    assert_eq!(log_in(&mut app.browser(), email, PASSWORD), 429, "the account waits");
}

/// Whether this browser's attempts are counted apart, while the account waits.
fn is_known(browser: &Browser, email: &str) -> bool {
    match log_in(&mut browser.clone(), email, "a slip") {
        401 => true,
        429 => false,
        other => panic!("{other}"),
    }
}

#[test]
fn whoever_has_signed_in_gets_a_cookie_that_outlives_the_session_and_opens_nothing() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let answer = browser.api("POST", "/auth/login", json!({ "email": ANN, "password": PASSWORD }));
    let set = answer.answer.headers("set-cookie").into_iter().find(|set| set.starts_with("vestibule_device="));
    let (value, attributes) = set.unwrap().split_once("; ").unwrap();
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/; Max-Age=15552000", "180 days");
    assert_eq!(value.len(), "vestibule_device=".len() + 43, "256 bits");
    let stored = "SELECT count(*) AS n FROM known_devices WHERE octet_length(token_digest) = 32";
    assert_eq!(app.count(stored), 1, "one browser, however often it signs in");

    let token = token(&app, &browser);
    let mut thief = app.browser();
    for name in [COOKIE, "vestibule_session", "vestibule_gate", "vestibule_pending"] {
        thief.jar.store(app.public_url(), &format!("{name}={token}; Path=/"));
    }
    assert_eq!(thief.api("GET", "/me", Value::Null).status, 401);
    assert_eq!(thief.api("POST", "/auth/login/totp", json!({ "code": "123456" })).status, 401);
    assert_eq!(log_in(&mut thief, ANN, "a guess"), 401, "the password is asked for all the same");
}

#[test]
fn over_https_the_cookie_is_bound_to_this_very_host() {
    let app = TestApp::with(&[("server.public_url", "https://auth.example.com")]);
    let browser = app.verified(ANN);
    let cookie = browser.jar.find(app.public_url(), "__Host-vestibule_device").unwrap();
    assert!(cookie.secure && cookie.http_only && cookie.host_only);
    guess_from_many_networks(&app, ANN);
    assert!(is_known(&browser, ANN));
    assert!(!is_known(&browser.unknown(), ANN));
}

#[test]
fn strangers_from_many_networks_do_not_stop_the_owner_in_a_browser_of_hers() {
    let app = TestApp::with(&[("limits.login_per_network", "3 per 15m")]);
    let mut browser = app.verified(ANN);
    guess_from_many_networks(&app, ANN);
    for n in 0..4 {
        log_in(&mut app.browser(), &format!("{n}@example.com"), "a guess");
    }
    assert_eq!(log_in(&mut app.browser(), "nobody@example.com", "a guess"), 429, "her own network waits as well");
    for _ in 0..8 {
        assert_eq!(log_in(&mut browser, ANN, PASSWORD), 200);
    }
    assert_eq!(browser.api("POST", "/auth/logout", Value::Null).status, 204);
    assert_eq!(sign_in(&mut browser, ANN, PASSWORD).status, 303, "and by the page");
    assert_eq!(log_in(&mut app.browser(), ANN, PASSWORD), 429, "strangers wait as before");
}

#[test]
fn in_a_known_browser_one_waits_for_ones_own_failures_and_nobody_else_does() {
    let app = TestApp::start();
    let (mut one, other) = (app.verified(ANN), app.log_in(ANN, PASSWORD).0);
    for _ in 0..5 {
        assert_eq!(log_in(&mut one, ANN, "a slip"), 401);
    }
    let answer = one.api("POST", "/auth/login", json!({ "email": ANN, "password": PASSWORD }));
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("30")), "a stolen cookie is no way around");
    assert_eq!(one.api("POST", "/auth/logout", Value::Null).status, 204);
    assert!(sign_in(&mut one, ANN, PASSWORD).has("Too many attempts. Try again in 30 seconds."));
    assert!(is_known(&other, ANN), "another browser of hers is counted apart");
    assert_eq!(log_in(&mut app.browser(), ANN, PASSWORD), 200, "and so is everybody else");
    app.clock().advance(TimeDelta::seconds(30));
    assert_eq!(log_in(&mut one, ANN, PASSWORD), 200);
}

#[test]
fn several_people_are_known_in_one_browser_each_for_their_own_account() {
    let app = TestApp::start();
    let (mut shared, alone) = (app.verified(ANN), app.verified(BOB));
    guess_from_many_networks(&app, ANN);
    guess_from_many_networks(&app, BOB);
    assert!(!is_known(&shared, BOB) && !is_known(&alone, ANN), "nobody is known for somebody else's account");
    app.clock().advance(TimeDelta::hours(1));
    assert_eq!(log_in(&mut shared, BOB, PASSWORD), 200);
    guess_from_many_networks(&app, ANN);
    guess_from_many_networks(&app, BOB);
    assert!(is_known(&shared, ANN) && is_known(&shared, BOB));
    assert_eq!(app.count("SELECT count(DISTINCT token_digest) AS n FROM known_devices"), 2);
}

#[test]
fn a_sign_in_renews_the_cookie_and_a_copy_of_the_old_one_is_worthless() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let copy = browser.clone();
    let before = token(&app, &browser);
    assert_eq!(log_in(&mut browser, ANN, PASSWORD), 200);
    assert_ne!(token(&app, &browser), before);
    guess_from_many_networks(&app, ANN);
    assert!(is_known(&browser, ANN));
    assert!(!is_known(&copy, ANN));
}

/// Somebody sits at a browser that Ann has used, or has stolen her cookie, and has an account of their own.
#[test]
fn signing_in_to_ones_own_account_in_between_buys_no_further_guesses() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    app.verified(BOB);
    for _ in 0..5 {
        assert_eq!(log_in(&mut browser, ANN, "a guess"), 401);
    }
    assert_eq!(log_in(&mut browser, BOB, PASSWORD), 200);
    assert_eq!(log_in(&mut browser, ANN, "a guess"), 429);
}

#[test]
fn a_browser_stays_known_when_its_own_person_signs_out() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    assert_eq!(browser.api("POST", "/auth/logout", Value::Null).status, 204);
    guess_from_many_networks(&app, ANN);
    assert!(is_known(&browser, ANN));
}

#[test]
fn a_browser_signed_out_from_elsewhere_is_a_strangers() {
    let app = TestApp::start();
    let (mut hers, one) = (app.verified(ANN), app.log_in(ANN, PASSWORD).0);
    let other = app.log_in(ANN, PASSWORD).0;
    let mut gone = app.log_in(ANN, PASSWORD).0;
    assert_eq!(gone.api("POST", "/auth/logout", Value::Null).status, 204);
    let listed: Value = one.clone().api("GET", "/me/sessions", Value::Null).json();
    let sessions = listed["sessions"].as_array().unwrap();
    let id = sessions.iter().find(|session| session["current"] == true).unwrap()["id"].as_str().unwrap();
    assert_eq!(hers.api("DELETE", &format!("/me/sessions/{id}"), Value::Null).status, 204);
    guess_from_many_networks(&app, ANN);
    let known = [&hers, &one, &other, &gone].map(|browser| is_known(browser, ANN));
    assert_eq!(known, [true, false, true, true], "the one, and no other");
    assert_eq!(hers.api("DELETE", "/me/sessions", Value::Null).status, 200);
    let known = [&hers, &one, &other, &gone].map(|browser| is_known(browser, ANN));
    assert_eq!(known, [true, false, false, false], "all others, also where nobody is signed in just now");
}

#[test]
fn a_new_password_makes_every_other_browser_a_strangers() {
    let app = TestApp::start();
    let (mut hers, other) = (app.verified(ANN), app.log_in(ANN, PASSWORD).0);
    hers.confirm();
    let changed = hers.api("PUT", "/me/password", json!({ "new_password": "nine patient otters" }));
    assert_eq!(changed.status, 200);
    guess_from_many_networks(&app, ANN);
    assert!(is_known(&hers, ANN) && !is_known(&other, ANN));

    app.clock().advance(TimeDelta::hours(1));
    hers.api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    let letter = eventually("a link", || {
        let letter = app.mail().to(ANN);
        letter.subject().contains("Choose a new password").then_some(letter)
    });
    hers.get(&letter.link());
    assert_eq!(hers.submit("/reset-password", &[("new_password", "four modest lanterns")]).status, 303);
    assert_eq!(app.count("SELECT count(*) AS n FROM known_devices"), 0);
}

#[test]
fn whoever_says_that_was_not_me_makes_every_browser_a_strangers() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut stranger = app.browser().with_header("X-Forwarded-For", "203.0.113.7");
    assert_eq!(log_in(&mut stranger, ANN, PASSWORD), 200);
    assert_eq!(stranger.api("POST", "/auth/logout", Value::Null).status, 204);
    let mut browser = app.browser();
    browser.get(&app.mail().to(ANN).link());
    let page = browser.submit("/not-me", &[]);
    assert!(page.status < 400, "{}", page.text());
    assert_eq!(app.count("SELECT count(*) AS n FROM known_devices"), 0);
}

#[test]
fn a_browser_is_forgotten_half_a_year_after_the_last_sign_in_and_then_swept() {
    let app = TestApp::start();
    let (mut used, idle) = (app.verified(ANN), app.log_in(ANN, PASSWORD).0);
    app.clock().advance(TimeDelta::days(100));
    assert_eq!(log_in(&mut used, ANN, PASSWORD), 200);
    app.clock().advance(TimeDelta::days(80) - TimeDelta::seconds(1));
    guess_from_many_networks(&app, ANN);
    assert!(is_known(&used, ANN) && is_known(&idle, ANN));
    app.clock().advance(TimeDelta::seconds(1));
    assert!(is_known(&used, ANN) && !is_known(&idle, ANN));
    let (_trigger, shutdown) = shutdown::pair();
    actix_web::rt::System::new().block_on(sessions::sweep(&app.app, &shutdown)).expect("a round");
    assert_eq!(app.count("SELECT count(*) AS n FROM known_devices"), 1);
}

#[test]
fn a_known_browser_is_asked_for_the_second_factor_and_becomes_known_by_it_only() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    let (authenticator, _) = set_up(&app, &mut browser);
    let (mut new, answer) = app.log_in(ANN, PASSWORD);
    assert_eq!(answer.status, 401);
    assert!(new.jar.find(app.public_url(), COOKIE).is_none(), "half signed in is not signed in");
    assert_eq!(log_in(&mut browser, ANN, PASSWORD), 401, "known, and asked all the same");
    let body = json!({ "code": authenticator.code(&app) });
    assert_eq!(new.api("POST", "/auth/login/totp", body).status, 200);
    assert!(new.jar.find(app.public_url(), COOKIE).is_some());
}

/// Somebody has her password, and guesses codes from many networks.
#[test]
fn guessed_codes_do_not_stop_the_owner_in_a_browser_of_hers() {
    let app = TestApp::with(&[("limits.login_per_account", "20 per 15m"), ("limits.login_per_network", "20 per 15m")]);
    let mut hers = app.verified(ANN);
    let (authenticator, codes) = set_up(&app, &mut hers);
    for n in 1..=4 {
        let mut stranger = app.browser().with_header("X-Forwarded-For", &format!("198.51.100.{n}"));
        log_in(&mut stranger, ANN, PASSWORD);
        for _ in 0..5 {
            stranger.api("POST", "/auth/login/totp", json!({ "code": wrong_code(&app, &authenticator) }));
        }
    }
    for _ in 0..4 {
        let mut neighbour = app.log_in(ANN, PASSWORD).0;
        for _ in 0..5 {
            neighbour.api("POST", "/auth/login/recovery-code", json!({ "code": "AAAA-AAAA-AAAA" }));
        }
    }
    let code = |kind: &str, code: &str| -> (String, Value) { (format!("/auth/login/{kind}"), json!({ "code": code })) };
    for (path, body) in [code("totp", &authenticator.code(&app)), code("recovery-code", &codes[0])] {
        let (mut unknown, answer) = app.log_in(ANN, PASSWORD);
        if answer.status == 401 {
            assert_eq!(unknown.api("POST", &path, body.clone()).status, 429, "{path} where nobody is known");
        }
        assert_eq!(log_in(&mut hers, ANN, PASSWORD), 401);
        assert_eq!(hers.api("POST", &path, body).status, 200, "{path}");
    }
}

#[test]
fn codes_guessed_in_a_known_browser_wait_there() {
    let app = TestApp::start();
    let mut hers = app.verified(ANN);
    let (authenticator, codes) = set_up(&app, &mut hers);
    assert_eq!(log_in(&mut hers, ANN, PASSWORD), 401);
    for _ in 0..5 {
        let wrong = json!({ "code": wrong_code(&app, &authenticator) });
        assert_eq!(hers.api("POST", "/auth/login/totp", wrong).status, 401);
    }
    let right = json!({ "code": authenticator.code(&app) });
    let answer = hers.api("POST", "/auth/login/totp", right.clone());
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("30")));
    let mut elsewhere = app.log_in(ANN, PASSWORD).0;
    assert_eq!(elsewhere.api("POST", "/auth/login/totp", right).status, 200);
    let body = json!({ "code": codes[0] });
    assert_eq!(hers.api("POST", "/auth/login/recovery-code", body).status, 200, "that is counted for itself");
}

/// A thief of her session confirms from a browser of theirs.
#[test]
fn wrong_confirmations_elsewhere_do_not_stop_the_owner_in_a_browser_of_hers() {
    let app = TestApp::start();
    let mut hers = app.verified(ANN);
    let mut stolen = hers.unknown();
    let confirm = |browser: &mut Browser, password: &str| {
        browser.api("POST", "/auth/confirm", json!({ "password": password })).status
    };
    for _ in 0..5 {
        assert_eq!(confirm(&mut stolen, "a guess"), 401);
    }
    assert_eq!(confirm(&mut stolen, PASSWORD), 429);
    assert_eq!(confirm(&mut hers, PASSWORD), 200);
    for _ in 0..5 {
        assert_eq!(confirm(&mut hers, "a slip"), 401);
    }
    assert_eq!(confirm(&mut hers, PASSWORD), 429);
}

/// Strangers have asked for as many links as there may be, and her network for as many as it may.
#[test]
fn letters_that_strangers_ask_for_are_not_counted_in_a_browser_of_hers() {
    let app = TestApp::with(&[("limits.login_per_network", "6 per 15m")]);
    let mut hers = app.verified(ANN);
    let ask = |browser: &mut Browser, path: &str| browser.api("POST", path, json!({ "email": ANN })).status;
    for (path, letter) in [("/auth/forgot-password", "reset_password"), ("/auth/magic-link", "magic_link")] {
        for _ in 0..6 {
            assert_eq!(ask(&mut app.browser(), path), 202);
        }
        assert_eq!(ask(&mut app.browser(), path), 429, "{path}: the network waits");
        let letters = format!("SELECT count(*) AS n FROM mail_outbox WHERE letter = '{letter}'");
        eventually("what strangers may cause", || (app.count(&letters) == 5).then_some(()));
        for n in 1..=5 {
            assert_eq!(ask(&mut hers, path), 202);
            eventually("a letter", || (app.count(&letters) == 5 + n).then_some(()));
        }
        assert_eq!(ask(&mut hers, path), 202, "{path}: nobody is told that there have been enough");
    }
}

/// Somebody has signed up with an address of hers, and signs in from one new browser after the other.
#[test]
fn an_address_that_nobody_has_proved_gets_no_more_letters_from_known_browsers() {
    let app = TestApp::with(&[("limits.login_per_network", "100 per 15m")]);
    app.unverified(ANN);
    for (path, letter) in [("/auth/forgot-password", "reset_password"), ("/auth/magic-link", "magic_link")] {
        for _ in 0..3 {
            let mut stranger = app.log_in(ANN, PASSWORD).0;
            for _ in 0..3 {
                assert_eq!(stranger.api("POST", path, json!({ "email": ANN })).status, 202);
            }
        }
        let waiting = "SELECT count(*) AS n FROM letter_requests";
        eventually("every answer", || (app.count(waiting) == 0).then_some(()));
        let letters = format!("SELECT count(*) AS n FROM mail_outbox WHERE letter = '{letter}'");
        // Of two wishes for a link to sign in by, made in one browser, the second may overtake the first.
        assert!((1..=5).contains(&app.count(&letters)), "{letter}: {}", app.count(&letters));
    }
}

/// Both renew one cookie.
#[test]
fn two_people_sign_in_at_once_in_one_browser() {
    let app = TestApp::start();
    let mut browser = app.verified(ANN);
    app.verified(BOB);
    assert_eq!(log_in(&mut browser, BOB, PASSWORD), 200);
    let start = Barrier::new(8);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let logins = (0..8).map(|n| {
            let (mut browser, start) = (browser.clone(), &start);
            scope.spawn(move || {
                start.wait();
                log_in(&mut browser, if n % 2 == 0 { ANN } else { BOB }, PASSWORD)
            })
        });
        logins.collect::<Vec<_>>().into_iter().map(|login| login.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| !matches!(status, 200 | 429)).count(), 0, "{statuses:?}");
    assert!(statuses.contains(&200));
}

#[test]
fn what_is_no_cookie_of_ours_is_known_to_nobody() {
    let app = TestApp::start();
    let browser = app.verified(ANN);
    guess_from_many_networks(&app, ANN);
    for strange in ["", "x", &"A".repeat(43), &"A".repeat(5000), "%00", &token(&app, &browser)[1..]] {
        let mut stranger = app.browser();
        stranger.jar.store(app.public_url(), &format!("{COOKIE}={strange}; Path=/"));
        assert!(!is_known(&stranger, ANN), "{strange}");
    }
    assert!(is_known(&browser, ANN));
}
