//! Following the link, in the browser that asked and elsewhere.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule::meters::Outcome;

use super::{ANN, ask, asked, by_code, by_link, events, mailed, shown, who};
use crate::support::TestApp;
use crate::support::authenticator::set_up;
use crate::support::people::{PASSWORD, code, token_in};

const APP: &str = "http://localhost:9999/reports";

#[test]
fn the_browser_that_asked_is_signed_in_by_a_button_stays_so_and_gets_where_it_was_going() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = app.browser();
    browser.get("/login?return_to=http%3A%2F%2Flocalhost%3A9999%2Freports");
    browser.press("Email me a link to sign in", &[("email", ANN), ("remember", "true")]);
    let page = browser.get(&app.mail().to(ANN).link());
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "the address holds a token");
    assert!(page.has("as ann@example.com, to continue to localhost:9999"), "{}", page.text());
    assert!(!page.has("code"), "nobody needs one here: {}", page.text());
    let page = browser.submit("/magic-link", &[]);
    assert_eq!(page.link("Continue to localhost:9999").expect("the way on").as_str(), APP);
    assert_eq!(who(&mut browser).as_deref(), Some(ANN));
    assert!(browser.jar.find(app.public_url(), "vestibule_magic").is_none(), "its cookie has done its work");
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions WHERE remember"), 1);
    let sessions: Value = browser.api("GET", "/me/sessions", Value::Null).json();
    let current = sessions["sessions"].as_array().unwrap().iter().find(|session| session["current"] == true);
    assert_eq!(current.expect("this one")["methods"], json!(["magic_link"]));
    assert!(browser.get("/account/sessions").has("a mailed link"));
    assert_eq!(events(&app, "session.opened"), 2);
}

#[test]
fn elsewhere_the_link_shows_a_code_and_that_signs_in_the_browser_that_asked() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut desk = app.browser();
    desk.get("/login?return_to=http%3A%2F%2Flocalhost%3A9999%2Freports");
    desk.press("Email me a link to sign in", &[("email", ANN)]);
    assert!(desk.follow().has("anywhere else it shows a code to enter here"));

    let mut phone = app.browser();
    let page = phone.get(&app.mail().to(ANN).link());
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert!(page.has("Somebody wants to sign in to your account, in another browser than this one"), "{}", page.text());
    assert!(page.form("/magic-link").is_none(), "there is no way in from here");
    let page = phone.press("It was me, show the code", &[]);
    assert_eq!((page.status, page.header("referrer-policy")), (200, Some("no-referrer")));
    assert!(page.has("Do not tell it to anybody."), "{}", page.text());
    let code = code_in(&page.text());

    let page = desk.submit("/login/magic-link/code", &[("code", &format!("{} {}", &code[..3], &code[3..]))]);
    assert_eq!(page.link("Continue to localhost:9999").expect("the way on").as_str(), APP);
    assert_eq!(who(&mut desk).as_deref(), Some(ANN));
    assert_eq!(who(&mut phone), None);
    assert_eq!((events(&app, "magic_link.code_shown"), events(&app, "session.opened")), (1, 2));
}

/// "123 456" in the words of a page; empty when there is none.
fn code_in(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let is_half = |word: &str| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    let pair = words.windows(2).find(|pair| pair.iter().all(|word| is_half(word)));
    pair.map(<[&str]>::concat).unwrap_or_default()
}

#[test]
fn the_api_walks_the_same_ways() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut client = asked(&app, ANN);
    let answer = by_link(&mut client, &mailed(&app, ANN));
    assert_eq!(answer.status, 200, "{}", answer.answer.text());
    assert_eq!(answer.json::<Value>()["user"]["email"], ANN);
    assert!(answer.json::<Value>()["session"]["id"].is_string());

    let mut client = app.browser().with_header("X-Forwarded-For", "203.0.113.9");
    ask(&mut client, ANN);
    let token = mailed(&app, ANN);
    let mut elsewhere = app.browser();
    let answer = by_link(&mut elsewhere, &token);
    assert_eq!((answer.status, code(&answer).as_str()), (403, "forbidden"));
    assert!(answer.json::<Value>()["error"].as_str().unwrap().contains("POST /auth/magic-link/code"));
    app.clock().advance(TimeDelta::minutes(5));
    let answer = elsewhere.api("POST", "/auth/magic-link/code", json!({ "token": token }));
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let answer: Value = answer.json();
    assert_eq!((&answer["asked"]["ip"], &answer["expires_in"]), (&json!("203.0.113.9"), &json!(600)));
    assert_eq!(answer["asked"]["at"], "2027-01-15T08:00:00Z");
    assert_eq!(by_code(&mut client, answer["code"].as_str().unwrap()).status, 200);
    assert_eq!((who(&mut client).as_deref(), who(&mut elsewhere)), (Some(ANN), None));
}

#[test]
fn looking_at_the_link_uses_nothing_up_and_shows_no_code() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = asked(&app, ANN);
    let link = app.mail().to(ANN).link();
    for _ in 0..3 {
        let page = app.browser().get(&link);
        assert_eq!((page.status, code_in(&page.text()).as_str()), (200, ""), "a mail scanner fetches it");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM magic_links WHERE code_digest IS NOT NULL"), 0);
    browser.get(&link);
    browser.get(&link);
    assert_eq!(who(&mut browser), None);
    browser.get(&link);
    assert_eq!(browser.submit("/magic-link", &[]).status, 303);
    assert_eq!(who(&mut browser).as_deref(), Some(ANN));
}

#[test]
fn a_link_works_once_and_its_code_ends_with_it() {
    let app = TestApp::start();
    app.verified(ANN);
    let browser = asked(&app, ANN);
    let token = mailed(&app, ANN);
    let code = shown(&app, &token);
    assert_eq!(by_link(&mut browser.clone(), &token).status, 200);
    assert_eq!(by_link(&mut browser.clone(), &token).status, 410);
    assert_eq!(by_code(&mut browser.clone(), &code).status, 410);
    let answer = app.browser().api("POST", "/auth/magic-link/code", json!({ "token": token }));
    assert_eq!(answer.status, 410);
}

#[test]
fn a_code_works_once_and_its_link_ends_with_it() {
    let app = TestApp::start();
    app.verified(ANN);
    let browser = asked(&app, ANN);
    let token = mailed(&app, ANN);
    let code = shown(&app, &token);
    assert_eq!(shown(&app, &token), code, "it is the same however often it is shown");
    assert_eq!(events(&app, "magic_link.code_shown"), 1);
    assert_eq!(by_code(&mut browser.clone(), &code).status, 200);
    assert_eq!(by_code(&mut browser.clone(), &code).status, 410);
    assert_eq!(by_link(&mut browser.clone(), &token).status, 410);
    let page = app.browser().get(&format!("/magic-link?token={token}"));
    assert_eq!(page.status, 410);
    assert!(page.has("If you have just signed in by it, all is well."), "{}", page.text());
}

#[test]
fn the_link_and_its_code_end_after_a_quarter_of_an_hour() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = app.browser();
    browser.get("/login");
    browser.press("Email me a link to sign in", &[("email", ANN)]);
    browser.follow();
    let link = app.mail().to(ANN).link();
    let token = token_in(&link);
    let code = shown(&app, &token);
    app.clock().advance(TimeDelta::minutes(15) - TimeDelta::seconds(1));
    assert_eq!(app.browser().get(&link).status, 200);
    app.clock().advance(TimeDelta::seconds(1));
    assert_eq!(app.browser().get(&link).status, 410);
    assert_eq!(by_link(&mut browser, &token).status, 410);
    assert_eq!(by_code(&mut browser, &code).status, 410);
    assert_eq!(browser.submit("/login/magic-link/code", &[("code", &code)]).status, 303);
    assert!(browser.follow().has("Ask for another link: that one was used, was too old"));
}

#[test]
fn asking_again_replaces_what_the_same_browser_asked_for_and_nothing_else() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut phone = asked(&app, ANN);
    let on_the_phone = mailed(&app, ANN);
    let mut desk = asked(&app, ANN);
    let first = mailed(&app, ANN);
    let code = shown(&app, &first);
    let before = desk.clone();
    ask(&mut desk, ANN);
    let second = mailed(&app, ANN);
    for mut browser in [before, desk.clone()] {
        assert_eq!(by_link(&mut browser, &first).status, 410);
        assert_ne!(by_code(&mut browser, &code).status, 200);
    }
    assert_eq!(by_link(&mut desk, &second).status, 200);
    assert_eq!(by_link(&mut phone, &on_the_phone).status, 200, "another browser's is its own");
}

#[test]
fn neither_link_nor_code_is_worth_anything_with_somebody_elses_cookie() {
    let app = TestApp::start();
    app.verified(ANN);
    app.verified("bob@example.com");
    let mut ann = asked(&app, ANN);
    let token = mailed(&app, ANN);
    let code = shown(&app, &token);
    let mut bob = asked(&app, "bob@example.com");
    mailed(&app, "bob@example.com");
    assert_eq!(by_link(&mut bob, &token).status, 403);
    assert_eq!(by_code(&mut bob, &code).status, 401);
    assert_eq!(by_code(&mut app.browser(), &code).status, 410, "nor without any");
    bob.get("/login");
    bob.get(&format!("/magic-link?token={token}"));
    let csrf = bob.get(&format!("/magic-link?token={token}")).form("/magic-link/code").expect("a form");
    let csrf = csrf.fields.iter().find(|(name, _)| name == "csrf").expect("a token").1.clone();
    let page = bob.post("/magic-link", &[("csrf", &csrf), ("token", &token)]);
    assert_eq!(page.status, 403);
    assert!(page.has("Did you ask for this?"), "{}", page.text());
    assert_eq!((who(&mut bob), who(&mut app.browser())), (None, None));
    assert_eq!(by_code(&mut ann, &code).status, 200);
}

/// A session that somebody has planted, or left behind, is not the one that the link opens.
#[test]
fn a_link_opens_a_new_session_and_ends_the_one_before() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = app.verified("bob@example.com");
    let planted = browser.clone();
    ask(&mut browser, ANN);
    let link = app.mail().to(ANN).link();
    browser.get(&link);
    let mut other_tab = browser.clone();
    assert_eq!(browser.submit("/magic-link", &[]).status, 303);
    assert_eq!(who(&mut browser).as_deref(), Some(ANN));
    assert_eq!(who(&mut planted.clone()), None);
    assert_eq!(other_tab.submit("/magic-link", &[]).status, 410, "pressed twice: not that it came from elsewhere");
    assert_eq!(app.log_in("bob@example.com", PASSWORD).1.status, 200);
}

/// Nor does a first step that somebody else has begun there go on.
#[test]
fn a_link_ends_what_was_half_begun_in_the_same_browser() {
    let app = TestApp::start();
    app.verified(ANN);
    let (authenticator, _) = set_up(&app, &mut app.verified("bob@example.com"));
    let (mut browser, answer) = app.log_in("bob@example.com", PASSWORD);
    assert_eq!(code(&answer), "mfa_required");
    let copy = browser.clone();
    ask(&mut browser, ANN);
    assert_eq!(by_link(&mut browser, &mailed(&app, ANN)).status, 200);
    for mut half in [browser.clone(), copy] {
        let answer = half.api("POST", "/auth/login/totp", json!({ "code": authenticator.code(&app) }));
        assert_eq!((answer.status, code(&answer).as_str()), (401, "unauthenticated"));
    }
    assert_eq!(who(&mut browser).as_deref(), Some(ANN));
}

#[test]
fn what_became_of_links_and_codes_is_counted_for_the_operator() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = asked(&app, ANN);
    let token = mailed(&app, ANN);
    by_link(&mut app.browser(), &token);
    by_code(&mut browser, "000000");
    by_link(&mut browser, &token);
    let attempts = app.app.db.meters().attempts();
    let of = |outcome| attempts.get(&("magic_link", outcome)).copied();
    assert_eq!((of(Outcome::Failure), of(Outcome::Success), of(Outcome::Waits)), (Some(2), Some(1), None));
}

#[test]
fn over_https_the_cookie_is_bound_to_this_host() {
    let app = TestApp::with(&[("server.public_url", "https://auth.example.com")]);
    let mut browser = app.browser();
    let answer = ask(&mut browser, ANN);
    let cookies = answer.answer.headers("set-cookie");
    let cookie = cookies.iter().find(|cookie| cookie.starts_with("__Host-vestibule_magic=")).expect("a cookie");
    for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=900"] {
        assert!(cookie.contains(part), "{part} is not in {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}
