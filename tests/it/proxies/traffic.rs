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
        for length in [0, 3, 70_000, 1_000_000] {
            let body = "0123456789".repeat(length / 10 + 1)[..length].to_owned();
            let lines = format!("Content-Length: {length}\r\n{cookies}");
            let answer = raw::send(street.proxy.port(), format!("{}{body}", Street::request("POST /x", &lines)));
            assert_eq!(answer.status, 200, "{:?} {length}", street.kind);
            let received = street.app.received().pop().expect("a request");
            assert_eq!((received.method.as_str(), received.body.len()), ("POST", length), "{:?}", street.kind);
            assert!(received.body == body, "{:?}: the body was changed", street.kind);
        }
        let chunked = Street::request("PUT /x", &format!("Transfer-Encoding: chunked\r\n{cookies}"));
        let answer = raw::send(street.proxy.port(), format!("{chunked}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"));
        assert_eq!(answer.status, 200, "{:?}", street.kind);
        assert_eq!(street.app.received().pop().expect("a request").body, "hello world");
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
        assert_eq!(location, "http://auth.example.com/login?return_to=http%3A%2F%2Fapp.example.com%2Fx");
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
