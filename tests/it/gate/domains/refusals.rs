//! Ways that do not lead in.

use std::thread;

use serde_json::json;
use url::Url;

use super::traveller::Traveller;
use super::two_domains;
use crate::gate::house::{DOORS, Door, GATE_COOKIE, Person, Question, house_with};
use crate::gate::weather::close_database;
use crate::support::app::TestApp;
use crate::support::jar::Sender;
use crate::support::page::Page;
use crate::support::raw;

const PLACE: &str = "https://app.other.org/x";

fn traveller<'a>(app: &'a TestApp, email: &str) -> Traveller<'a> {
    Traveller::with(app, Door::ForwardAuth, Person::of_the_house(app, email).browser)
}

/// Says why not, sets no gate cookie, and offers a way to begin again at the same host.
fn assert_refused(page: &Page, status: u16, words: &str) {
    assert_eq!(page.status, status, "{}", page.text());
    assert!(page.has(words), "{words:?} is not in {:?}", page.text());
    let set = page.answer.headers("set-cookie");
    assert!(set.iter().all(|cookie| !cookie.starts_with(GATE_COOKIE)), "{set:?}");
    let again = page.link("Start again").expect("a way to begin again");
    assert_eq!((again.host_str(), again.path()), (page.url.host_str(), "/.vestibule/start"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
}

#[test]
fn a_code_works_once() {
    let app = two_domains();
    let mut ann = traveller(&app, "ann@example.com");
    let code = ann.with_code(PLACE);
    let before = ann.browser.jar.clone();
    assert_eq!(ann.browser.get(&code).location().expect("the app").as_str(), PLACE);
    // With what the browser had when it came the first time.
    ann.browser.jar = before;
    assert_refused(&ann.browser.get(&code), 410, "This link is used up");
    assert_eq!(app.count("SELECT count(*) AS n FROM gate_tokens WHERE host <> ''"), 1);
    // Beginning again leads in.
    let page = ann.browser.click("Start again");
    assert_eq!(ann.go_on(page).app(), "https://app.other.org/");
}

#[test]
fn of_two_that_come_with_a_code_at_the_same_time_one_is_let_in() {
    let app = two_domains();
    let mut ann = traveller(&app, "ann@example.com");
    for _ in 0..4 {
        ann.browser.jar.remove(GATE_COOKIE);
        let url = Url::parse(&ann.with_code(PLACE)).expect("a URL");
        let cookies = ann.browser.jar.header(&url, Sender::CrossSiteLink).expect("a binding");
        let target = &url[url::Position::BeforePath..];
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: app.other.org\r\nX-Forwarded-Proto: https\r\nAccept: text/html\r\n\
             Cookie: {cookies}\r\nConnection: close\r\n\r\n"
        );
        let mut statuses: Vec<u16> = thread::scope(|scope| {
            let both = [(); 2].map(|()| scope.spawn(|| raw::send(app.port(), &request).status));
            both.map(|one| one.join().expect("an answer")).into()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 410]);
    }
}

#[test]
fn a_code_is_worthless_in_another_browser_and_used_up_by_the_attempt() {
    let app = two_domains();
    let mut ann = traveller(&app, "ann@example.com");
    let mut thief = Traveller::new(&app, Door::ForwardAuth);
    let code = ann.with_code(PLACE);
    assert_refused(&thief.browser.get(&code), 403, "Your browser keeps no cookie here");
    assert_refused(&ann.browser.get(&code), 410, "This link is used up");
    // One that has begun there itself.
    let code = ann.with_code(PLACE);
    let to_start = thief.knock(PLACE).header("location").expect("a way").to_owned();
    thief.browser.get(&to_start);
    assert_refused(&thief.browser.get(&code), 403, "This was begun in another browser");
    assert_eq!(app.count("SELECT count(*) AS n FROM gate_tokens WHERE host <> ''"), 0);
}

#[test]
fn nobody_is_signed_in_as_a_stranger_by_the_strangers_link() {
    let app = two_domains();
    let mut ann = traveller(&app, "ann@example.com");
    let mut mallory = traveller(&app, "mallory@example.com");
    ann.go(PLACE).app();
    let own = ann.gate_token("app.other.org");
    let code = mallory.with_code(PLACE);
    assert_refused(&ann.browser.cross_site().get(&code), 403, "Your browser keeps no cookie here");
    assert_eq!(ann.gate_token("app.other.org"), own);
    assert_eq!(ann.knock(PLACE).header("remote-email"), Some("ann@example.com"));
    ann.browser.jar.remove(GATE_COOKIE);
    // Nor by sending them to the portal with what the stranger's browser has: the code goes to theirs.
    let to_start = mallory.knock(PLACE).header("location").expect("a way").to_owned();
    mallory.browser.jar.remove(GATE_COOKIE);
    let portal = mallory.browser.get(&to_start).location().expect("the portal");
    let code = ann.browser.cross_site().get(portal.as_str()).location().expect("a code");
    assert_refused(&ann.browser.get(code.as_str()), 403, "Your browser keeps no cookie here");
    assert_refused(&mallory.browser.get(code.as_str()), 410, "This link is used up");
}

/// A comma in the value of a cookie that it may set is no way around the prefix that it may not.
#[test]
fn a_sibling_host_puts_no_binding_into_anybodys_browser() {
    let app = two_domains();
    let mut mallory = traveller(&app, "mallory@example.com");
    mallory.with_code(PLACE);
    let place = Url::parse(PLACE).expect("a URL");
    let binding = mallory.browser.jar.header(&place, Sender::CrossSiteLink).expect("a binding");
    assert!(binding.starts_with("__Host-vestibule_hand_over_"), "{binding}");
    let sibling = Url::parse("https://evil.other.org/").expect("a URL");
    for (pair, is_kept) in
        [(binding.clone(), false), (format!("x=a,{binding}"), true), (format!("x=a, {binding}"), true)]
    {
        let mut bob = Traveller::new(&app, Door::ForwardAuth);
        bob.browser.jar.store(&sibling, &format!("{pair}; Domain=other.org; Path=/; Secure"));
        assert_eq!(bob.browser.jar.header(&place, Sender::CrossSiteLink).is_some(), is_kept, "{pair}");
        // Of the very browser whose binding it is, which has not come in meanwhile.
        let page = bob.browser.cross_site().get(&mallory.with_code(PLACE));
        assert_refused(&page, 403, "Your browser keeps no cookie here");
        assert_eq!(app.count("SELECT count(*) AS n FROM gate_tokens WHERE host <> ''"), 0, "{pair}");
    }
}

#[test]
fn a_code_that_comes_late_is_refused_and_forgotten_by_and_by() {
    let app = two_domains();
    let mut ann = traveller(&app, "ann@example.com");
    let [late, forgotten] = [ann.with_code(PLACE), ann.with_code(PLACE)];
    app.clock().advance(chrono::TimeDelta::seconds(60));
    assert_refused(&ann.browser.get(&late), 410, "This link is used up");
    assert_eq!(app.count("SELECT count(*) AS n FROM hand_overs"), 1);
    app.run_job("sweep_sessions");
    assert_eq!(app.count("SELECT count(*) AS n FROM hand_overs"), 0);
    assert_refused(&ann.browser.get(&forgotten), 410, "This link is used up");
}

#[test]
fn a_code_is_worthless_at_another_host() {
    let app = two_domains();
    let mut ann = traveller(&app, "ann@example.com");
    let to_start = ann.knock("https://evil.other.org/").header("location").expect("a way").to_owned();
    ann.browser.get(&to_start);
    let code = ann.with_code(PLACE).replace("app.other.org", "evil.other.org");
    assert_refused(&ann.browser.get(&code), 403, "This was begun in another browser");
}

#[test]
fn a_session_that_ends_on_the_way_does_not_arrive() {
    let app = two_domains();
    let ends = [
        "DELETE FROM sessions",
        "UPDATE sessions SET expires_at = created_at + interval '1 second'",
        "UPDATE sessions SET rotation_due = true",
        "UPDATE users SET disabled_at = now()",
    ];
    for (number, end) in ends.into_iter().enumerate() {
        let mut ann = traveller(&app, &format!("ann{number}@example.com"));
        app.clock().advance(chrono::TimeDelta::seconds(2));
        let code = ann.with_code(PLACE);
        app.execute(end);
        let page = ann.browser.get(&code);
        let (status, words) = if number == 0 { (410, "This link is used up") } else { (403, "You are signed out") };
        assert_refused(&page, status, words);
        assert_eq!(app.count("SELECT count(*) AS n FROM gate_tokens WHERE host <> ''"), 0, "{end}");
        app.execute("DELETE FROM sessions");
    }
}

#[test]
fn a_browser_that_keeps_no_cookies_at_the_app_is_told_so_and_goes_round_no_more() {
    let app = two_domains();
    let mut ann = traveller(&app, "ann@example.com");
    let code = ann.with_code(PLACE);
    ann.browser.jar = Person::who_is(app.log_in("ann@example.com", crate::support::people::PASSWORD).0).browser.jar;
    let page = ann.browser.get(&code);
    assert_refused(&page, 403, "Your browser keeps no cookie here");
    assert!(page.has("allow cookies for app.other.org"), "{}", page.text());
}

/// A proxy that keeps the cookie to itself would send people round and round.
#[test]
fn a_gate_that_is_not_shown_the_cookie_sends_nobody_round_and_round() {
    let app = two_domains();
    let mut ann = traveller(&app, "ann@example.com");
    ann.go(PLACE).app();
    let page = ann.browser.get(&format!("{}?return_to={PLACE}", "https://app.other.org/.vestibule/start"));
    assert_eq!((page.status, page.has("You are signed in here")), (200, true), "{}", page.text());
    assert_eq!(page.link("Go on").expect("a link").as_str(), PLACE);
    let page = ann.browser.click("Sign in here anew");
    assert_eq!(ann.go_on(page).app(), PLACE);
}

#[test]
fn a_proxy_that_does_not_route_the_way_sends_nobody_round_and_round() {
    let app = two_domains();
    for door in DOORS {
        let way = format!("https://app.other.org/.vestibule/start?return_to={PLACE}");
        let answer = Question::about(door, &way).in_a_browser().ask(&app);
        assert_eq!((answer.status, answer.header("location")), (403, None), "{door:?}");
        assert!(answer.text().contains("does not send"), "{door:?}: {}", answer.text());
    }
}

#[test]
fn nobody_is_led_to_another_place_than_the_app_they_came_from() {
    let app = two_domains();
    let mut ann = traveller(&app, "ann@example.com");
    for to in [
        "https://evil.test/",
        "//evil.test/",
        "https://app.example.com/",
        "https://b.other.org/",
        "https://app.other.org:8443/",
        "http://app.other.org/",
        "https://app.other.org@evil.test/",
        "https://app.other.org/.vestibule/start",
        "https://auth.example.com/",
        "/account",
        "javascript:alert(1)",
        "",
    ] {
        let to: String = url::form_urlencoded::byte_serialize(to.as_bytes()).collect();
        let page = ann.browser.get(&format!("https://app.other.org/.vestibule/start?return_to={to}"));
        assert_eq!((page.status, page.location()), (400, None), "{to}: {}", page.text());
    }
    let binding = "A".repeat(43);
    for to in ["https://evil.test/", "https://app.example.com/", "https://auth.example.com/", "/account", ""] {
        let page = ann.browser.get(&format!("/hand-over?return_to={to}&binding={binding}"));
        assert_eq!((page.status, page.location()), (400, None), "{to}: {}", page.text());
    }
    for binding in ["", "A", &"A".repeat(44), &"ü".repeat(20)] {
        let page = ann.browser.get(&format!("/hand-over?return_to={PLACE}&binding={binding}"));
        assert_eq!(page.status, 400, "{binding}: {}", page.text());
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM hand_overs"), 0);
}

fn ask(app: &TestApp, start: &str, host: &str) -> raw::Answer {
    let request = format!("{start} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n");
    raw::send(app.port(), request)
}

#[test]
fn only_hosts_under_a_domain_that_is_handed_over_have_these_addresses() {
    let app = two_domains();
    for target in ["/.vestibule/start", "/.vestibule/finish?code=x"] {
        let statuses = |hosts: &[&str]| -> Vec<u16> {
            hosts.iter().map(|host| ask(&app, &format!("GET {target}"), host).status).collect()
        };
        assert_eq!(statuses(&["auth.example.com", "app.example.com", "127.0.0.1", "other.org.evil.test"]), [404; 4]);
        assert_eq!(statuses(&["", "a b", "app.other.org/x", "[::1"]), [400; 4]);
        let there = if target.contains("start") { 303 } else { 410 };
        assert_eq!(statuses(&["app.other.org", "APP.Other.Org", "app.other.org:8443", "other.org"]), [there; 4]);
        assert_eq!(ask(&app, &format!("POST {target}"), "app.other.org").status, 405);
    }
    for target in ["/.vestibule", "/.vestibule/", "/.vestibule/../login", "/.vestibule/%2e%2e/login", "/.vestibule/x"] {
        assert_eq!(ask(&app, &format!("GET {target}"), "app.other.org").status, 404, "{target}");
    }
    let stranger = house_with(&[super::SETTINGS[0], super::SETTINGS[1], ("server.trusted_proxies", "192.0.2.1")]);
    for target in ["/.vestibule/start", "/.vestibule/finish?code=x"] {
        assert_eq!(ask(&stranger, &format!("GET {target}"), "app.other.org").status, 403, "{target}");
    }
}

#[test]
fn asking_about_the_address_uses_no_code_up() {
    let app = two_domains();
    let mut ann = traveller(&app, "ann@example.com");
    let code = ann.with_code(PLACE);
    let target = code.strip_prefix("https://app.other.org").expect("a path");
    assert_eq!(ask(&app, &format!("HEAD {target}"), "app.other.org").status, 405);
    assert_eq!(ann.browser.get(&code).location().expect("the app").as_str(), PLACE);
}

#[test]
fn an_address_that_is_too_long_leads_to_the_apps_first_page() {
    let app = two_domains();
    app.verified("ann@example.com");
    let mut ann = Traveller::new(&app, Door::ForwardAuth);
    ann.go(&format!("https://app.other.org/x?{}", "%2F".repeat(300))).page();
    assert_eq!(ann.sign_in("ann@example.com").app(), "https://app.other.org/");
    let grows: String = url::form_urlencoded::byte_serialize("ü".repeat(900).as_bytes()).collect();
    let page = ann.browser.get(&format!("/hand-over?return_to={PLACE}{grows}&binding={}", "A".repeat(43)));
    assert_eq!(page.status, 400, "{}", page.text());
    let huge = format!("GET /.vestibule/start?return_to={PLACE}{} HTTP/1.1", "x".repeat(20_000));
    assert_eq!(ask(&app, huge.trim_end_matches(" HTTP/1.1"), "app.other.org").status, 400);
    let sent = ann.browser.post("https://app.other.org/.vestibule/start", &[("x", &"x".repeat(10_000_000))]);
    assert!([405, 413].contains(&sent.status), "{}", sent.status);
}

#[test]
fn what_is_under_way_is_bounded() {
    let app = two_domains();
    let mut ann = traveller(&app, "ann@example.com");
    let portal = {
        let to_start = ann.knock(PLACE).header("location").expect("a way").to_owned();
        ann.browser.get(&to_start).location().expect("the portal")
    };
    for _ in 0..70 {
        assert_eq!(ann.browser.get(portal.as_str()).status, 303);
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM hand_overs"), 64);
    assert_eq!(ann.browser.api("POST", "/auth/logout", json!(null)).status, 204);
    assert_eq!(app.count("SELECT count(*) AS n FROM hand_overs"), 0);
}

#[test]
fn without_a_database_somebody_can_begin_and_nobody_arrives() {
    let app = two_domains();
    let mut ann = traveller(&app, "ann@example.com");
    let code = ann.with_code(PLACE);
    close_database(&app);
    let mut bob = Traveller::new(&app, Door::ForwardAuth);
    let way = bob.knock(PLACE).header("location").expect("a way").to_owned();
    assert_eq!(bob.browser.get(&way).status, 303);
    let page = ann.browser.get(&code);
    assert_eq!((page.status, page.answer.headers("set-cookie").len()), (503, 0), "{}", page.text());
}
