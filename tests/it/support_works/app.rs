use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::jar::Sender;
use crate::support::{TestApp, raw};

#[test]
fn two_services_side_by_side_share_nothing() {
    let (one, other) = (TestApp::start(), TestApp::start());
    let ann = json!({ "email": "ann@x.test", "password": "correct horse battery" });
    assert_eq!(one.browser().api("POST", "/auth/signup", ann.clone()).status, 202);

    let mut browser = one.browser();
    assert_eq!(browser.api("POST", "/auth/login", ann.clone()).status, 200);
    assert_eq!(browser.api("GET", "/me", Value::Null).json::<Value>()["email"], "ann@x.test");
    assert_eq!(other.browser().api("POST", "/auth/login", ann).status, 401);

    let users = |app: &TestApp| super::postgres::count(app.database_url(), "users");
    assert_eq!((users(&one), users(&other)), (1, 0));

    // A cookie of one means nothing to the other, on the same host.
    let cookie = browser.jar.header(one.public_url(), Sender::SameSite).unwrap();
    let me =
        |port| raw::send(port, format!("GET /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n"));
    assert_eq!((me(one.port()).status, me(other.port()).status), (200, 401));
}

#[test]
fn time_passes_when_told_to() {
    let app = TestApp::with(&[("session.idle_timeout", "30m")]);
    let ann = json!({ "email": "ann@x.test", "password": "correct horse battery" });
    let mut browser = app.browser();
    browser.api("POST", "/auth/signup", ann.clone());
    browser.api("POST", "/auth/login", ann);
    app.clock().advance(TimeDelta::minutes(29));
    assert_eq!(browser.api("GET", "/me", Value::Null).status, 200);
    app.clock().advance(TimeDelta::minutes(31));
    assert_eq!(browser.api("GET", "/me", Value::Null).status, 401);
}

#[test]
fn a_public_url_of_its_own_makes_the_browser_come_by_https() {
    let app = TestApp::with(&[("server.public_url", "https://auth.example.com")]);
    let mut browser = app.browser();
    let page = browser.get("/login");
    assert_eq!((page.status, page.url.as_str()), (200, "https://auth.example.com/login"));
    assert!(browser.jar.all().iter().all(|cookie| cookie.secure && cookie.host_only));
    assert!(!browser.jar.all().is_empty());
}
