//! Sessions: cookies, rotation, timeouts, the end.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::people::{PASSWORD, sign_in};
use crate::support::{TestApp, raw};

fn is_in(browser: &mut Browser) -> bool {
    match browser.api("GET", "/me", Value::Null).status {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

#[test]
fn idle_for_too_long_ends_a_session() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    for _ in 0..5 {
        app.clock().advance(TimeDelta::minutes(28));
        assert!(is_in(&mut browser), "somebody who keeps coming stays");
    }
    app.clock().advance(TimeDelta::minutes(30));
    assert!(!is_in(&mut browser));
}

#[test]
fn a_session_ends_after_a_day_however_busy() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    for _ in 0..71 {
        app.clock().advance(TimeDelta::minutes(20));
        assert!(is_in(&mut browser));
    }
    app.clock().advance(TimeDelta::minutes(20));
    assert!(!is_in(&mut browser));
}

#[test]
fn keeping_somebody_signed_in_has_its_own_ends() {
    let app = TestApp::start();
    app.verified("ann@example.com");
    let mut browser = app.browser();
    browser.get("/login");
    let page = browser.submit("/login", &[("email", "ann@example.com"), ("password", PASSWORD), ("remember", "true")]);
    let cookies: Vec<&str> = page.answer.headers("set-cookie");
    assert_eq!(cookies.iter().filter(|cookie| cookie.contains("Max-Age=2592000")).count(), 2, "{cookies:?}");
    for _ in 0..4 {
        app.clock().advance(TimeDelta::days(6));
        assert!(is_in(&mut browser));
    }
    app.clock().advance(TimeDelta::days(6));
    assert!(!is_in(&mut browser), "thirty days are over");

    let mut other = app.browser();
    other.api("POST", "/auth/login", json!({ "email": "ann@example.com", "password": PASSWORD, "remember": true }));
    app.clock().advance(TimeDelta::days(7));
    assert!(!is_in(&mut other), "a week without a visit");
}

#[test]
fn a_session_cookie_ends_with_the_browser_unless_asked_otherwise() {
    let app = TestApp::start();
    app.verified("ann@example.com");
    let mut browser = app.browser();
    let page = sign_in(&mut browser, "ann@example.com", PASSWORD);
    let cookies = page.answer.headers("set-cookie");
    for cookie in cookies.into_iter().filter(|cookie| !cookie.starts_with("vestibule_device=")) {
        assert!(
            !cookie.contains("Max-Age") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
            "{cookie}"
        );
    }
}

#[test]
fn signing_in_again_ends_the_session_before() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    let mut copy = browser.clone();
    browser.api("POST", "/auth/login", json!({ "email": "ann@example.com", "password": PASSWORD }));
    assert!(is_in(&mut browser));
    assert!(!is_in(&mut copy), "the old cookie is dead");
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM gate_tokens"), 1);
}

/// Session fixation: a cookie from before the sign-in is worth nothing after it.
#[test]
fn no_cookie_from_before_the_sign_in_opens_anything_after_it() {
    let app = TestApp::start();
    let mut browser = app.signed_up("ann@example.com");
    let mut before = browser.clone();
    sign_in(&mut browser, "ann@example.com", PASSWORD);
    assert!(is_in(&mut browser));
    assert!(!is_in(&mut before));
}

#[test]
fn signing_out_takes_both_cookies_and_ends_both_powers() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    let mut copy = browser.clone();
    browser.get("/");
    let page = browser.submit("/logout", &[]);
    assert_eq!(page.location().unwrap().path(), "/logged-out");
    assert!(browser.follow().has("You are signed out"));
    for name in ["vestibule_session", "vestibule_gate"] {
        assert!(browser.jar.find(app.public_url(), name).is_none(), "{name}");
    }
    assert!(!is_in(&mut copy));
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM gate_tokens"), 0);
}

#[test]
fn nobody_who_is_signed_in_is_told_that_they_are_not() {
    let app = TestApp::start();
    let page = app.verified("ann@example.com").get("/logged-out");
    assert_eq!((page.status, page.location().unwrap().path()), (303, "/"));
}

#[test]
fn only_digests_of_cookies_are_stored() {
    let app = TestApp::start();
    let browser = app.verified("ann@example.com");
    for name in ["vestibule_session", "vestibule_gate"] {
        let value = browser.jar.find(app.public_url(), name).unwrap().value.clone();
        let token = &value[value.len() - 43..];
        let rows =
            format!("SELECT count(*) AS n FROM sessions s, gate_tokens g WHERE (s::text || g::text) LIKE '%{token}%'");
        assert_eq!(app.count(&rows), 0);
    }
}

#[test]
fn each_cookie_domain_has_a_gate_cookie_of_its_own() {
    let app = TestApp::with(&[
        ("server.public_url", "https://auth.eu.example.com"),
        ("session.cookie_domains", "example.com, eu.example.com"),
    ]);
    let mut browser = app.browser();
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    browser.api("POST", "/auth/signup", body.clone());
    let answer = browser.api("POST", "/auth/login", body);
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    let cookies: Vec<&str> = answer.answer.headers("set-cookie");
    let gate = |domain: &str| {
        let with = format!("Domain={domain}");
        cookies.iter().any(|c| {
            c.starts_with("__Secure-vestibule_gate=") && c.split("; ").any(|part| part == with) && c.contains("Secure")
        })
    };
    assert!(gate("example.com") && gate("eu.example.com"), "{cookies:?}");
    let portal = cookies.iter().find(|cookie| cookie.starts_with("__Host-vestibule_session=")).expect("the portal's");
    assert!(portal.contains("Secure") && portal.contains("Path=/") && !portal.contains("Domain"), "{portal}");
    assert_eq!(app.count("SELECT count(*) AS n FROM gate_tokens"), 2);
}

#[test]
fn a_change_from_another_origin_is_refused() {
    let app = TestApp::with(&[("server.public_url", "http://auth.example.com")]);
    let mut browser = app.verified("ann@example.com");
    let stranger = browser.cross_site().api("PATCH", "/me", json!({ "name": "Eve" }));
    assert_eq!(stranger.status, 401, "no cookie travels from another site");
    for origin in ["http://app.example.com/", "http://auth.example.com:9999/"] {
        let refused = browser.standing_on(origin).api("PATCH", "/me", json!({ "name": "Eve" }));
        assert_eq!(refused.status, 403, "{origin}");
    }
    let refused = browser.without_origin().api("PATCH", "/me", json!({ "name": "Eve" }));
    assert_eq!(refused.status, 403, "a cookie and no word of where it comes from");
    browser.get("/");
    let page = browser.cross_site().submit("/logout", &[]);
    assert_eq!(page.status, 403);
    assert_eq!(browser.api("PATCH", "/me", json!({ "name": "Ann" })).status, 200);
}

#[test]
fn a_form_without_its_token_is_refused() {
    let app = TestApp::start();
    let mut browser = app.verified("ann@example.com");
    let page = browser.post("/account/name", &[("name", "Eve")]);
    assert_eq!(page.status, 403);
    assert!(page.has("Nothing was changed"));
    let mut stranger = app.browser();
    let token =
        stranger.get("/login").form("/login").unwrap().fields.iter().find(|(n, _)| n == "csrf").unwrap().1.clone();
    let page = browser.post("/account/name", &[("name", "Eve"), ("csrf", &token)]);
    assert_eq!(page.status, 403, "another browser's token");
}

/// A sibling host sets a cookie for the whole domain, in Latin-1.
#[test]
fn somebody_elses_strange_cookie_signs_nobody_out() {
    let app = TestApp::start();
    let browser = app.verified("ann@example.com");
    let session = browser.jar.find(app.public_url(), "vestibule_session").unwrap();
    let own = format!("vestibule_session={}", session.value);
    for cookies in [[b"theme=caf\xe9; ", own.as_bytes()].concat(), [own.as_bytes(), b"; theme=\xff"].concat()] {
        let head = b"GET /me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: ";
        let answer = raw::send(app.port(), [head.as_slice(), &cookies, b"\r\n\r\n"].concat());
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[test]
fn two_origins_are_nobodys() {
    let app = TestApp::start();
    let browser = app.verified("ann@example.com");
    let session = browser.jar.find(app.public_url(), "vestibule_session").unwrap();
    let answer = raw::send(
        app.port(),
        format!(
            "PATCH /me HTTP/1.1\r\nHost: localhost\r\nCookie: vestibule_session={}\r\nOrigin: {}\r\n\
             Origin: http://evil.example\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n\
             Content-Length: 14\r\n\r\n{{\"name\":\"Eve\"}}",
            session.value,
            app.public_url().origin().ascii_serialization(),
        ),
    );
    assert_eq!(answer.status, 403, "{}", answer.text());
}

/// A column that is added later must not be forgotten: every node remembers sessions.
#[test]
fn every_column_of_a_session_but_its_last_activity_is_told_of() {
    let app = TestApp::start();
    let untold =
        "SELECT string_agg(a.attname, ' ') AS t FROM pg_attribute a JOIN pg_trigger t ON t.tgrelid = a.attrelid
        WHERE t.tgname = 'sessions_tell_of_changes' AND a.attnum > 0 AND NOT a.attisdropped
        AND NOT a.attnum = ANY (t.tgattr::int2[])";
    assert_eq!(app.text(untold), "last_active_at");
}
