//! Asking for a link, and what strangers cannot learn or spoil by it.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::{Value, json};

use super::{ANN, answered, ask, asked, by_code, by_link, letters, mailed, shown, who};
use crate::support::people::{code, token_in};
use crate::support::{TestApp, eventually};

/// Where a value that is random stands.
fn without_values(cookies: Vec<&str>) -> Vec<String> {
    let mut shapes: Vec<String> = cookies
        .into_iter()
        .map(|cookie| {
            let (name, rest) = cookie.split_once('=').unwrap();
            let (value, rest) = rest.split_once(';').unwrap();
            format!("{name}={};{rest}", value.len())
        })
        .collect();
    shapes.sort_unstable();
    shapes
}

#[test]
fn an_address_without_an_account_looks_like_one_with_and_gets_no_letter() {
    let app = TestApp::start();
    app.verified(ANN);
    let stranger = "bob@example.com";
    let page = |email: &str| {
        let mut browser = app.browser();
        browser.get("/login");
        let answer = browser.press("Email me a link to sign in", &[("email", email)]);
        let page = browser.follow();
        let wrong = browser.submit("/login/magic-link/code", &[("code", "000000")]);
        (
            answer.status,
            answer.location(),
            page.text().replace(email, "…"),
            wrong.status,
            wrong.text().replace(email, "…"),
        )
    };
    assert_eq!(page(ANN), page(stranger));
    let api = |email: &str| {
        let mut browser = app.browser();
        let answer = ask(&mut browser, email);
        let cookies = without_values(answer.answer.headers("set-cookie"));
        let wrong = by_code(&mut browser, "000000");
        (answer.status, answer.answer.text(), cookies, wrong.status, code(&wrong))
    };
    let (known, unknown) = (api(ANN), api(stranger));
    assert_eq!(known, unknown);
    assert!(known.2.iter().any(|cookie| cookie.starts_with("vestibule_magic=43;")), "{:?}", known.2);
    answered(&app);
    assert_eq!(letters(&app, "magic_link"), 2);
    assert_eq!(app.count("SELECT count(*) AS n FROM mail_outbox WHERE recipient LIKE 'bob%'"), 0);
    let row = "SELECT count(*) AS n FROM magic_links WHERE user_id IS NULL AND attempts = 1 AND expires_at IS NOT NULL";
    assert_eq!(app.count(row), 2, "strangers' requests are kept as long");
}

/// Looking up an account, and writing to it, takes time that a stranger could measure.
#[test]
fn neither_asking_nor_trying_a_code_waits_for_what_depends_on_there_being_an_account() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut before = asked(&app, ANN);
    mailed(&app, ANN);
    // PostgreSQL opens the table that is referred to even for a reference to nothing.
    app.execute("ALTER TABLE magic_links DROP CONSTRAINT magic_links_user_id_fkey");
    let mut other = PgConnection::establish(app.database_url()).unwrap();
    other.batch_execute("BEGIN; LOCK TABLE users, mail_outbox").unwrap();
    asked(&app, ANN);
    asked(&app, "bob@example.com");
    assert_eq!(by_code(&mut before, "000000").status, 401);
    assert_eq!(app.count("SELECT count(*) AS n FROM letter_requests"), 2);
    other.batch_execute("COMMIT").unwrap();
    mailed(&app, ANN);
}

#[test]
fn the_letter_says_who_asked_from_where_and_for_how_long_it_is_good() {
    let app = TestApp::start();
    app.verified(ANN);
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let mut browser = app.browser().with_header("X-Forwarded-For", "203.0.113.9").with_header("User-Agent", firefox);
    ask(&mut browser, "ANN@Example.com");
    let letter = app.mail().to(ANN);
    for part in [letter.text(), letter.html()] {
        for fact in ["15 January 2027, 08:00 UTC", "Firefox on Linux", "203.0.113.9", "Was this not you?", ANN] {
            assert!(part.contains(fact), "{fact} is not in\n{part}");
        }
        assert!(part.contains("within 15 minutes"), "{part}");
    }
    assert!(letter.html().replace("&#x2f;", "/").contains(&format!("href=\"{}\"", letter.link())), "{}", letter.html());
    let page = app.browser().get(&letter.link());
    for fact in ["15 January 2027, 08:00 UTC", "Firefox on Linux", "203.0.113.9", "do not tell it to anybody"] {
        assert!(page.has(fact), "{fact} is not in\n{}", page.text());
    }
    let traced = "SELECT count(*) AS n FROM audit_events WHERE kind = 'magic_link.requested' AND \
                  address = '203.0.113.9' AND user_agent LIKE '%Firefox%' AND subject_id IS NOT NULL";
    assert_eq!(app.count(traced), 1);
}

#[test]
fn one_mailbox_gets_only_so_many_letters_nobody_is_told_and_the_last_one_stays_good() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = app.browser();
    let answers: Vec<u16> = (0..8).map(|_| ask(&mut browser, ANN).status).collect();
    let unknown: Vec<u16> = (0..8).map(|_| ask(&mut app.browser(), "bob@example.com").status).collect();
    assert_eq!((answers, unknown), (vec![202; 8], vec![202; 8]));
    answered(&app);
    let tokens: Vec<String> = (0..letters(&app, "magic_link")).map(|_| mailed(&app, ANN)).collect();
    assert!(tokens.len() <= 5, "{}", tokens.len());
    let works = tokens.iter().filter(|token| by_link(&mut browser, token).status == 200).count();
    assert_eq!(works, 1, "the last that was sent, although more was asked for since");
    app.clock().advance(TimeDelta::hours(2));
    ask(&mut app.browser(), ANN);
    mailed(&app, ANN);
}

#[test]
fn what_strangers_ask_for_leaves_enough_letters_for_a_browser_that_is_known() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.api("POST", "/auth/logout", Value::Null);
    for _ in 0..8 {
        asked(&app, ANN);
    }
    answered(&app);
    let (before, reset) = (letters(&app, "magic_link"), letters(&app, "reset_password"));
    ask(&mut ann, ANN);
    answered(&app);
    assert_eq!((letters(&app, "magic_link"), reset), (before + 1, 0));
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    answered(&app);
    assert_eq!(letters(&app, "reset_password"), 1, "nor is the way to a new password used up");
}

#[test]
fn one_network_asks_for_only_so_many_letters() {
    let app = TestApp::with(&[("limits.login_per_network", "3 per 15m")]);
    let from = |address: &str, n: usize| {
        let mut browser = app.browser().with_header("X-Forwarded-For", address);
        ask(&mut browser, &format!("user{n}@example.com"))
    };
    assert_eq!([0, 1, 2].map(|n| from("2001:db8:1:2::7", n).status), [202; 3]);
    let answer = from("2001:db8:1:2:ffff::9", 3);
    assert_eq!((answer.status, code(&answer).as_str()), (429, "rate_limited"), "IPv6 is counted by its /64");
    assert_eq!(from("203.0.113.9", 3).status, 202, "other networks are not held up");
    let mut browser = app.browser().with_header("X-Forwarded-For", "2001:db8:1:2::7");
    browser.get("/login");
    let page = browser.press("Email me a link to sign in", &[("email", ANN)]);
    assert_eq!(page.status, 429);
    assert!(page.has("Too many attempts. Try again in"), "{}", page.text());
}

#[test]
fn each_request_is_answered_once_by_however_many_nodes() {
    let app = TestApp::start();
    app.verified(ANN);
    app.verified("bob@example.com");
    let _others = [app.again_with(&[]), app.again_with(&[])];
    for _ in 0..4 {
        asked(&app, ANN);
        asked(&app, "bob@example.com");
    }
    answered(&app);
    assert_eq!(letters(&app, "magic_link"), 8);
}

#[test]
fn a_form_from_elsewhere_asks_for_nothing_and_signs_nobody_in() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = app.browser();
    browser.get("/login");
    assert_eq!(browser.cross_site().press("Email me a link to sign in", &[("email", ANN)]).status, 403);
    let sibling = "http://localhost:9999/";
    let answer = browser.standing_on(sibling).api("POST", "/auth/magic-link", json!({ "email": ANN }));
    assert_eq!((answer.status, code(&answer).as_str()), (403, "csrf"));
    assert_eq!(app.count("SELECT count(*) AS n FROM magic_links"), 0);
    let mut browser = asked(&app, ANN);
    let token = mailed(&app, ANN);
    assert_eq!(browser.post("/magic-link", &[("token", token.as_str())]).status, 403, "without a form's token");
    browser.get(&format!("/magic-link?token={token}"));
    assert_eq!(browser.cross_site().submit("/magic-link", &[]).status, 403);
    let answer = browser.standing_on(sibling).api("POST", "/auth/login/magic-link", json!({ "token": token }));
    assert_eq!((answer.status, code(&answer).as_str()), (403, "csrf"));
    assert_eq!(who(&mut browser), None);
    assert_eq!(by_link(&mut browser, &token).status, 200);
}

#[test]
fn neither_the_link_nor_the_code_nor_the_cookie_is_stored() {
    let app = TestApp::start();
    app.verified(ANN);
    let browser = asked(&app, ANN);
    let token = mailed(&app, ANN);
    let code = shown(&app, &token);
    let cookie = browser.jar.find(app.public_url(), "vestibule_magic").expect("a cookie").value.clone();
    let everywhere = "SELECT count(*) AS n FROM magic_links l, mail_outbox m, audit_events a \
                      WHERE (l::text || m.details::text || a.details::text) LIKE '%SECRET%'";
    for secret in [&token, &cookie] {
        assert_eq!(app.count(&everywhere.replace("SECRET", secret)), 0);
    }
    let plain = "SELECT count(*) AS n FROM magic_links WHERE code_digest = sha256('CODE') OR code_digest = 'CODE'";
    assert_eq!(app.count(&plain.replace("CODE", &code)), 0, "six digits are soon tried out");
}

#[test]
fn whoever_types_no_address_is_told_so_and_whoever_does_finds_it_again() {
    let app = TestApp::start();
    let mut browser = app.browser();
    browser.get("/login?return_to=%2Faccount%2Fsessions");
    let page = browser.press("Email me a link to sign in", &[("email", "no address")]);
    assert_eq!(page.status, 422);
    assert!(page.title().starts_with("Error: ") && page.field_error("email").is_some(), "{}", page.text());
    let page = browser.press("Email me a link to sign in", &[("email", ANN), ("remember", "true")]);
    assert_eq!((page.status, page.location().unwrap().query()), (303, None), "{}", page.text());
    let page = browser.follow();
    assert!(page.has("If there is an account for ann@example.com, a letter is on its way there."), "{}", page.text());
    assert_eq!(browser.press("Send another", &[]).status, 303, "without typing it again");
    assert_eq!(app.count("SELECT count(*) AS n FROM magic_links WHERE remember"), 1);
    let answer = app.browser().api("POST", "/auth/magic-link", json!({ "email": "no address" }));
    assert!(answer.json::<Value>()["fields"]["email"].is_string());
}

#[test]
fn a_link_asked_for_while_the_mail_server_is_down_works_when_it_is_back_in_time() {
    let app = TestApp::start();
    app.verified(ANN);
    app.mail().stop();
    let mut browser = asked(&app, ANN);
    let tried = "SELECT count(*) AS n FROM mail_outbox WHERE letter = 'magic_link' AND last_error IS NOT NULL";
    eventually("an attempt that failed", || (app.count(tried) == 1).then_some(()));
    app.mail().resume();
    app.clock().advance(TimeDelta::minutes(5));
    let letter = app.mail().to(ANN);
    assert!(letter.text().contains("within 10 minutes"), "{}", letter.text());
    assert_eq!(by_link(&mut browser, &token_in(&letter.link())).status, 200);
}

#[test]
fn a_link_that_runs_out_before_it_can_be_sent_is_not_sent() {
    let app = TestApp::start();
    app.verified(ANN);
    app.mail().stop();
    asked(&app, ANN);
    let tried = "SELECT count(*) AS n FROM mail_outbox WHERE letter = 'magic_link' AND last_error IS NOT NULL";
    eventually("an attempt that failed", || (app.count(tried) == 1).then_some(()));
    app.mail().resume();
    app.clock().advance(TimeDelta::minutes(16));
    let given_up = "SELECT count(*) AS n FROM mail_outbox WHERE letter = 'magic_link' AND gave_up_at IS NOT NULL";
    eventually("it to be given up", || (app.count(given_up) == 1).then_some(()));
    asked(&app, ANN);
    mailed(&app, ANN);
}

#[test]
fn what_is_too_large_or_not_as_expected_is_refused() {
    let app = TestApp::start();
    app.verified(ANN);
    let mut browser = asked(&app, ANN);
    let token = mailed(&app, ANN);
    let long = "x".repeat(10_000_000);
    for (path, field) in
        [("/auth/magic-link", "email"), ("/auth/magic-link/code", "token"), ("/auth/login/magic-link", "code")]
    {
        let answer = browser.api("POST", path, json!({ field: long }));
        assert_eq!((answer.status, code(&answer).as_str()), (413, "too_large"), "{path}");
        assert_eq!(code(&browser.api("POST", path, json!({ field: 7 }))), "invalid_request", "{path}");
    }
    for body in [json!({}), json!({ "token": token, "code": "000000" })] {
        let answer = browser.api("POST", "/auth/login/magic-link", body);
        assert_eq!((answer.status, code(&answer).as_str()), (400, "invalid_request"));
    }
    for strange in ["", "x", &"A".repeat(43), "' OR 1=1 --"] {
        assert_eq!(by_link(&mut browser, strange).status, 410, "{strange}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM magic_links WHERE attempts = 0"), 1, "none of it was a try");
    assert_eq!(by_link(&mut browser, &token).status, 200);
}
