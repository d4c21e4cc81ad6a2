//! Where somebody is led back to, and where nobody is ever led.

use super::cast::Who;
use super::scene::{Case, Looks, Scene, Then};
use crate::gate::house::{DOORS, Door, Question};
use crate::support::people::PASSWORD;

/// What was asked for, and the way back from the sign-in page; none at all for `""`.
const TABLE: [(&str, &str); 25] = [
    ("https://app.example.com/", "https://app.example.com/"),
    ("https://app.example.com/x", "https://app.example.com/x"),
    ("https://app.example.com/x/", "https://app.example.com/x/"),
    ("https://app.example.com/x?", "https://app.example.com/x?"),
    ("https://app.example.com/x?a=1&b=2", "https://app.example.com/x?a=1&b=2"),
    ("https://app.example.com/x?a=%26%3d%23", "https://app.example.com/x?a=%26%3d%23"),
    ("https://app.example.com/a%20b", "https://app.example.com/a%20b"),
    ("https://app.example.com/x?q=a+b", "https://app.example.com/x?q=a+b"),
    ("https://app.example.com/x?q='(1)", "https://app.example.com/x?q=%27(1)"),
    (
        "https://app.example.com/x?return_to=https://evil.test/",
        "https://app.example.com/x?return_to=https://evil.test/",
    ),
    ("https://app.example.com//evil.test/x", "https://app.example.com//evil.test/x"),
    ("https://APP.example.com./x", "https://app.example.com/x"),
    ("https://app.example.com:443/x", "https://app.example.com/x"),
    ("https://app.example.com:8443/x", "https://app.example.com:8443/x"),
    ("wss://app.example.com/socket", "https://app.example.com/socket"),
    ("https://app.example.com:80/x", "https://app.example.com:80/x"),
    ("https://far.test/x", ""),
    ("https://far.test:8443/x", ""),
    ("http://app.example.com/x", ""),
    ("http://far.test/x", ""),
    ("ws://app.example.com/x", ""),
    ("https://app.example.com/%C3%BC", "https://app.example.com/%C3%BC"),
    ("https://app.example.com/~ann/;p", "https://app.example.com/~ann/;p"),
    ("https://app.example.com/a:b@c", "https://app.example.com/a:b@c"),
    ("https://app.example.com/login", "https://app.example.com/login"),
];

#[test]
fn the_way_back_is_where_they_were_or_there_is_none() {
    let scene = Scene::of(&[Who::Nobody]);
    for (url, back) in TABLE {
        for looks in super::scene::BOTH {
            scene.check(&Case::new(Who::Nobody, url, Then::SignIn).looks(looks).back(back));
        }
    }
}

/// As some programs write them, and no browser does. Envoy would ask with them, which is no address of HTTP.
#[test]
fn letters_that_no_url_has_come_back_as_urls_have_them() {
    let scene = Scene::of(&[Who::Nobody]);
    for (path, back) in [("/x?ü", "/x?%C3%BC"), ("/ü", "/%C3%BC"), ("/x?\"<>", "/x?%22%3C%3E")] {
        for door in [Door::ForwardAuth, Door::AuthRequest] {
            let case = Case::new(Who::Nobody, path, Then::SignIn).back(&format!("https://app.example.com{back}"));
            scene.check_at(door, &case, |question| question);
        }
    }
}

/// Whatever the gate has written there, the portal takes it, or the person would end up nowhere.
#[test]
fn whoever_signs_in_by_the_way_that_the_gate_has_given_gets_where_they_wanted() {
    let scene = Scene::of(&[Who::Ann]);
    for (url, back) in TABLE.iter().filter(|(_, back)| !back.is_empty()) {
        let question = Question::about(Door::ForwardAuth, url).in_a_browser();
        let answer = question.ask(&scene.app);
        let mut browser = scene.app.browser();
        browser.get(answer.header("location").expect("the way"));
        let page = browser.submit("/login", &[("email", "ann@example.com"), ("password", PASSWORD)]);
        let place = back.split('/').nth(2).expect("a host");
        let link = page.link(&format!("Continue to {place}"));
        assert_eq!(link.map(String::from).as_deref(), Some(*back), "{}", page.text());
    }
}

/// A proxy has room for one page of memory.
#[test]
fn no_way_is_longer_than_a_proxy_can_read() {
    let scene = Scene::of(&[Who::Stale, Who::Nobody]);
    let lengths: Vec<usize> = (0..2200).step_by(100).collect();
    for (who, path, length) in lengths.iter().flat_map(|n| [(Who::Nobody, "/x", n), (Who::Stale, "/lately/x", n)]) {
        for (door, method) in DOORS.iter().flat_map(|door| [(*door, "GET"), (*door, "POST")]) {
            let url = format!("https://app.example.com{path}?{}", "a".repeat(*length));
            let question = Question::about(door, &url).method(method).in_a_browser().with("Referer", &url);
            let brings = &scene.guest(who).brings;
            let question = brings.iter().fold(question, |question, (name, value)| question.with(name, value));
            let answer = question.ask(&scene.app);
            assert!(answer.header("location").is_some_and(|way| way.contains("?return_to=")), "{answer:?}");
            let ways = [answer.headers("location"), answer.headers("www-authenticate")].concat();
            let bytes: usize = ways.iter().map(|way| way.len()).sum();
            assert!(bytes <= 3200, "{bytes} {door:?} {method} {who:?}: {answer:?}");
        }
    }
}

/// Whatever the visitor writes into a header.
#[test]
fn no_header_of_the_visitors_is_a_way_anywhere() {
    let scene = Scene::of(&[Who::Nobody]);
    let names = ["Referer", "Origin", "X-Auth-Request-Redirect", "X-Forwarded-Server", "X-Forwarded-Port", "Location"];
    for name in names {
        let case = Case::new(Who::Nobody, "/x", Then::SignIn).looks(Looks::Browser);
        scene.check(&case.line(name, "https://evil.test/"));
    }
}
