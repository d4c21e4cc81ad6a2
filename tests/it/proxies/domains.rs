//! An app under another domain than the portal.

use serde_json::json;

use super::street::{ELSEWHERE as HOST, Kind, Street, streets_elsewhere};
use crate::gate::house::Person;
use crate::support::page::Page;
use crate::support::people::PASSWORD;

fn follow_to(street: &Street, browser: &mut crate::support::browser::Browser, mut page: Page) -> Page {
    for _ in 0..8 {
        if page.location().is_none() {
            return page;
        }
        page = browser.follow();
    }
    panic!("{:?}: round and round, at {}", street.kind, page.url);
}

#[test]
fn the_app_opens_for_whoever_signs_in_at_the_portal_and_closes_when_they_sign_out_there() {
    for street in streets_elsewhere() {
        let kind = street.kind;
        let ann = Person::of_the_house(&street.service, "ann@example.com");
        let mut browser = street.browser();
        let stopped = browser.get("http://app.other.org/rooms/1?a=1&b=2");
        assert_eq!(stopped.status, 302, "{kind:?}");
        let begins = stopped.location().expect("a way");
        assert_eq!((begins.host_str(), begins.path()), (Some(HOST), "/.vestibule/start"), "{kind:?}");
        let page = follow_to(&street, &mut browser, stopped);
        assert_eq!((page.status, page.url.path()), (200, "/login"), "{kind:?}: {}", page.text());
        assert!(page.has(HOST), "{kind:?}: {}", page.text());
        street.assert_nothing_arrived("before signing in");

        let signed_in = browser.submit("/login", &[("email", "ann@example.com"), ("password", PASSWORD)]);
        let page = follow_to(&street, &mut browser, signed_in);
        assert_eq!((page.status, page.url.as_str()), (200, "http://app.other.org/rooms/1?a=1&b=2"), "{kind:?}");
        let received = street.received();
        assert_eq!((received.method.as_str(), received.uri.as_str()), ("GET", "/rooms/1?a=1&b=2"));
        assert_eq!(received.header("remote-user"), Some(ann.id.as_str()));
        // Traefik cannot take it out.
        let cookies = received.header("cookie").unwrap_or_default();
        assert_eq!(cookies.contains("vestibule_gate="), kind == Kind::Traefik, "{kind:?}: {cookies}");

        assert_eq!(browser.api("POST", "/auth/logout", json!(null)).status, 204);
        assert_eq!(browser.get("http://app.other.org/rooms/1").status, 302, "{kind:?}");
        assert_eq!(street.app.received().len(), 1, "{kind:?}: a request came through after signing out");
    }
}

/// What is not asked about goes to Vestibule, however it is written.
#[test]
fn no_way_of_writing_the_path_leads_around_the_gate() {
    let paths = [
        "/.vestibule/../x",
        "/.vestibule/../../x",
        "/.vestibule/%2e%2e/x",
        "/.vestibule/.%2e/x",
        "/.vestibule/..%2fx",
        "/.vestibule/..%2Fx",
        "/.vestibule%2f..%2fx",
        "/.vestibule/..;/x",
        "/.vestibule;/../x",
        "/.vestibule/./../x",
        "/.vestibule//../../x",
        "//.vestibule/../x",
        "/.vestibule/start/../../x",
        "/x/../.vestibule/start",
        "/x/../.vestibule/../x",
        "/%2evestibule/../x",
        "/.%76estibule/../x",
        "/.Vestibule/../x",
        "/.vestibule/%5c..%5cx",
        "/.vestibule/x",
        "/.vestibule/",
        "/.vestibule",
        "/.vestibule?/x",
        "/.vestibule/%00/../x",
    ];
    for street in streets_elsewhere() {
        for path in paths {
            for method in ["GET", "POST"] {
                let lines = format!("Host: {HOST}\r\nContent-Length: 0\r\nRemote-User: root\r\n");
                let answer = street.send(&format!("{method} {path}"), &lines);
                assert_ne!(answer.status, 200, "{:?}: {method} {path}: {answer:?}", street.kind);
                street.assert_nothing_arrived(path);
            }
        }
    }
}
