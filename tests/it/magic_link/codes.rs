//! Guessing codes.

use chrono::TimeDelta;
use serde_json::Value;

use super::{ANN, ask, asked, by_code, by_link, events, mailed, shown, who, wrong};
use crate::support::TestApp;
use crate::support::people::code;

#[test]
fn a_few_wrong_codes_end_the_link_and_a_stranger_sees_no_difference() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = asked(&app, ANN);
    let token = mailed(&app, ANN);
    let mut stranger = asked(&app, "bob@example.com");
    let tries = |browser: &mut crate::support::browser::Browser| -> Vec<(u16, String)> {
        (0..7)
            .map(|_| {
                let answer = by_code(browser, "000000");
                (answer.status, code(&answer))
            })
            .collect()
    };
    let (wrong, gone) = ((401, "invalid_credentials".to_owned()), (410, "gone".to_owned()));
    let mut expected = vec![wrong; 5];
    expected.resize(7, gone);
    assert_eq!(tries(&mut browser), expected);
    assert_eq!(tries(&mut stranger), expected);
    assert_eq!(by_link(&mut browser, &token).status, 410);
    assert_eq!(app.browser().get(&format!("/magic-link?token={token}")).status, 410);
    let failed =
        "SELECT count(*) AS n FROM audit_events WHERE kind = 'signin.failed' AND details->>'method' = 'magic_link'";
    assert_eq!(app.count(&format!("{failed} AND subject_id IS NOT NULL")), 5);
    assert_eq!(app.count(failed), 10);
}

#[test]
fn a_wrong_code_is_explained_in_its_place_and_the_last_one_leads_back_to_the_start() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = app.browser();
    browser.get("/login?return_to=%2Faccount%2Fsessions");
    browser.press("Email me a link to sign in", &[("email", ANN)]);
    browser.follow();
    let right = shown(&app, &mailed(&app, ANN));
    for typed in [wrong(&right), "", "12345", "letters"] {
        let page = browser.submit("/login/magic-link/code", &[("code", typed)]);
        assert_eq!((page.status, page.title().starts_with("Error: ")), (401, true), "{typed}");
        assert_eq!(page.field_error("code").unwrap().split(". ").last(), Some("This code is not right."));
    }
    browser.submit("/login/magic-link/code", &[("code", wrong(&right))]);
    let page = browser.follow();
    assert!(page.has("too many codes were tried"), "{}", page.text());
    assert!(page.form("/login").unwrap().fields.contains(&("email".to_owned(), ANN.to_owned())));
    assert!(page.url.query().unwrap().contains("return_to=%2Faccount%2Fsessions"));
}

/// Without the owner's help there is nothing to guess.
#[test]
fn a_code_that_was_not_shown_is_worth_nothing() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = asked(&app, ANN);
    let token = mailed(&app, ANN);
    let code = shown(&app, &token);
    app.execute("UPDATE magic_links SET code_digest = NULL");
    assert_eq!(by_code(&mut browser, &code).status, 401);
    assert_eq!(shown(&app, &token), code);
    assert_eq!(by_code(&mut browser, &code).status, 200);
}

#[test]
fn wrong_codes_wait_for_the_account_once_there_is_one_to_guess() {
    let app = TestApp::with(&[("limits.login_per_account", "3 per 15m")]);
    app.verified(ANN);
    app.verified("bob@example.com");
    let mut thief = asked(&app, ANN);
    let right = shown(&app, &mailed(&app, ANN));
    for _ in 0..3 {
        assert_eq!(by_code(&mut thief, wrong(&right)).status, 401);
    }
    let answer = by_code(&mut thief, &right);
    assert_eq!((answer.status, code(&answer).as_str()), (429, "rate_limited"));
    assert!(answer.json::<Value>()["retry_after"].as_u64().unwrap() <= 30);
    // Another link makes no difference, another account does.
    let mut again = asked(&app, ANN);
    let shown_again = shown(&app, &mailed(&app, ANN));
    assert_eq!(by_code(&mut again, &shown_again).status, 429);
    let mut bob = asked(&app, "bob@example.com");
    let bobs = shown(&app, &mailed(&app, "bob@example.com"));
    assert_eq!(by_code(&mut bob, &bobs).status, 200);
    app.clock().advance(TimeDelta::seconds(30));
    assert_eq!(by_code(&mut again, &shown_again).status, 200, "nobody is kept out for good");
}

#[test]
fn a_wait_is_shown_on_the_page_of_the_code() {
    let app = TestApp::with(&[("limits.login_per_account", "1 per 15m")]);
    app.verified(ANN);
    let mut browser = app.browser();
    browser.get("/login");
    browser.press("Email me a link to sign in", &[("email", ANN)]);
    browser.follow();
    let right = shown(&app, &mailed(&app, ANN));
    browser.submit("/login/magic-link/code", &[("code", wrong(&right))]);
    let page = browser.submit("/login/magic-link/code", &[("code", &right)]);
    assert_eq!(page.status, 429);
    assert!(page.has("Too many attempts. Try again in") && page.form("/login/magic-link/code").is_some());
}

#[test]
fn wrong_codes_wait_for_the_network_whoevers_they_are() {
    let app = TestApp::with(&[("limits.login_per_network", "4 per 15m")]);
    app.verified(ANN);
    let from = |address: &str| app.browser().with_header("X-Forwarded-For", address);
    let mut thief = from("203.0.113.9");
    ask(&mut thief, "bob@example.com");
    for _ in 0..4 {
        assert_eq!(by_code(&mut thief, "000000").status, 401);
    }
    assert_eq!(by_code(&mut thief, "000000").status, 429);
    let mut ann = from("198.51.100.7");
    ask(&mut ann, ANN);
    let code = shown(&app, &mailed(&app, ANN));
    assert_eq!(by_code(&mut ann, &code).status, 200);
}

#[test]
fn strangers_who_guess_do_not_make_the_owner_wait() {
    let app = TestApp::with(&[("limits.login_per_account", "3 per 15m")]);
    app.verified(ANN);
    for _ in 0..3 {
        let mut stranger = asked(&app, ANN);
        mailed(&app, ANN);
        for _ in 0..5 {
            assert_eq!(by_code(&mut stranger, "000000").status, 401);
        }
    }
    let mut ann = asked(&app, ANN);
    let code = shown(&app, &mailed(&app, ANN));
    assert_eq!(by_code(&mut ann, &code).status, 200);
    assert_eq!(who(&mut ann).as_deref(), Some(ANN));
}

#[test]
fn a_right_code_forgets_the_wrong_ones() {
    let app = TestApp::with(&[("limits.login_per_account", "3 per 15m")]);
    app.verified(ANN);
    for _ in 0..3 {
        let mut browser = asked(&app, ANN);
        let right = shown(&app, &mailed(&app, ANN));
        assert_eq!(
            [by_code(&mut browser, wrong(&right)).status, by_code(&mut browser, wrong(&right)).status],
            [401; 2]
        );
        assert_eq!(by_code(&mut browser, &right).status, 200);
    }
    assert_eq!(events(&app, "session.opened"), 4);
}
