//! Proving it once more on the way to an app, by way of each proxy.

use chrono::TimeDelta;

use super::street::{Kind, Street, streets_with};
use crate::gate::house::Person;
use crate::support::eventually;
use crate::support::people::PASSWORD;

const RULES: (&str, &str) = (
    "gateway.rules",
    r#"[
    { hosts = ["app.example.com"], paths = ["/lately/**", "/api/**"], allow = "signed_in", recent_auth = "5m" },
    { hosts = ["app.example.com"], allow = "signed_in" },
]"#,
);
const NAVIGATES: &str = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\n";

/// Ann, six minutes after she signed in.
fn ann(street: &Street) -> Person {
    let ann = street.ann();
    street.service.clock().advance(TimeDelta::minutes(6));
    ann
}

#[test]
fn whoever_proved_it_too_long_ago_is_led_to_confirm_and_back_to_the_app() {
    for street in streets_with(&[RULES]) {
        let mut ann = ann(&street);
        assert_eq!(street.send("GET /x", &Street::cookies_of(&ann)).status, 200, "{:?}", street.kind);
        let before = street.app.received().len();
        let stopped = ann.browser.get("http://app.example.com/lately/x?a=1&b=2");
        assert_eq!((stopped.status, street.app.received().len()), (302, before), "{:?}", street.kind);
        let page = ann.browser.follow();
        assert_eq!((page.status, page.url.path()), (200, "/confirm"), "{:?}: {}", street.kind, page.text());
        ann.browser.submit("/confirm", &[("password", PASSWORD)]);
        let page = ann.browser.click("Continue to app.example.com");
        assert_eq!(page.status, 200, "{:?}: {}", street.kind, page.text());
        let received = street.app.received().pop().expect("a request");
        assert_eq!(received.uri, "/lately/x?a=1&b=2", "{:?}", street.kind);
        assert_eq!(received.header("remote-user"), Some(ann.id.as_str()), "{:?}", street.kind);
    }
}

#[test]
fn a_program_gets_the_whole_challenge_and_its_request_goes_nowhere() {
    for street in streets_with(&[RULES]) {
        let mut ann = ann(&street);
        for method in ["GET", "POST", "DELETE"] {
            let lines = format!("Content-Length: 0\r\nSec-Fetch-Mode: cors\r\n{}", Street::cookies_of(&ann));
            let answer = street.send(&format!("{method} /api/x"), &lines);
            assert_eq!(answer.status, 401, "{:?} {method}", street.kind);
            let challenge = answer.headers("www-authenticate").concat();
            for part in ["error=\"insufficient_user_authentication\"", "max_age=\"300\"", "/confirm?return_to="] {
                assert!(challenge.contains(part), "{:?} {method}: {challenge}", street.kind);
            }
        }
        street.assert_nothing_arrived("she has not confirmed");
        ann.browser.confirm();
        let cookies = Street::cookies_of(&ann);
        eventually("the gate knows of it", || (street.send("GET /api/x", &cookies).status == 200).then_some(()));
    }
}

#[test]
fn a_form_that_is_stopped_is_told_of_and_never_sent_on() {
    for street in streets_with(&[RULES]) {
        let mut ann = ann(&street);
        let sent = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\
                    Referer: http://app.example.com/form\r\nOrigin: http://app.example.com\r\n";
        let lines = format!("{NAVIGATES}{sent}{}", Street::cookies_of(&ann));
        let answer = street.send("POST /lately/x", &lines);
        // nginx knows one way of leading people.
        let expected = if street.kind == Kind::Nginx { 302 } else { 303 };
        assert_eq!(answer.status, expected, "{:?}", street.kind);
        let page = ann.browser.get(answer.header("location").expect("a way"));
        assert!(
            page.has("What you sent to app.example.com has not been carried out."),
            "{:?}: {}",
            street.kind,
            page.text()
        );
        ann.browser.submit("/confirm", &[("password", PASSWORD)]);
        let page = ann.browser.follow();
        let back = page.link("Back to app.example.com").map(String::from);
        assert_eq!(back.as_deref(), Some("http://app.example.com/form"), "{:?}: {}", street.kind, page.text());
        street.assert_nothing_arrived("it was stopped");
    }
}

/// nginx reads the head of an answer into 4 KiB, and knows no way on from a longer one.
#[test]
fn no_length_of_an_address_is_a_dead_end() {
    for street in streets_with(&[RULES]) {
        let ann = ann(&street);
        for length in (0..2400).step_by(100) {
            let start = format!("GET /lately/x?{}", "a".repeat(length));
            let answer = street.send(&start, &format!("{NAVIGATES}{}", Street::cookies_of(&ann)));
            let way = answer.header("location").unwrap_or_default();
            let page = "http://auth.example.com/confirm?return_to=http%3A%2F%2Fapp.example.com%2F";
            assert!(answer.status == 302 && way.starts_with(page), "{:?} {length}: {answer:?}", street.kind);
        }
    }
}
