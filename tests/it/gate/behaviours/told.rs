//! What a proxy has to tell, each part once and clearly; what others say, and what the visitor writes, counts for nothing.

use super::cast::Who;
use super::scene::{Case, Scene, Then};
use crate::gate::house::{DOORS, Door, Question};

const OPEN: &str = "https://app.example.com/public/x";

/// The parts of a question of each family.
const PARTS: [(Door, &str); 8] = [
    (Door::ForwardAuth, "X-Forwarded-Method"),
    (Door::ForwardAuth, "X-Forwarded-Proto"),
    (Door::ForwardAuth, "X-Forwarded-Host"),
    (Door::ForwardAuth, "X-Forwarded-Uri"),
    (Door::AuthRequest, "X-Original-Method"),
    (Door::AuthRequest, "X-Original-URL"),
    (Door::ExtAuthz, "X-Forwarded-Proto"),
    (Door::ExtAuthz, "Host"),
];

fn value(question: &Question, name: &str) -> String {
    question.lines.iter().find(|(own, _)| own == name).expect("a part").1.clone()
}

#[test]
fn a_part_that_is_missing_empty_or_there_twice_is_nothing_to_go_by() {
    let scene = Scene::of(&[Who::Ann, Who::Nobody]);
    for (door, name) in PARTS {
        for who in [Who::Ann, Who::Nobody] {
            let case = Case::new(who, OPEN, Then::Malformed);
            scene.check_at(door, &case, |question| question.without(name));
            scene.check_at(door, &case, |question| question.but(name, ""));
            scene.check_at(door, &case, |question| question.but(name, "   "));
            scene.check_at(door, &case, |question| {
                let same = value(&question, name);
                question.with(name, &same)
            });
            scene.check_at(door, &case, |question| question.with(&name.to_uppercase(), "https://app.example.com/x"));
        }
    }
}

#[test]
fn the_names_of_headers_are_the_same_in_any_case() {
    let scene = Scene::of(&[Who::Ann]);
    for door in DOORS {
        for url in ["/x", "/two/x"] {
            let then = if url == "/x" { Then::In } else { Then::Confirm };
            scene.check_at(door, &Case::new(Who::Ann, url, then), |mut question| {
                question.lines.iter_mut().for_each(|(name, _)| *name = name.to_lowercase());
                question
            });
        }
    }
}

/// What is not the one scheme or the other; the scheme of a websocket is that of the page that opens it.
#[test]
fn a_scheme_is_http_or_https() {
    let scene = Scene::of(&[Who::Nobody]);
    let wrong = [
        "ftp",
        "file",
        "javascript",
        "https, http",
        "http,https",
        "https:",
        "https://",
        "h2",
        "on",
        "443",
        "httpſ",
        "https\0",
    ];
    for scheme in wrong {
        for door in [Door::ForwardAuth, Door::ExtAuthz] {
            let case = Case::new(Who::Nobody, OPEN, Then::Malformed);
            scene.check_at(door, &case, |question| question.but("X-Forwarded-Proto", scheme));
        }
        let case = Case::new(Who::Nobody, OPEN, Then::Malformed);
        let url = format!("{scheme}://app.example.com/public/x");
        scene.check_at(Door::AuthRequest, &case, |question| question.but("X-Original-URL", &url));
    }
    for scheme in ["https", "HTTPS", "wss", "Wss", "http", "ws"] {
        scene.check(&Case::new(Who::Nobody, &format!("{scheme}://app.example.com/public/x"), Then::AsNobody));
    }
}

/// There the cookie is not sent and nobody could come back, so there is no way back.
#[test]
fn nobody_is_led_back_to_plain_http_where_the_portal_has_https() {
    let scene = Scene::of(&[Who::Nobody]);
    for url in ["http://app.example.com/x", "ws://app.example.com/x"] {
        scene.check(&Case::new(Who::Nobody, url, Then::SignIn).back("").looks(super::scene::Looks::Browser));
    }
}

/// What other families, other products, and visitors say.
const NOT_READ: [(&str, &str); 24] = [
    ("X-Original-URL", "https://app.example.com/public/x"),
    ("X-Original-Method", "GET"),
    ("X-Original-URI", "/public/x"),
    ("X-Original-Host", "open.example.com"),
    ("X-Forwarded-Method", "GET"),
    ("X-Forwarded-Host", "open.example.com"),
    ("X-Forwarded-Uri", "/public/x"),
    ("X-Forwarded-URL", "https://app.example.com/public/x"),
    ("X-Forwarded-Path", "/public/x"),
    ("X-Forwarded-Prefix", "/public"),
    ("X-Forwarded-Port", "8443"),
    ("X-Forwarded-Server", "open.example.com"),
    ("X-Forwarded-Scheme", "http"),
    ("X-Forwarded-Ssl", "on"),
    ("X-Replaced-Path", "/public/x"),
    ("X-Rewrite-URL", "/public/x"),
    ("X-Auth-Request-Redirect", "https://evil.test/"),
    ("X-Envoy-Original-Path", "/public/x"),
    ("X-Host", "open.example.com"),
    ("Forwarded", "for=10.0.0.1;host=open.example.com;proto=https"),
    ("Front-End-Https", "on"),
    ("X_Forwarded_Uri", "/public/x"),
    ("X-Authelia-URL", "https://evil.test/"),
    ("X-Vestibule-Rule", "public"),
];

#[test]
fn what_is_not_of_its_own_family_changes_no_doors_mind() {
    let scene = Scene::of(&[Who::Ann, Who::Nobody]);
    let fates = [
        (Who::Nobody, "/x", Then::SignIn),
        (Who::Ann, "/x", Then::In),
        (Who::Nobody, "/closed/x", Then::Refused("forbidden")),
        (Who::Ann, "/two/x", Then::Confirm),
    ];
    for (who, url, then) in fates {
        for door in DOORS {
            let own = |name: &str| PARTS.iter().any(|(at, part)| *at == door && part.eq_ignore_ascii_case(name));
            let lines = NOT_READ.iter().filter(|(name, _)| !own(name));
            let all =
                |question| lines.clone().fold(question, |question: Question, (name, value)| question.with(name, value));
            scene.check_at(door, &Case::new(who, url, then), all);
        }
    }
}

/// Some proxies add the visitor's own to the gate's address.
#[test]
fn nothing_is_read_from_the_query_of_the_gates_own_address() {
    let scene = Scene::of(&[Who::Nobody]);
    let query = "rd=https://evil.test/&return_to=https://evil.test/&authelia_url=https://evil.test/&rm=GET&redirect_state=200\
                 &danger_cookie_insecure=true&allowed_groups=x&mode=public&auth=basic&X-Forwarded-Uri=/public/x";
    for door in [Door::ForwardAuth, Door::AuthRequest] {
        let case = Case::new(Who::Nobody, "/x", Then::SignIn).looks(super::scene::Looks::Browser);
        let start = format!("GET {}?{query} HTTP/1.1", door.path());
        let question = Question { start, ..Question::about(door, &case.url).in_a_browser() };
        let answer = question.ask(&scene.app);
        let led = answer.header("location").unwrap_or_default();
        let status = if door == Door::AuthRequest { 401 } else { 302 };
        assert_eq!((answer.status, answer.header("vestibule-gate")), (status, Some("asked with a query")));
        assert_eq!(led, "https://auth.example.com/login?return_to=https%3A%2F%2Fapp.example.com%2Fx");
    }
}

/// For Envoy the gate's address is the visitor's: their query stands where it should.
#[test]
fn a_query_is_a_part_of_what_envoy_asks_about() {
    let scene = Scene::of(&[Who::Nobody]);
    let case = Case::new(Who::Nobody, "/x?rd=https://evil.test/&a=b", Then::SignIn);
    scene.check_at(Door::ExtAuthz, &case, |question| question);
}
