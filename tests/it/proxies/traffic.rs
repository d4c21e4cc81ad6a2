//! Everything that is not a plain page: bodies, sockets, long addresses, and the service away.

use super::street::{Kind, Street, streets};
use crate::support::raw::{self, Connection};

const HANDSHAKE: &str = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[test]
fn a_body_arrives_whole() {
    for street in streets() {
        let ann = street.ann();
        let cookies = Street::cookies_of(&ann);
        // nginx takes 1 MiB unless told otherwise.
        let longest = if street.kind == Kind::Nginx { 1_000_000 } else { 10_000_000 };
        for length in [0, 3, 70_000, longest] {
            let body = "0123456789".repeat(length / 10 + 1)[..length].to_owned();
            let lines = format!("Content-Length: {length}\r\n{cookies}");
            let answer = raw::send(street.proxy.port(), format!("{}{body}", Street::request("POST /x", &lines)));
            assert_eq!(answer.status, 200, "{:?} {length}", street.kind);
            let received = street.app.received().pop().expect("a request");
            assert_eq!((received.method.as_str(), received.body.len()), ("POST", length), "{:?}", street.kind);
            assert!(received.body == body, "{:?}: the body was changed", street.kind);
        }
    }
}

#[test]
fn a_body_in_chunks_arrives_whole() {
    for street in streets() {
        let cookies = Street::cookies_of(&street.ann());
        let head = Street::request("PUT /x", &format!("Transfer-Encoding: chunked\r\n{cookies}"));
        let chunk = "0123456789abcdef".repeat(0x1000);
        for (count, expected) in [(0, 0), (1, 0x10000), (10, 0xa_0000)] {
            let body = format!("10000\r\n{chunk}\r\n").repeat(count);
            let answer = raw::send(street.proxy.port(), format!("{head}{body}0\r\n\r\n"));
            assert_eq!(answer.status, 200, "{:?}", street.kind);
            let received = street.app.received().pop().expect("a request");
            assert!(received.body == chunk.repeat(count) && received.body.len() == expected, "{:?}", street.kind);
        }
    }
}

#[test]
fn a_body_of_somebody_who_is_stopped_reaches_nobody() {
    for street in streets() {
        for (start, status) in [("POST /x", 401), ("POST /closed/x", 403)] {
            let lines = "Accept: application/json\r\nContent-Length: 3000\r\n";
            let body = "x".repeat(3000);
            let answer = raw::send(street.proxy.port(), format!("{}{body}", Street::request(start, lines)));
            let expected = if street.kind == Kind::Nginx && status == 401 { 302 } else { status };
            assert_eq!(answer.status, expected, "{:?} {start}", street.kind);
        }
        street.assert_nothing_arrived("nobody has signed in");
    }
}

/// RFC 9110, section 10.1.1: whoever waits for a 100 gets it, or the final answer.
#[test]
fn a_client_that_asks_whether_to_send_its_body_is_answered() {
    for street in streets() {
        let cookies = Street::cookies_of(&street.ann());
        let lines = "Accept: application/json\r\nExpect: 100-continue\r\nContent-Length: 11\r\n";
        let whole = |lines: &str| {
            let mut connection = Connection::open(street.proxy.port()).unwrap();
            connection.write(Street::request("POST /x", lines)).unwrap();
            let mut answer = connection.answer().unwrap();
            let was_asked_to = answer.status == 100;
            if was_asked_to {
                connection.write("hello world").unwrap();
            }
            while answer.status == 100 {
                answer = connection.answer().unwrap();
            }
            (was_asked_to, answer.status)
        };
        assert_eq!(whole(&format!("{lines}{cookies}")), (true, 200), "{:?}", street.kind);
        assert_eq!(street.received().body, "hello world", "{:?}", street.kind);
        let (_, refused) = whole(lines);
        assert_eq!(refused, if street.kind == Kind::Nginx { 302 } else { 401 }, "{:?}", street.kind);
        assert_eq!(street.app.received().len(), 1, "{:?}", street.kind);
    }
}

/// Whether somebody looks at what comes back, by all that a browser or a program may say.
#[test]
fn browsers_are_led_to_sign_in_and_programs_are_told() {
    const HTML: &str = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n";
    let navigate = format!("{HTML}Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n");
    let cases = [
        (HTML.to_owned(), 302),
        (navigate.clone(), 302),
        ("Accept: */*\r\nSec-Fetch-Mode: navigate\r\n".to_owned(), 302),
        (String::new(), 401),
        ("Accept: */*\r\n".to_owned(), 401),
        ("Accept: application/json\r\n".to_owned(), 401),
        (format!("{HTML}Sec-Fetch-Mode: cors\r\n"), 401),
        (format!("{HTML}Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n"), 401),
        (format!("{HTML}X-Requested-With: XMLHttpRequest\r\n"), 401),
        (format!("{navigate}X-Requested-With: XMLHttpRequest\r\n"), 401),
    ];
    for street in streets() {
        for (lines, expected) in &cases {
            for method in ["GET", "HEAD", "POST", "DELETE"] {
                let is_fetch = method == "GET" || method == "HEAD";
                let expected = match (street.kind, *expected) {
                    // Its configuration leads everybody there, but for programs' own folder and what says that it is a
                    // script or an image.
                    (Kind::Nginx, _) => {
                        if lines.contains("cors") {
                            401
                        } else {
                            302
                        }
                    }
                    (_, 302) if !is_fetch => 303,
                    (_, status) => status,
                };
                let answer = street.send(&format!("{method} /x"), lines);
                assert_eq!(answer.status, expected, "{:?} {method} {lines}", street.kind);
                assert_eq!(street.send(&format!("{method} /closed/x"), lines).status, 403, "{:?}", street.kind);
            }
        }
        street.assert_nothing_arrived("nobody has signed in");
    }
}

#[test]
fn cookies_as_long_as_a_proxy_takes_them_are_no_hindrance() {
    for street in streets() {
        let cookies = Street::cookies_of(&street.ann());
        let own = cookies.trim_end().strip_prefix("Cookie: ").expect("a cookie");
        let many: Vec<String> = (0..40).map(|number| format!("a{number}={}; ", "x".repeat(140))).collect();
        let many = many.concat();
        assert_eq!(street.send("GET /x", &format!("Cookie: {many}{own}\r\n")).status, 200, "{:?}", street.kind);
        let told = street.received();
        assert!(told.header("cookie").is_some_and(|told| told.contains("a39=xxx")), "{:?}", street.kind);
        // In several lines, as HTTP/2 has them.
        let lines = format!("Cookie: first=1\r\nCookie: {own}\r\nCookie: last=2\r\n");
        assert_eq!(street.send("GET /x", &lines).status, 200, "{:?}", street.kind);
        let told = street.app.received().pop().expect("a request");
        let told: Vec<&str> = told
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"))
            .map(|(_, value)| value.as_str())
            .collect();
        let told = told.join("; ");
        assert!(told.contains("first=1") && told.contains("last=2"), "{:?}: {told}", street.kind);
        assert_eq!(told.contains("vestibule"), street.kind == Kind::Traefik, "{:?}: {told}", street.kind);
    }
}

#[test]
fn a_form_that_meets_an_ended_session_leads_to_the_sign_in_page() {
    for street in streets() {
        let lines = "Accept: text/html\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n";
        let answer = raw::send(street.proxy.port(), format!("{}a=b", Street::request("POST /x", lines)));
        let expected = if street.kind == Kind::Nginx { 302 } else { 303 };
        assert_eq!(answer.status, expected, "{:?}", street.kind);
        let location = answer.header("location").expect("a Location");
        assert_eq!(
            location,
            "http://auth.example.com/login?return_to=%2Funsent%3Freturn_to%3Dhttp%253A%252F%252Fapp.example.com%252Fx%26sent%3DPOST%2B%252Fx"
        );
        street.assert_nothing_arrived("nobody has signed in");
    }
}

#[test]
fn head_has_no_body_and_is_judged_like_get() {
    for street in streets() {
        let ann = street.ann();
        let answer = street.send("HEAD /x", &Street::cookies_of(&ann));
        assert_eq!((answer.status, answer.body()), (200, &b""[..]), "{:?}", street.kind);
        assert_eq!(street.received().method, "HEAD");
        assert_eq!(street.send("HEAD /x", "Accept: text/html\r\n").status, 302, "{:?}", street.kind);
        assert_eq!(street.send("HEAD /closed/x", "").status, 403, "{:?}", street.kind);
        assert_eq!(street.app.received().len(), 1);
    }
}

#[test]
fn a_websocket_opens_for_a_person_of_the_house() {
    for street in streets() {
        let ann = street.ann();
        let cookies = Street::cookies_of(&ann);
        let mut connection = Connection::open(street.proxy.port()).unwrap();
        let request =
            format!("GET /socket HTTP/1.1\r\nHost: app.example.com\r\nConnection: Upgrade\r\n{HANDSHAKE}{cookies}\r\n");
        connection.write(request).unwrap();
        assert_eq!(connection.answer().unwrap().status, 101, "{:?}", street.kind);
        connection.write("ping").unwrap();
        assert_eq!(connection.read(4).unwrap(), b"ping");
        assert_eq!(street.received().header("remote-user"), Some(ann.id.as_str()));
    }
}

#[test]
fn a_websocket_opens_for_nobody_else() {
    for street in streets() {
        for path in ["/api/socket", "/socket"] {
            let mut connection = Connection::open(street.proxy.port()).unwrap();
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: app.example.com\r\nConnection: Upgrade\r\nAccept: text/html\r\n{HANDSHAKE}\r\n"
            );
            connection.write(request).unwrap();
            let status = connection.answer().unwrap().status;
            assert_eq!(status, 401, "{:?} {path}", street.kind);
        }
        street.assert_nothing_arrived("nobody has signed in");
    }
}

#[test]
fn a_long_address_is_no_dead_end() {
    for street in streets() {
        let path = format!("/x?{}", "key=value&".repeat(600));
        let stopped = street.send(&format!("GET {path}"), "Accept: text/html\r\n");
        assert_eq!(stopped.status, 302, "{:?}", street.kind);
        let location = stopped.header("location").expect("a Location");
        assert_eq!(location, "http://auth.example.com/login?return_to=http%3A%2F%2Fapp.example.com%2F");
        let ann = street.ann();
        assert_eq!(street.send(&format!("GET {path}"), &Street::cookies_of(&ann)).status, 200, "{:?}", street.kind);
        assert_eq!(street.received().uri, path);
    }
}

#[test]
fn without_the_service_everything_is_closed() {
    for street in streets() {
        let cookies = Street::cookies_of(&street.ann());
        assert_eq!(street.send("GET /public/x", "").status, 200, "{:?}", street.kind);
        let Street { kind, proxy, app, service } = street;
        drop(service);
        for path in ["/public/x", "/x", "/closed/x"] {
            let answer = raw::send(proxy.port(), Street::request(&format!("GET {path}"), &cookies));
            assert!((500..600).contains(&answer.status), "{kind:?} {path}: {}", answer.status);
        }
        assert_eq!(app.received().len(), 1, "{kind:?}");
    }
}
