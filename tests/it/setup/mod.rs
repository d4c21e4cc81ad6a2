//! The first administrator: the link of the banner, and the command that makes more of them.

mod program;

use std::sync::Barrier;
use std::thread;

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule::accounts::setup::issue_link;
use vestibule::db;
use vestibule::kernel::{Origin, Token};

use super::support::TestApp;
use super::support::browser::Browser;
use super::support::page::Page;
use super::support::people::PASSWORD;

/// What the banner of a service with a private cluster would show.
fn issue(app: &TestApp) -> Option<String> {
    let db = app.app.db.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let token: Result<Option<Token>, db::Error> =
        runtime.block_on(async { db.write(&Origin::system("test"), issue_link).await });
    token.unwrap().map(|token| format!("/setup?token={}", token.expose()))
}

fn fill_in(browser: &mut Browser, email: &str, password: &str) -> Page {
    browser.submit("/setup", &[("email", email), ("name", "Bea"), ("password", password)])
}

fn administrators(app: &TestApp) -> i64 {
    app.count("SELECT count(*) AS n FROM users WHERE is_admin")
}

fn accounts(app: &TestApp) -> i64 {
    app.count("SELECT count(*) AS n FROM users")
}

fn events(app: &TestApp, kind: &str) -> i64 {
    app.count(&format!("SELECT count(*) AS n FROM audit_events WHERE kind = '{kind}'"))
}

#[test]
fn the_link_makes_the_first_administrator_once_and_signs_them_in() {
    // Nobody else may sign up; the operator makes the accounts.
    let app = TestApp::with(&[("accounts.signup", "closed")]);
    let link = issue(&app).unwrap();
    let mut browser = app.browser();
    let page = browser.get(&link);
    assert_eq!((page.status, page.header("referrer-policy")), (200, Some("no-referrer")));
    let answer = fill_in(&mut browser, "bea@x.test", PASSWORD);
    assert_eq!((answer.status, answer.location().unwrap().path()), (303, "/"));
    assert!(browser.follow().has("You are the administrator."));
    let me: Value = browser.api("GET", "/me", Value::Null).json();
    assert_eq!((&me["email"], &me["email_verified"], &me["name"]), (&json!("bea@x.test"), &json!(true), &json!("Bea")));
    assert!(browser.jar.all().iter().any(|cookie| cookie.name == "vestibule_gate"));
    assert_eq!((administrators(&app), events(&app, "user.promoted"), events(&app, "session.opened")), (1, 1, 1));

    // Used up, for everybody; and no other is made.
    assert_eq!(app.browser().get(&link).status, 410);
    assert_eq!(issue(&app), None);
    let sign_in = json!({ "email": "Bea@x.test", "password": PASSWORD });
    assert_eq!(app.browser().api("POST", "/auth/login", sign_in).status, 200);
}

#[test]
fn a_form_that_was_open_when_the_link_was_used_makes_nobody() {
    let app = TestApp::start();
    let link = issue(&app).unwrap();
    let (mut first, mut second) = (app.browser(), app.browser());
    first.get(&link);
    second.get(&link);
    assert_eq!(fill_in(&mut first, "bea@x.test", PASSWORD).status, 303);
    let answer = fill_in(&mut second, "cid@x.test", PASSWORD);
    assert_eq!((answer.status, answer.title().as_str()), (410, "This link no longer works - Vestibule"));
    assert_eq!(second.api("GET", "/me", Value::Null).status, 401);
    assert_eq!(accounts(&app), 1);
}

#[test]
fn many_at_once_make_one_administrator() {
    let app = TestApp::start();
    let link = issue(&app).unwrap();
    let barrier = Barrier::new(4);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let posts: Vec<_> = (0..4)
            .map(|number| {
                let (mut browser, barrier) = (app.browser(), &barrier);
                browser.get(&link);
                scope.spawn(move || {
                    barrier.wait();
                    fill_in(&mut browser, &format!("bea{number}@x.test"), PASSWORD).status
                })
            })
            .collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    let count = |status| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((count(303), count(410)), (1, 3), "{statuses:?}");
    assert_eq!((administrators(&app), accounts(&app)), (1, 1));
}

#[test]
fn the_next_start_makes_the_last_link_worthless() {
    let app = TestApp::start();
    let (old, new) = (issue(&app).unwrap(), issue(&app).unwrap());
    assert_eq!((app.browser().get(&old).status, app.browser().get(&new).status), (410, 200));
}

#[test]
fn a_form_of_the_last_link_is_not_taken_after_the_next_start() {
    let app = TestApp::start();
    let mut browser = app.browser();
    browser.get(&issue(&app).unwrap());
    issue(&app).unwrap();
    assert_eq!(fill_in(&mut browser, "bea@x.test", PASSWORD).status, 410);
    assert_eq!(accounts(&app), 0);
}

#[test]
fn a_link_does_not_last_for_ever() {
    let app = TestApp::start();
    let link = issue(&app).unwrap();
    let mut browser = app.browser();
    app.clock().advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert_eq!(browser.get(&link).status, 200);
    app.clock().advance(TimeDelta::seconds(1));
    assert_eq!(fill_in(&mut browser, "bea@x.test", PASSWORD).status, 410);
    assert_eq!(app.browser().get(&link).status, 410);
}

#[test]
fn an_account_that_exists_is_not_taken_over_and_the_link_stays() {
    let app = TestApp::start();
    let ann = json!({ "email": "ann@x.test", "password": "kettle ribbon quarry" });
    assert_eq!(app.browser().api("POST", "/auth/signup", ann.clone()).status, 202);
    let mut browser = app.browser();
    browser.get(&issue(&app).unwrap());
    let page = fill_in(&mut browser, "ANN@x.test", PASSWORD);
    assert_eq!(page.status, 422);
    assert!(page.field_error("email").unwrap().contains("has an account already"));
    assert_eq!(administrators(&app), 0);
    assert_eq!(app.browser().api("POST", "/auth/login", ann).status, 200);

    assert_eq!(fill_in(&mut browser, "bea@x.test", PASSWORD).status, 303);
    assert_eq!(administrators(&app), 1);
}

#[test]
fn what_is_wrong_in_the_form_keeps_the_link_and_what_was_typed() {
    let app = TestApp::start();
    let mut browser = app.browser();
    browser.get(&issue(&app).unwrap());
    for (email, password, field) in [("bea@x.test", "password", "password"), ("bea", PASSWORD, "email")] {
        let page = fill_in(&mut browser, email, password);
        assert_eq!((page.status, page.header("referrer-policy")), (422, Some("no-referrer")), "{field}");
        assert!(page.field_error(field).is_some(), "{field}: {}", page.text());
        let typed = page.form("/setup").unwrap().fields;
        assert!(typed.contains(&("email".to_owned(), email.to_owned())), "{typed:?}");
        assert!(!page.answer.text().contains(PASSWORD));
    }
    assert_eq!(fill_in(&mut browser, "bea@x.test", PASSWORD).status, 303);
}

#[test]
fn looking_at_the_page_uses_nothing_up() {
    let app = TestApp::start();
    let link = issue(&app).unwrap();
    for _ in 0..3 {
        assert_eq!(app.browser().get(&link).status, 200);
    }
    assert_eq!(events(&app, "user.created"), 0);
}

#[test]
fn what_is_no_link_of_ours_opens_nothing() {
    let app = TestApp::start();
    let open = issue(&app).unwrap();
    let unknown = format!("/setup?token={}", Token::generate().expose());
    for link in [&unknown, "/setup", "/setup?token=", "/setup?token=abc"] {
        let page = app.browser().get(link);
        assert_eq!((page.status, page.header("referrer-policy")), (410, Some("no-referrer")), "{link}");
    }
    // The form of a good link with another token in it.
    let mut browser = app.browser();
    browser.get(&open);
    let other = Token::generate().expose();
    let answer = browser.submit("/setup", &[("token", &other), ("email", "bea@x.test"), ("password", PASSWORD)]);
    assert_eq!((answer.status, administrators(&app)), (410, 0));
}

#[test]
fn another_site_cannot_send_the_form() {
    let app = TestApp::start();
    let mut browser = app.browser();
    browser.get(&issue(&app).unwrap());
    browser.cross_site();
    assert_eq!(fill_in(&mut browser, "bea@x.test", PASSWORD).status, 403);
    assert_eq!(accounts(&app), 0);
}

#[test]
fn whoever_was_signed_in_is_somebody_else_afterwards() {
    let app = TestApp::start();
    let ann = json!({ "email": "ann@x.test", "password": "kettle ribbon quarry" });
    let mut browser = app.browser();
    browser.api("POST", "/auth/signup", ann.clone());
    browser.api("POST", "/auth/login", ann);
    browser.get(&issue(&app).unwrap());
    assert_eq!(fill_in(&mut browser, "bea@x.test", PASSWORD).status, 303);
    assert_eq!(browser.api("GET", "/me", Value::Null).json::<Value>()["email"], "bea@x.test");
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 1);
}
