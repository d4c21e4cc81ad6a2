//! Each door's answers: who is let through, who is led to the sign-in page, who is turned away, in which words.

use serde_json::Value;

use super::house::{DOORS, Door, Person, Question, house};
use crate::support::raw::{self, Answer};

const SIGN_IN: &str = "https://auth.example.com/login?return_to=https%3A%2F%2Fapp.example.com%2Fx%3Fa%3D1%26b%3D2";

fn problem_code(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let problem: Value = answer.json();
    assert_eq!(problem["status"], answer.status);
    problem["code"].as_str().expect("a code").to_owned()
}

#[test]
fn a_person_of_the_house_is_let_through_and_named() {
    let app = house();
    let ann = Person::of_the_house(&app, "Ann@example.com");
    for door in DOORS {
        let answer = Question::about(door, "https://app.example.com/x").by(&ann).ask(&app);
        assert_eq!((answer.status, answer.body()), (200, &b""[..]));
        assert_eq!(answer.header("remote-user"), Some(ann.id.as_str()));
        assert_eq!(answer.header("remote-email"), Some("Ann@example.com"));
        assert_eq!(answer.header("remote-name"), Some("Ann Ünal"));
        assert_eq!(answer.header("remote-groups"), Some(""));
        assert_eq!(answer.header("vestibule-assertion"), Some(""));
        assert_eq!(answer.header("content-length"), Some("0"));
    }
}

#[test]
fn a_stranger_who_is_let_through_is_nobody() {
    let app = house();
    for door in DOORS {
        let question = Question::about(door, "https://app.example.com/public/x").with("Remote-User", "root");
        let answer = question.with("Remote-Groups", "admins").with("Vestibule-Assertion", "x").ask(&app);
        assert_eq!(answer.status, 200);
        for name in ["Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups", "Vestibule-Assertion"] {
            assert_eq!(answer.header(name), Some(""), "{name}");
        }
    }
}

#[test]
fn somebody_known_is_named_even_where_nobody_is_asked() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    for door in DOORS {
        let answer = Question::about(door, "https://app.example.com/public/x").by(&ann).ask(&app);
        assert_eq!(answer.header("remote-user"), Some(ann.id.as_str()));
    }
}

#[test]
fn an_unverified_person_is_asked_to_confirm_the_address_first() {
    let app = house();
    let new = Person::newcomer(&app, "new@example.com");
    for door in DOORS {
        let refused = Question::about(door, "https://app.example.com/x").by(&new).ask(&app);
        assert_eq!((refused.status, problem_code(&refused).as_str()), (403, "email_unverified"));
        let page = Question::about(door, "https://app.example.com/x").by(&new).in_a_browser().ask(&app);
        assert_eq!(page.status, 403);
        assert!(page.text().contains("Confirm your email address first"), "{}", page.text());

        let welcome = Question::about(door, "https://app.example.com/welcome").by(&new).ask(&app);
        assert_eq!(welcome.status, 200);
        assert_eq!(welcome.header("remote-user"), Some(new.id.as_str()));
        assert_eq!(welcome.header("remote-email"), Some(""));
    }
}

/// By the page that says that it was not carried out.
fn way_of_what_was_sent(method: &str) -> String {
    let page = "https://auth.example.com/login?return_to=%2Funsent%3Freturn_to%3D";
    let app = "https%253A%252F%252Fapp.example.com%252Fx%253Fa%253D1%2526b%253D2";
    format!("{page}{app}%26sent%3D{method}%2B%252Fx%253Fa%253D1%2526b%253D2")
}

#[test]
fn a_browser_is_led_to_the_sign_in_page_and_knows_the_way_back() {
    let app = house();
    for door in [Door::ForwardAuth, Door::ExtAuthz] {
        let question = Question::about(door, "https://app.example.com/x?a=1&b=2").in_a_browser();
        for (method, status) in [("GET", 302), ("HEAD", 302), ("POST", 303), ("DELETE", 303), ("PROPFIND", 303)] {
            let answer = question.clone().method(method).ask(&app);
            let way = if ["GET", "HEAD"].contains(&method) { SIGN_IN.to_owned() } else { way_of_what_was_sent(method) };
            assert_eq!((answer.status, answer.header("location")), (status, Some(way.as_str())), "{door:?} {method}");
            assert_eq!(answer.header("content-length"), Some("0"));
        }
        let by_accept = Question::about(door, "https://app.example.com/x?a=1&b=2").with("Accept", "text/html");
        assert_eq!(by_accept.ask(&app).status, 302);
    }
}

#[test]
fn the_way_back_is_one_that_the_sign_in_page_takes() {
    let app = house();
    let question = Question::about(Door::ForwardAuth, "wss://app.example.com:8443//evil.test/x").in_a_browser();
    let location = question.ask(&app).header("location").expect("a Location").to_owned();
    assert_eq!(
        location,
        "https://auth.example.com/login?return_to=https%3A%2F%2Fapp.example.com%3A8443%2F%2Fevil.test%2Fx"
    );
    let page = app.browser().get(&location);
    assert_eq!(page.status, 200);
    assert!(page.answer.text().contains("https:&#x2f;&#x2f;app.example.com:8443"), "{}", page.answer.text());
}

#[test]
fn a_way_back_that_is_too_long_leads_to_the_apps_front_door() {
    let app = house();
    let long = format!("https://app.example.com/x?{}", "a=b&".repeat(1000));
    for door in DOORS {
        let answer = Question::about(door, &long).in_a_browser().ask(&app);
        let location = answer.header("location");
        assert_eq!(location, Some("https://auth.example.com/login?return_to=https%3A%2F%2Fapp.example.com%2F"));
    }
}

#[test]
fn nobody_is_sent_back_to_where_the_cookie_does_not_reach() {
    let app = house();
    for url in ["https://far.test/x", "http://app.example.com/x"] {
        for door in DOORS {
            let answer = Question::about(door, url).in_a_browser().ask(&app);
            assert_eq!(answer.header("location"), Some("https://auth.example.com/login"), "{url}");
        }
    }
}

#[test]
fn what_is_not_a_navigation_gets_a_plain_401() {
    let app = house();
    for question in [Door::ForwardAuth, Door::ExtAuthz].map(|door| Question::about(door, "https://app.example.com/x")) {
        let not_navigating = [
            question.clone(),
            question.clone().with("Accept", "application/json"),
            question.clone().with("Accept", "*/*"),
            question.clone().in_a_browser().with("X-Requested-With", "XMLHttpRequest"),
            question.clone().in_a_browser().with("Upgrade", "websocket"),
            question.clone().with("Accept", "text/html").with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            question.clone().in_a_browser().but("Sec-Fetch-Mode", "cors"),
            question.clone().in_a_browser().but("Sec-Fetch-Mode", "no-cors"),
            question.clone().in_a_browser().but("Sec-Fetch-Mode", "websocket"),
            question.clone().with("Accept", "text/html").with("Sec-Fetch-Mode", "same-origin"),
        ];
        for question in not_navigating {
            let answer = question.ask(&app);
            assert_eq!(
                (answer.status, problem_code(&answer).as_str()),
                (401, "unauthenticated"),
                "{:?}",
                question.lines
            );
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"vestibule\""));
            assert_eq!(answer.header("location"), None);
        }
    }
}

#[test]
fn nginx_is_never_told_to_redirect() {
    let app = house();
    let question = Question::about(Door::AuthRequest, "https://app.example.com/x?a=1&b=2");
    let sent = way_of_what_was_sent("POST");
    let questions = [
        (question.clone(), SIGN_IN),
        (question.clone().in_a_browser(), SIGN_IN),
        (question.in_a_browser().method("POST"), sent.as_str()),
    ];
    for (question, way) in questions {
        let answer = question.ask(&app);
        assert_eq!((answer.status, answer.header("location")), (401, Some(way)));
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"vestibule\""));
        assert_eq!(problem_code(&answer), "unauthenticated");
    }
}

#[test]
fn what_is_closed_is_closed_to_everybody_alike() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    for url in ["https://app.example.com/closed/x", "https://other.example.com/", "https://app.example.com.evil.test/"]
    {
        for door in DOORS {
            for question in [Question::about(door, url), Question::about(door, url).by(&ann)] {
                let answer = question.ask(&app);
                assert_eq!((answer.status, problem_code(&answer).as_str()), (403, "forbidden"), "{url}");
            }
        }
    }
}

#[test]
fn a_refusal_that_somebody_looks_at_is_a_small_page_of_its_own() {
    let app = house();
    for door in DOORS {
        let answer = Question::about(door, "https://app.example.com/closed/x").in_a_browser().ask(&app);
        assert_eq!((answer.status, answer.header("content-type")), (403, Some("text/html; charset=utf-8")));
        // Traefik passes on no more where it is told so.
        assert!(answer.body().len() < 8192);
        let page = answer.text().replace("&#x2f;", "/");
        assert!(page.contains("This place is closed to you."), "{page}");
        for link in page.split("href=\"").skip(1) {
            assert!(link.starts_with("https://auth.example.com/"), "shown under the app's host: {link}");
        }
    }
}

#[test]
fn head_is_answered_as_get_without_a_body() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    for door in DOORS {
        let url = "https://app.example.com/x";
        for question in [Question::about(door, url).by(&ann), Question::about(door, url)] {
            let get = question.ask(&app);
            let head = Question { start: question.start.replace("GET", "HEAD"), ..question };
            let head = head.ask(&app);
            assert_eq!((head.status, head.body()), (get.status, &b""[..]));
            assert_eq!(head.header("remote-user"), get.header("remote-user"));
        }
    }
}

#[test]
fn no_other_method_opens_the_gate() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"] {
        let mut question = Question::about(Door::ForwardAuth, "https://app.example.com/x").by(&ann);
        question.start = question.start.replace("GET", method);
        let answer = raw::send(app.port(), question.bytes());
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("remote-user"), None);
    }
}

/// With a body of unknown length, be it empty, nginx would open a new connection for every check.
#[test]
fn one_connection_serves_check_after_check_and_no_answer_leaves_its_length_open() {
    let app = house();
    let ann = Person::of_the_house(&app, "ann@example.com");
    for door in DOORS {
        let mut connection = raw::Connection::open(app.port()).expect("a connection");
        let place = "https://app.example.com/x";
        let questions = [
            (Question::about(door, place).by(&ann), 200),
            (Question::about(door, "https://app.example.com/public/x"), 200),
            (Question::about(door, place).in_a_browser(), if door == Door::AuthRequest { 401 } else { 302 }),
            (Question::about(door, place), 401),
            (Question::about(door, "https://app.example.com/closed/x"), 403),
            (Question::about(door, place).by(&ann), 200),
        ];
        for (question, status) in questions {
            connection.write(question.without("Connection").bytes()).expect("a connection that is open");
            let answer = connection.answer().expect("an answer");
            assert_eq!((answer.status, answer.header("transfer-encoding")), (status, None), "{answer:?}");
            assert_eq!(answer.headers("content-length"), [answer.body().len().to_string()], "{answer:?}");
            assert_eq!(answer.header("connection"), None, "{answer:?}");
            assert_eq!(answer.body().is_empty(), status < 400, "{answer:?}");
        }
    }
}
