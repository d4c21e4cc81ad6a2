//! Signing in from where one never did: the letter, and the page on which it is undone.

use std::sync::Barrier;

use chrono::TimeDelta;
use serde_json::{Value, json};
use vestibule::db;
use vestibule::kernel::{EmailAddress, Origin, Redacted};
use vestibule::sessions::{self, Remember};
use vestibule::signin::password::{Attempt, try_password};

use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::PASSWORD;

const ANN: &str = "ann@example.com";
const HOME: &str = "203.0.113.1";
const ELSEWHERE: &str = "198.51.100.7";

/// Signs in with the right password from this address, which a proxy of ours tells.
fn come_from(app: &TestApp, address: &str) -> (Browser, Page) {
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let browser = app.browser().with_header("X-Forwarded-For", address);
    let mut browser = browser.with_header("User-Agent", firefox);
    let answer = browser.api("POST", "/auth/login", json!({ "email": ANN, "password": PASSWORD }));
    (browser, answer)
}

/// Somebody with a proved address who has been home once.
fn at_home() -> TestApp {
    at_home_with(&[])
}

fn at_home_with(settings: &[(&str, &str)]) -> TestApp {
    let app = TestApp::with(settings);
    let mut browser = app.signed_up(ANN);
    assert_eq!(app.follow_the_letter(&mut browser, ANN).status, 303);
    let (_, answer) = come_from(&app, HOME);
    assert_eq!(answer.status, 200);
    app
}

fn letters(app: &TestApp) -> i64 {
    app.count("SELECT count(*) AS n FROM mail_outbox WHERE letter = 'new_place'")
}

fn news(app: &TestApp) -> i64 {
    app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'place.new'")
}

fn is_in(browser: &mut Browser) -> bool {
    match browser.api("GET", "/me", Value::Null).status {
        200 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

#[test]
fn a_sign_in_from_a_new_place_is_told_of_by_a_letter() {
    let app = at_home();
    let (_, answer) = come_from(&app, ELSEWHERE);
    assert_eq!(answer.status, 200);
    let letter = app.mail().to(ANN);
    assert!(letter.subject().starts_with("New sign-in to your account at "), "{}", letter.subject());
    for part in [letter.text(), letter.html()] {
        for told in ["Firefox on Linux", ELSEWHERE, "15 January 2027, 08:00 UTC", "7 days", "not-me?token="] {
            assert!(part.contains(told), "{told} is not in {part}");
        }
        assert!(!part.contains(HOME));
    }
    assert!(letter.link().starts_with(&format!("{}not-me?token=", app.public_url())));
    let audited = "SELECT host(address) || ' ' || (details->>'letter') AS t FROM audit_events WHERE kind = 'place.new'";
    assert_eq!(app.text(audited), format!("{ELSEWHERE} queued"));
}

#[test]
fn the_first_place_is_not_news() {
    let app = at_home();
    assert_eq!((letters(&app), news(&app)), (0, 0));
    assert_eq!(app.count("SELECT count(*) AS n FROM places"), 1);
}

#[test]
fn a_place_is_told_of_once() {
    let app = at_home();
    for address in [ELSEWHERE, HOME, ELSEWHERE, "::ffff:198.51.100.7", HOME] {
        assert_eq!(come_from(&app, address).1.status, 200);
    }
    assert_eq!((letters(&app), news(&app)), (1, 1));
    for address in ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2:3:4:5:6"] {
        assert_eq!(come_from(&app, address).1.status, 200);
    }
    assert_eq!((letters(&app), news(&app)), (2, 2), "one network of a customer is one place");
    come_from(&app, "2001:db8:1:3::1");
    assert_eq!((letters(&app), news(&app)), (3, 3));
}

#[test]
fn two_sign_ins_at_once_from_a_new_place_are_told_of_once() {
    let app = at_home_with(&[("limits.login_per_account", "100 per 15m")]);
    let other = app.again_with(&[("limits.login_per_account", "100 per 15m")]);
    let start = Barrier::new(6);
    std::thread::scope(|scope| {
        for node in [&app, &other, &app, &other, &app, &other] {
            scope.spawn(|| {
                start.wait();
                assert_eq!(come_from(node, ELSEWHERE).1.status, 200);
            });
        }
    });
    assert_eq!((letters(&app), news(&app)), (1, 1));
}

#[test]
fn a_place_is_remembered_when_its_sessions_are_gone() {
    let app = at_home();
    come_from(&app, ELSEWHERE);
    app.execute("DELETE FROM sessions");
    app.clock().advance(TimeDelta::days(179));
    for address in [HOME, ELSEWHERE] {
        assert_eq!(come_from(&app, address).1.status, 200);
    }
    assert_eq!((letters(&app), news(&app)), (1, 1));
}

#[test]
fn a_place_not_seen_for_180_days_is_news_again() {
    let app = at_home();
    come_from(&app, ELSEWHERE);
    app.clock().advance(TimeDelta::days(100));
    come_from(&app, HOME);
    app.clock().advance(TimeDelta::days(80));
    come_from(&app, HOME);
    assert_eq!(news(&app), 1, "home was seen in between");
    come_from(&app, ELSEWHERE);
    assert_eq!((letters(&app), news(&app)), (2, 2));
    come_from(&app, ELSEWHERE);
    assert_eq!(news(&app), 2);
}

/// An account that slept for half a year and wakes up: its owner wants to hear of that, from wherever it is.
#[test]
fn whoever_comes_back_after_all_places_were_forgotten_is_told() {
    let app = at_home();
    app.clock().advance(TimeDelta::days(180));
    app.execute("DELETE FROM places");
    come_from(&app, ELSEWHERE);
    assert_eq!((letters(&app), news(&app)), (1, 1));
}

#[test]
fn nobody_can_make_up_where_they_are() {
    let app = at_home_with(&[("server.trusted_proxies", "192.0.2.1/32")]);
    come_from(&app, ELSEWHERE);
    assert_eq!(app.text("SELECT string_agg(host(network), ' ') AS t FROM places"), "127.0.0.1");
    assert_eq!(news(&app), 0);

    let app = at_home();
    come_from(&app, &format!("192.0.2.99, {HOME}"));
    assert_eq!(news(&app), 0, "what stands left of the proxy's word is the visitor's own");
}

/// Whoever has not proved the address may be using somebody else's, who is to learn nothing of them.
#[test]
fn an_address_that_is_not_proved_gets_no_letter() {
    let app = TestApp::start();
    app.signed_up(ANN);
    come_from(&app, HOME);
    assert_eq!(come_from(&app, ELSEWHERE).1.status, 200);
    assert_eq!((letters(&app), news(&app)), (0, 1));
    assert_eq!(
        app.text("SELECT details->>'letter' AS t FROM audit_events WHERE kind = 'place.new'"),
        "address_unproved"
    );
}

/// Somebody signed up with another's address and was somewhere: that is no place of the one who then proves it.
#[test]
fn whoever_held_an_account_before_its_owner_leaves_no_place_behind() {
    let app = TestApp::start();
    app.signed_up(ANN);
    come_from(&app, ELSEWHERE);
    let mut owner = app.browser();
    owner.get(&app.mail().to(ANN).link());
    assert_eq!(owner.submit("/verify-email", &[("password", "seven quiet herons")]).status, 303);
    let come = |address: &str| {
        let mut browser = app.browser().with_header("X-Forwarded-For", address);
        browser.api("POST", "/auth/login", json!({ "email": ANN, "password": "seven quiet herons" })).status
    };
    assert_eq!(come(HOME), 200);
    assert_eq!(news(&app), 0, "their own first place");
    assert_eq!(come(ELSEWHERE), 200);
    assert_eq!((letters(&app), news(&app)), (1, 1), "where the other one was");
}

#[test]
fn many_new_places_do_not_flood_a_mailbox_nor_keep_anybody_out() {
    let app = at_home();
    for n in 1..=12 {
        assert_eq!(come_from(&app, &format!("198.51.100.{n}")).1.status, 200);
    }
    assert_eq!((letters(&app), news(&app)), (5, 12));
    app.clock().advance(TimeDelta::hours(2));
    come_from(&app, "198.51.100.1");
    assert_eq!((letters(&app), news(&app)), (5, 12), "that one was told of");
    come_from(&app, "198.51.100.12");
    assert_eq!((letters(&app), news(&app)), (6, 13), "this one was not, and comes again");
    come_from(&app, "198.51.100.12");
    assert_eq!((letters(&app), news(&app)), (6, 13));
    // The letters that the owner asks for are counted apart.
    let mut browser = app.browser();
    browser.get("/forgot-password");
    browser.submit("/forgot-password", &[("email", ANN)]);
    let asked_for = |letter: &crate::support::smtp::Letter| letter.link().contains("/reset-password");
    assert!((0..7).any(|_| asked_for(&app.mail().to(ANN))));
}

#[test]
fn a_sign_in_from_nowhere_that_is_known_is_no_place() {
    let app = at_home();
    let attempt = Attempt {
        email: EmailAddress::parse(ANN).unwrap(),
        password: Redacted::new(PASSWORD.to_owned()),
        remember: Remember::No,
        held: vestibule::signin::Held::default(),
    };
    actix_web::rt::System::new().block_on(try_password(&app.app, &Origin::system("a test"), attempt)).unwrap();
    assert_eq!(app.count("SELECT count(*) AS n FROM places"), 1);
    assert_eq!(news(&app), 0);
}

/// The letter is a row, and the mail server is nobody's concern at the door.
#[test]
fn a_letter_that_cannot_be_sent_keeps_nobody_out() {
    let app = at_home();
    app.mail().stop();
    let (mut browser, answer) = come_from(&app, ELSEWHERE);
    assert_eq!(answer.status, 200);
    assert!(is_in(&mut browser));
    assert_eq!(letters(&app), 1);
}

#[test]
fn looking_at_the_link_ends_nothing_and_its_button_ends_that_session_alone() {
    let app = at_home();
    let (mut home, _) = come_from(&app, HOME);
    let (mut stranger, _) = come_from(&app, ELSEWHERE);
    let link = app.mail().to(ANN).link();
    let mut owner = app.browser();
    for _ in 0..3 {
        let page = owner.get(&link);
        assert_eq!((page.status, page.header("referrer-policy")), (200, Some("no-referrer")));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        for told in ["Was this not you?", "still signed in", "Firefox on Linux", ELSEWHERE, "08:00 UTC"] {
            assert!(page.has(told), "{told} is not in {}", page.text());
        }
    }
    assert!(is_in(&mut stranger));

    assert_eq!(owner.submit("/not-me", &[]).status, 303);
    let page = owner.follow();
    assert!(page.has("That browser is signed out") && page.has(ANN), "{}", page.text());
    assert!(!is_in(&mut stranger));
    assert!(is_in(&mut home), "the others stay");
    assert_eq!(app.text("SELECT reason AS t FROM ended_sessions"), "signed_out_elsewhere");
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'place.disowned'"), 1);
}

#[test]
fn the_link_works_again_and_says_that_it_is_done() {
    let app = at_home();
    come_from(&app, ELSEWHERE);
    let link = app.mail().to(ANN).link();
    let mut owner = app.browser();
    for _ in 0..2 {
        let token = link.split("token=").nth(1).unwrap();
        let page = owner.get(&link);
        let csrf = page.form("/not-me").unwrap().fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
        let answer = owner.post("/not-me", &[("csrf", &csrf), ("token", token), ("reach", "there")]);
        assert_eq!(answer.status, 303);
        assert!(owner.follow().has("That browser is signed out"));
    }
    let page = owner.get(&link);
    assert!(page.has("Already signed out") && page.has("Choose a new password"), "{}", page.text());
}

#[test]
fn the_link_finds_a_session_that_was_rotated_since() {
    let app = at_home();
    let (mut stranger, _) = come_from(&app, ELSEWHERE);
    let link = app.mail().to(ANN).link();
    let cookie = stranger.jar.find(app.public_url(), "vestibule_session").unwrap().value.clone();
    let token = vestibule::kernel::Token::parse(&cookie[cookie.len() - 43..]).unwrap();
    let rules = app.app.settings.session.clone();
    let origin = Origin::system("a test");
    let rotate = app.app.db.write::<_, db::Error, _>(&origin, move |tx| sessions::rotate(tx, &rules, &token));
    let rotated = actix_web::rt::System::new().block_on(rotate).unwrap().expect("a session to rotate");
    let fresh = cookie.replace(&cookie[cookie.len() - 43..], &rotated.token.expose());
    assert_eq!(fresh.len(), cookie.len());
    let held = || app.count(&format!("SELECT count(*) AS n FROM sessions WHERE id = '{}'", rotated.id));
    assert_eq!(held(), 1);
    let mut owner = app.browser();
    owner.get(&link);
    owner.submit("/not-me", &[]);
    assert_eq!(held(), 0);
    assert!(!is_in(&mut stranger));
}

/// A second sign-in from a place is not told of, so the first one's letter has to reach it.
#[test]
fn signing_in_again_from_there_does_not_get_away_from_the_link() {
    let app = at_home();
    let (mut home, _) = come_from(&app, HOME);
    let (mut stranger, _) = come_from(&app, ELSEWHERE);
    stranger.api("POST", "/auth/logout", Value::Null);
    app.clock().advance(TimeDelta::minutes(1));
    let (mut again, _) = come_from(&app, ELSEWHERE);
    assert_eq!(letters(&app), 1);
    let mut owner = app.browser();
    assert!(owner.get(&app.mail().to(ANN).link()).has("still signed in"));
    owner.submit("/not-me", &[]);
    assert!(!is_in(&mut again));
    assert!(is_in(&mut home));
}

#[test]
fn whoever_comes_back_to_a_disowned_place_is_told_of_again() {
    let app = at_home();
    come_from(&app, ELSEWHERE);
    let mut owner = app.browser();
    owner.get(&app.mail().to(ANN).link());
    owner.submit("/not-me", &[]);
    come_from(&app, ELSEWHERE);
    assert_eq!((letters(&app), news(&app)), (2, 2));
}

#[test]
fn all_devices_can_be_signed_out_by_the_link() {
    let app = at_home();
    let browsers = [HOME, HOME, ELSEWHERE].map(|address| come_from(&app, address).0);
    let mut owner = browsers[0].clone();
    owner.get(&app.mail().to(ANN).link());
    // The second form of the page.
    let csrf = owner.get(&owner_page(&app)).form("/not-me").unwrap().fields;
    let field = |name: &str| csrf.iter().find(|(field, _)| field == name).unwrap().1.clone();
    let answer =
        owner.post("/not-me", &[("csrf", &field("csrf")), ("token", &field("token")), ("reach", "everywhere")]);
    assert_eq!(answer.status, 303);
    assert!(owner.follow().has("All your devices are signed out"));
    for mut browser in browsers {
        assert!(!is_in(&mut browser));
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), 0);
}

fn owner_page(app: &TestApp) -> String {
    let letters = app.mail().all();
    letters.iter().rev().find(|letter| letter.link().contains("/not-me")).expect("a letter").link()
}

#[test]
fn the_page_sends_a_link_for_a_new_password_to_the_owner() {
    let app = at_home();
    come_from(&app, ELSEWHERE);
    let mut owner = app.browser();
    owner.get(&app.mail().to(ANN).link());
    owner.submit("/not-me", &[]);
    owner.follow();
    assert_eq!(owner.submit("/forgot-password", &[]).status, 303);
    let letter = app.mail().to(ANN);
    assert!(letter.link().contains("/reset-password?token="), "{}", letter.text());
    owner.get(&letter.link());
    assert_eq!(owner.submit("/reset-password", &[("new_password", "seven quiet herons")]).status, 303);
    assert_eq!(come_from(&app, ELSEWHERE).1.status, 401, "the stranger's password is worth nothing");
}

#[test]
fn a_link_is_too_old_after_seven_days_and_says_so() {
    let app = at_home();
    come_from(&app, ELSEWHERE);
    let link = app.mail().to(ANN).link();
    let mut owner = app.browser();
    app.clock().advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    assert_eq!(owner.get(&link).status, 200);
    app.clock().advance(TimeDelta::seconds(1));
    let sessions = app.count("SELECT count(*) AS n FROM sessions");
    let page = owner.submit("/not-me", &[]);
    assert_eq!((page.status, page.has("This link is too old")), (410, true));
    let page = owner.get(&link);
    assert_eq!((page.status, page.header("referrer-policy")), (410, Some("no-referrer")));
    assert!(page.has("choose a new password"), "{}", page.text());
    assert_eq!(app.count("SELECT count(*) AS n FROM sessions"), sessions);
}

#[test]
fn a_link_of_another_person_or_kind_opens_nothing() {
    let app = at_home();
    let (mut stranger, _) = come_from(&app, ELSEWHERE);
    let link = app.mail().to(ANN).link();
    let token = link.split("token=").nth(1).unwrap();
    let mut browser = app.browser();
    for page in ["/verify-email", "/reset-password"] {
        assert_eq!(browser.get(&format!("{page}?token={token}")).status, 410, "{page}");
    }
    browser.get(&link);
    let page = browser.cross_site().submit("/not-me", &[]);
    assert_eq!(page.status, 403);
    let page = browser.post("/not-me", &[("token", token), ("reach", "everywhere")]);
    assert_eq!(page.status, 403, "no page of ours has asked for it");
    browser.get(&link);
    assert_eq!(browser.submit("/not-me", &[("reach", "nonsense")]).status, 400);
    assert!(is_in(&mut stranger));
}

#[test]
fn the_link_is_stored_as_a_digest_and_erased_from_the_letter() {
    let app = at_home();
    come_from(&app, ELSEWHERE);
    let link = app.mail().to(ANN).link();
    let token = link.split("token=").nth(1).unwrap();
    let rows =
        format!("SELECT count(*) AS n FROM not_me_links l, mail_outbox m WHERE (l::text || m::text) LIKE '%{token}%'");
    assert_eq!(app.count(&rows), 0);
    crate::support::eventually("the secret to be erased", || {
        (app.count("SELECT count(*) AS n FROM mail_outbox WHERE sealed IS NOT NULL") == 0).then_some(())
    });
}
