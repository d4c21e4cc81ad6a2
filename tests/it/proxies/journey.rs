//! A person on the way to an app.

use serde_json::json;

use super::street::{Kind, Street, streets};
use crate::gate::groups::{MANY_GROUPS, MEMBERSHIPS};
use crate::support::echo::Received;
use crate::support::eventually;
use crate::support::people::PASSWORD;
use crate::support::raw::Connection;

#[test]
fn the_app_opens_for_whoever_signs_in_and_closes_when_they_sign_out() {
    for street in streets() {
        let ann = street.ann();
        let mut browser = street.browser();
        let stopped = browser.get("http://app.example.com/rooms/1?a=1&b=2");
        assert_eq!(stopped.status, 302, "{:?}", street.kind);
        let sign_in = browser.follow();
        assert_eq!((sign_in.status, sign_in.url.path()), (200, "/login"));
        assert!(sign_in.has("to continue to app.example.com"), "{}", sign_in.text());
        let fields = [("email", "ann@example.com"), ("password", PASSWORD)];
        let signed_in = browser.submit("/login", &fields);
        assert_eq!(signed_in.status, 200, "{}", signed_in.text());
        street.assert_nothing_arrived("before signing in");

        let page = browser.click("Continue to app.example.com");
        assert_eq!(page.status, 200, "{}", page.text());
        let received = street.received();
        assert_eq!((received.method.as_str(), received.uri.as_str()), ("GET", "/rooms/1?a=1&b=2"));
        assert_eq!(received.header("remote-user"), Some(ann.id.as_str()));
        assert_eq!(received.header("remote-email"), Some("ann@example.com"));
        assert_eq!(received.header("remote-name"), Some("Ann Ünal"));

        assert_eq!(browser.api("POST", "/auth/logout", json!(null)).status, 204);
        assert_eq!(browser.get("http://app.example.com/rooms/1").status, 302);
        assert_eq!(street.app.received().len(), 1, "{:?}: a request came through after signing out", street.kind);
    }
}

#[test]
fn somebody_of_whom_as_much_is_said_as_can_be_comes_through_and_the_app_is_told_all_of_it() {
    for street in streets() {
        let mut ann = street.ann();
        let name = "\u{1f6f6}".repeat(200);
        assert_eq!(ann.browser.api("PATCH", "/me", json!({ "name": name })).status, 200);
        street.service.execute(MEMBERSHIPS);
        street.service.execute(MANY_GROUPS);
        let lines = format!("{}Remote-Groups: admins\r\nRemote_Groups: admins\r\n", Street::cookies_of(&ann));
        let told = eventually("the groups", || {
            assert_eq!(street.send("GET /x", &lines).status, 200, "{:?}", street.kind);
            let received = street.app.received().pop().expect("a request");
            assert_eq!(received.header("remote-name"), Some(name.as_str()));
            received.header("remote-groups").filter(|told| told.contains("team")).map(str::to_owned)
        });
        assert!(told.starts_with("acme,acme:admin,globex,globex:member,acme/Büro & Küche,"), "{told}");
        assert!(told.len() > 1900 && !told.contains("admins"), "{}: {told}", told.len());
    }
}

#[test]
fn a_session_that_ended_elsewhere_ends_on_a_connection_that_is_kept() {
    for street in streets() {
        let mut ann = street.ann();
        let cookies = Street::cookies_of(&ann);
        let request = format!("GET /x HTTP/1.1\r\nHost: app.example.com\r\n{cookies}\r\n");
        let mut connection = Connection::open(street.proxy.port()).unwrap();
        connection.write(&request).unwrap();
        assert_eq!(connection.answer().unwrap().status, 200);
        assert_eq!(ann.browser.api("POST", "/auth/logout", json!(null)).status, 204);
        connection.write(&request).unwrap();
        assert_eq!(connection.answer().unwrap().status, if street.kind == Kind::Nginx { 302 } else { 401 });
        assert_eq!(street.app.received().len(), 1);
    }
}

#[test]
fn the_visitors_query_stays_the_visitors() {
    for street in streets() {
        let mut browser = street.browser();
        let target = "/x?return_to=https://evil.test/&rd=https://evil.test/&mode=public&uri=/public/";
        let stopped = browser.get(&format!("http://app.example.com{target}"));
        let location = stopped.location().expect("a redirect");
        assert_eq!((location.host_str(), location.path()), (Some("auth.example.com"), "/login"));
        let pairs: Vec<_> = location.query_pairs().into_owned().collect();
        assert_eq!(pairs, [("return_to".to_owned(), format!("http://app.example.com{target}"))]);
        street.assert_nothing_arrived("nobody has signed in");
    }
}

#[test]
fn programs_get_a_401_that_says_how() {
    for street in streets() {
        let answer = street.send("GET /api/x", "Accept: application/json\r\n");
        assert_eq!(answer.status, 401, "{:?}", street.kind);
        let both = "Bearer realm=\"vestibule\", Basic realm=\"vestibule\", charset=\"UTF-8\"";
        assert_eq!(answer.header("www-authenticate"), Some(both), "{:?}", street.kind);
        if street.kind != Kind::Nginx {
            assert_eq!(answer.json::<serde_json::Value>()["code"], "unauthenticated");
        }
        street.assert_nothing_arrived("nobody has signed in");
    }
}

#[test]
fn a_refusal_arrives_and_nothing_else_does() {
    for street in streets() {
        let ann = street.ann();
        for path in ["/closed", "/closed/", "/closed/x?y"] {
            let answer = street.send(&format!("GET {path}"), &Street::cookies_of(&ann));
            assert_eq!(answer.status, 403, "{:?} {path}", street.kind);
        }
        street.assert_nothing_arrived("it is closed");
    }
}

#[test]
fn an_apps_server_never_sees_what_opens_the_gate() {
    for street in streets() {
        let mut ann = street.ann();
        let app = url::Url::parse("http://app.example.com/").unwrap();
        for cookie in ["first=1", "zlast=a=b; Path=/"] {
            ann.browser.jar.store(&app, cookie);
        }
        let page = ann.browser.get("http://app.example.com/x");
        let received: Received = page.json();
        let cookies = received.header("cookie").unwrap_or_default();
        assert!(cookies.contains("first=1") && cookies.contains("zlast=a=b"), "{:?}: {cookies}", street.kind);
        // Traefik has no way of taking one cookie out of many.
        let is_told = cookies.contains(&ann.gate_token()) || cookies.contains("vestibule");
        assert_eq!(is_told, street.kind == Kind::Traefik, "{:?}: {cookies}", street.kind);
    }
}
