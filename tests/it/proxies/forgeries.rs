//! What a visitor writes about himself, in every way that was seen to work somewhere.

use super::street::{Kind, Street, streets};
use crate::support::echo::Received;
use crate::support::people::{PASSWORD, sign_in};
use crate::support::raw;

pub const FORGED: &str = "Remote-User: root\r\nRemote-Email: root@example.com\r\nRemote-Name: Root\r\n\
    Remote-Groups: admins\r\nVestibule-Assertion: forged\r\n\
    Remote_User: root\r\nRemote_Groups: admins\r\nremote-user: root\r\nREMOTE-USER: root\r\n\
    X-Original-URL: https://app.example.com/public/x\r\nX-Original-Method: HEAD\r\nX_Original_URL: /public/x\r\n\
    X-Rewrite-URL: /public/x\r\nX_Rewrite_URL: /public/x\r\n\
    X-Forwarded-Host: public.example.com\r\nX-Forwarded-Uri: /public/x\r\nX-Forwarded-Method: HEAD\r\n\
    X-Forwarded-Proto: https\r\nX-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9;host=public.example.com\r\n\
    X-Forwarded-Port: 81\r\nX-Forwarded-Prefix: /public\r\nX-Real-IP: 203.0.113.9\r\nX_Forwarded_For: 203.0.113.9\r\n\
    X_Forwarded_Host: public.example.com\r\nX_Real_IP: 203.0.113.9\r\nVestibule_Assertion: forged\r\n\
    Remote.User: root\r\nRemote!User: root\r\nremote.groups: admins\r\nX.Forwarded.For: 203.0.113.9\r\n";

const IDENTITY: [&str; 5] = ["remote-user", "remote-email", "remote-name", "remote-groups", "vestibule-assertion"];

/// The values of a header as an app reads it that cannot tell `_`, `.` or `!` from `-`.
pub fn values<'a>(received: &'a Received, name: &str) -> Vec<&'a str> {
    let is_it = |own: &str| own.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-") == name;
    received.headers.iter().filter(|(own, _)| is_it(own)).map(|(_, value)| value.as_str()).collect()
}

#[test]
fn an_app_is_told_who_it_is_by_us_alone() {
    for street in streets() {
        let ann = street.ann();
        let answer = street.send("GET /x?a=1", &format!("{FORGED}{}", Street::cookies_of(&ann)));
        assert_eq!(answer.status, 200, "{:?}: {}", street.kind, answer.text());
        let received = street.received();
        assert_eq!(values(&received, "remote-user"), [ann.id.as_str()]);
        assert_eq!(values(&received, "remote-email"), ["ann@example.com"]);
        assert_eq!(values(&received, "remote-name"), ["Ann Ünal"]);
        for name in ["remote-groups", "vestibule-assertion"] {
            assert!(values(&received, name).iter().all(|value| value.is_empty()), "{:?}: {received:?}", street.kind);
        }
        assert_no_forged_surroundings(&street, &received);
    }
}

#[test]
fn a_stranger_who_is_let_through_has_no_identity_at_all() {
    for street in streets() {
        let answer = street.send("GET /public/x?a=1", FORGED);
        assert_eq!(answer.status, 200, "{:?}: {}", street.kind, answer.text());
        let received = street.received();
        for name in IDENTITY {
            assert!(values(&received, name).iter().all(|value| value.is_empty()), "{:?}: {received:?}", street.kind);
        }
        assert_no_forged_surroundings(&street, &received);
    }
}

/// Where the request came from and went to is the proxy's to say.
fn assert_no_forged_surroundings(street: &Street, received: &Received) {
    for name in ["x-original-url", "x-original-method", "x-rewrite-url", "x-forwarded-prefix", "forwarded"] {
        assert!(values(received, name).iter().all(|value| value.is_empty()), "{:?}: {received:?}", street.kind);
    }
    // Traefik tells it itself.
    assert!(values(received, "x-forwarded-port").iter().all(|port| ["", "80"].contains(port)), "{:?}", street.kind);
    assert!(values(received, "x-real-ip").iter().all(|address| *address == "127.0.0.1"), "{:?}", street.kind);
    assert_eq!(values(received, "x-forwarded-for"), ["127.0.0.1"], "{:?}", street.kind);
    assert_eq!(values(received, "x-forwarded-host"), ["app.example.com"], "{:?}", street.kind);
    assert_eq!(values(received, "x-forwarded-proto"), ["http"], "{:?}", street.kind);
    assert!(values(received, "x-forwarded-uri").iter().all(|uri| *uri == received.uri), "{:?}", street.kind);
    assert!(values(received, "x-forwarded-method").iter().all(|method| *method == "GET"), "{:?}", street.kind);
}

#[test]
fn forged_surroundings_do_not_change_the_judgement() {
    for street in streets() {
        for path in ["/x", "/closed/x"] {
            let answer = street.send(&format!("GET {path}"), FORGED);
            assert!(matches!(answer.status, 302 | 401 | 403), "{:?} {path}: {}", street.kind, answer.status);
        }
        // A trusted proxy's words are believed only from the proxy: the service sees the one before it.
        street.assert_nothing_arrived("nobody has signed in");
    }
}

#[test]
fn a_connection_header_takes_nothing_away_that_we_have_set() {
    for street in streets() {
        let ann = street.ann();
        let cookies = Street::cookies_of(&ann);
        for named in
            ["Remote-User", "close, Remote-User", "remote-email, Remote-Groups", "Vestibule-Assertion", "Cookie"]
        {
            let request =
                format!("GET /x HTTP/1.1\r\nHost: app.example.com\r\nConnection: {named}\r\n{cookies}{FORGED}\r\n");
            let mut connection = raw::Connection::open(street.proxy.port()).unwrap();
            connection.write(request).unwrap();
            let answer = connection.answer().unwrap();
            for received in street.app.received() {
                assert_eq!(values(&received, "remote-user"), [ann.id.as_str()], "{:?} {named}", street.kind);
                assert_eq!(values(&received, "remote-email"), ["ann@example.com"], "{:?} {named}", street.kind);
            }
            let is_refused = matches!(street.kind, Kind::Caddy | Kind::HaProxy | Kind::Apache) && named != "Cookie";
            assert!(!is_refused || answer.status == 400, "{:?} {named}: {}", street.kind, answer.status);
        }
    }
}

#[test]
fn no_odd_path_leads_into_a_closed_folder() {
    for street in streets() {
        let paths = [
            "/public/../closed/x",
            "/public/%2e%2e/closed/x",
            "/public/%2E%2E/closed/x",
            "/public/.%2e/closed/x",
            "/public/%252e%252e/closed/x",
            "/public/..%2fclosed/x",
            "/public/..%5cclosed/x",
            "/public/..\\closed/x",
            "/public/..;/closed/x",
            "/public/..;a=b/closed/x",
            "/public//../closed/x",
            "/public/./../closed/x",
            "/public%2f..%2fclosed/x",
            "/x/../closed/x",
            "//closed/x",
            "/./closed/x",
            "/%63losed/x",
            "/closed%2fx",
            "/closed;a/x",
            "/public/x#/../../closed/x",
            "/public/%00/../../closed/x",
            "/public/x%zz",
        ];
        for path in paths {
            let answer = raw::try_send(street.proxy.port(), Street::request(&format!("GET {path}"), ""));
            let status = answer.map(|answer| answer.status).unwrap_or_default();
            assert!(!(200..300).contains(&status), "{:?} {path}: {status}", street.kind);
        }
        street.assert_nothing_arrived("every reading of these leads into the folder, or may");
    }
}

#[test]
fn nobody_is_judged_as_one_app_and_served_as_another() {
    for street in streets() {
        let mixed = [
            ("GET http://public.example.com/x", "Host: app.example.com\r\n"),
            ("GET http://app.example.com/x", "Host: public.example.com\r\n"),
            ("GET http://app.example.com/x", "Host: public.example.com\r\nX-Forwarded-Host: public.example.com\r\n"),
            ("GET http://app.example.com/closed/x", "Host: app.example.com\r\nX-Forwarded-Uri: /public/x\r\n"),
            ("GET http://public.example.com@app.example.com/x", "Host: app.example.com\r\n"),
            ("GET /x", "Host: public.example.com\r\n"),
            ("GET /x", "Host: public.example.com\r\nHost: app.example.com\r\n"),
            ("GET /x", "Host: app.example.com\r\nHost: public.example.com\r\n"),
            ("GET /x", "Host: app.example.com:80@public.example.com\r\n"),
            ("GET /x", "Host: APP.example.com.\r\n"),
            ("GET /x", "Host: \r\n"),
            ("GET /x", "Host: 127.0.0.1\r\n"),
            ("GET /x", "Host: app.example.com.evil.test\r\n"),
        ];
        for (start, lines) in mixed {
            let answer = raw::try_send(street.proxy.port(), Street::request(start, lines));
            let status = answer.map(|answer| answer.status).unwrap_or_default();
            assert!(!(200..300).contains(&status), "{:?} {start} {lines}: {status}", street.kind);
        }
        street.assert_nothing_arrived("nobody has signed in");
    }
}

#[test]
fn a_host_that_nobody_configured_gets_nothing() {
    for street in streets() {
        for host in ["public.example.com", "evil.test", "127.0.0.1"] {
            let request = Street::request("GET /public/x", &format!("Host: {host}\r\n"));
            let status = raw::try_send(street.proxy.port(), request).map(|answer| answer.status);
            match street.kind {
                Kind::Nginx | Kind::Caddy | Kind::HaProxy => assert!(status.is_err(), "{:?} {host}", street.kind),
                Kind::Apache => assert_eq!(status.unwrap(), 403, "{host}"),
                Kind::Traefik | Kind::Envoy => assert_eq!(status.unwrap(), 404, "{:?} {host}", street.kind),
            }
        }
        street.assert_nothing_arrived("no app has that name");
    }
}

#[test]
fn the_gate_is_not_asked_by_people() {
    for street in streets() {
        let ann = street.ann();
        let cookies = Street::cookies_of(&ann);
        let paths = [
            "/gateway/forward-auth",
            "/gateway/auth-request",
            "/gateway/ext-authz/x",
            "/gateway/",
            "/gateway/../gateway/forward-auth",
            "/%67ateway/forward-auth",
            "/%67%61%74%65%77%61%79/ext-authz/x",
            "//gateway/forward-auth",
            "/gateway%2fforward-auth",
        ];
        for path in paths {
            let lines = format!(
                "Host: auth.example.com\r\n{cookies}X-Forwarded-Method: GET\r\nX-Forwarded-Proto: http\r\n\
                 X-Forwarded-Host: app.example.com\r\nX-Forwarded-Uri: /x\r\nX-Original-Method: GET\r\n\
                 X-Original-URL: http://app.example.com/x\r\n"
            );
            let answer = street.send(&format!("GET {path}"), &lines);
            assert_eq!((answer.status, answer.header("remote-user")), (404, None), "{:?} {path}", street.kind);
        }
        // Nor by the name under which nginx asks.
        let inner = street.send("GET /_vestibule", "");
        assert_ne!(inner.status, 200, "{:?}", street.kind);
        assert_eq!(inner.header("remote-user"), None);
        street.assert_nothing_arrived("nothing was asked of the app");
    }
}

/// Some proxies take `/gateway/ext-authz/../../x` for `/x`, and pass it on as it was written.
#[test]
fn no_page_of_an_app_reads_what_the_gate_says_of_its_visitor() {
    for street in streets() {
        let ann = street.ann();
        let cookies = Street::cookies_of(&ann);
        for (host, path) in [("auth.example.com", "login"), ("app.example.com", ".vestibule/x")] {
            let escaped = path.replace('/', "%2f");
            for path in [format!("../../{path}"), format!("%2e%2e/.%2E/{path}"), format!("..%2f..%2f{escaped}")] {
                let lines = format!("Host: {host}\r\n{cookies}X-Forwarded-Proto: http\r\n");
                let answer = street.send(&format!("GET /gateway/ext-authz/{path}"), &lines);
                let said = ["remote-user", "vestibule-assertion"].map(|name| answer.header(name));
                assert_eq!(said, [None; 2], "{:?} {host} {path}: {answer:?}", street.kind);
            }
        }
    }
}

#[test]
fn the_script_for_the_pages_of_apps_is_everybodys() {
    for street in streets() {
        let answer = street.send("GET /gateway/step-up.js", "Host: auth.example.com\r\n");
        assert_eq!(answer.status, 200, "{:?}", street.kind);
        let kind = answer.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("text/javascript"), "{:?}: {kind}", street.kind);
        let script = answer.text();
        assert!(script.contains("insufficient_user_authentication"), "{:?}", street.kind);
        // Nobody asks the gate by way of it.
        for path in ["ext-authz/../step-up.js", "ext-authz/%2e%2e/step-up.js", "ext-authz/..%2fstep-up.js"] {
            let answer = street.send(&format!("GET /gateway/{path}"), "Host: auth.example.com\r\n");
            let is_hidden = matches!(answer.status, 400 | 404) || answer.text() == script;
            assert!(is_hidden, "{:?} {path}: {answer:?}", street.kind);
        }
    }
}

#[test]
fn no_cookie_but_the_gates_own_opens_an_app() {
    for street in streets() {
        let ann = street.ann();
        let (portal, gate) = (ann.portal_token(), ann.gate_token());
        let worthless = [
            format!("Cookie: vestibule_session={portal}\r\n"),
            format!("Cookie: vestibule_gate={portal}\r\n"),
            format!("Cookie: vestibule_session={gate}\r\n"),
            format!("Cookie: __Secure-vestibule_gate={gate}\r\n"),
            format!("Authorization: Bearer {gate}\r\n"),
            format!("Cookie: vestibule_gate={}\r\n", "A".repeat(64)),
            "Cookie: ;;;==;\r\n".to_owned(),
        ];
        for lines in worthless {
            let answer = street.send("GET /x", &lines);
            assert!(matches!(answer.status, 302 | 401), "{:?} {lines}: {}", street.kind, answer.status);
        }
        street.assert_nothing_arrived("nobody came with the right cookie");
        let tossed = format!("Cookie: vestibule_gate={}; vestibule_gate={gate}\r\n", "A".repeat(64));
        assert_eq!(street.send("GET /x", &tossed).status, 200, "{:?}", street.kind);
    }
}

#[test]
fn where_a_visitor_comes_from_is_not_the_visitors_to_say() {
    for street in streets() {
        street.service.signed_up("bob@example.com");
        let forged = "203.0.113.9, 127.0.0.1";
        let mut browser = street.browser().with_header("X-Forwarded-For", forged).with_header("X-Real-IP", forged);
        assert_eq!(sign_in(&mut browser, "bob@example.com", PASSWORD).status, 303);
        let seen = street.service.text("SELECT host(address) AS t FROM sessions");
        assert_eq!(seen, "127.0.0.1", "{:?}", street.kind);
    }
}
