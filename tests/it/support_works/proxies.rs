use std::io::Cursor;

use crate::support::echo::{Echo, Received};
use crate::support::http::{Otherwise, find, read_body, read_head};
use crate::support::proxy::Proxy;
use crate::support::raw::{self, Connection};

fn nginx(app: &Echo) -> Proxy {
    let app = app.port();
    Proxy::nginx(|port| {
        format!(
            "server {{
                listen 127.0.0.1:{port};
                server_name app.example.com;
                proxy_http_version 1.1;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection $http_connection;
                location / {{ proxy_pass http://127.0.0.1:{app}; proxy_set_header X-Name $server_name; }}
                location /tunnel {{ proxy_pass http://127.0.0.1:{app}; }}
            }}"
        )
    })
}

fn caddy(app: &Echo) -> Proxy {
    let app = app.port();
    Proxy::caddy(|port| {
        format!("http://app.example.com:{port} {{\n reverse_proxy 127.0.0.1:{app} {{\n header_up X-Name caddy\n }}\n}}")
    })
}

#[test]
fn an_app_behind_nginx_and_caddy_tells_what_reached_it() {
    let app = Echo::start();
    for (proxy, name) in [(nginx(&app), "app.example.com"), (caddy(&app), "caddy")] {
        let answer = raw::send(
            proxy.port(),
            "POST /a%2Fb?c=d HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\nX-Twice: one\r\nX-Twice: two\r\n\
             Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        );
        assert_eq!(answer.status, 200, "{}", answer.text());
        let received: Received = answer.json();
        assert_eq!((received.method.as_str(), received.uri.as_str()), ("POST", "/a%2Fb?c=d"));
        assert_eq!((received.header("x-name"), received.body.as_str()), (Some(name), "hello"));
        assert_eq!(received.headers.iter().filter(|(name, _)| name == "X-Twice").count(), 2);
    }
    assert_eq!(app.received().len(), 2);
}

#[test]
fn an_upgraded_connection_carries_bytes_both_ways() {
    let app = Echo::start();
    for proxy in [nginx(&app), caddy(&app)] {
        let mut connection = Connection::open(proxy.port()).unwrap();
        connection
            .write(
                "GET /tunnel HTTP/1.1\r\nHost: app.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            )
            .unwrap();
        assert_eq!(connection.answer().unwrap().status, 101);
        for word in ["ping", "pong"] {
            connection.write(word).unwrap();
            assert_eq!(connection.read(4).unwrap(), word.as_bytes());
        }
    }
}

#[test]
fn one_connection_takes_request_after_request_and_head_has_no_body() {
    let app = Echo::start();
    let mut connection = Connection::open(app.port()).unwrap();
    for method in ["HEAD", "GET"] {
        connection.write(format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n")).unwrap();
        let answer = connection.answer().unwrap();
        assert_eq!(answer.body().is_empty(), method == "HEAD");
        assert_eq!(answer.headers("Content-Type"), ["application/json"]);
    }
}

#[test]
fn a_closed_connection_is_an_error_and_not_an_answer() {
    let silent = Proxy::nginx(|port| format!("server {{ listen 127.0.0.1:{port}; return 444; }}"));
    assert!(raw::try_send(silent.port(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n").is_err());
    let port = silent.port();
    drop(silent);
    assert!(raw::try_send(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").is_err());
}

#[test]
#[should_panic(expected = "unknown directive")]
fn a_mistake_in_a_configuration_shows_the_log() {
    drop(Proxy::nginx(|_| "nonsense;".to_owned()));
}

#[test]
fn a_body_ends_where_its_headers_say() {
    for (wire, otherwise, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", Otherwise::UntilClose, Some("abc")),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdef", Otherwise::UntilClose, None),
        ("HTTP/1.1 200 OK\r\n\r\nabcdef", Otherwise::UntilClose, Some("abcdef")),
        ("GET / HTTP/1.1\r\n\r\nabcdef", Otherwise::NoBody, Some("")),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\nz",
            Otherwise::UntilClose,
            Some("abc0123456789"),
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", Otherwise::UntilClose, None),
    ] {
        let mut wire = Cursor::new(wire);
        let mut message = read_head(&mut wire).unwrap().unwrap();
        let read = read_body(&mut wire, &mut message, otherwise).ok();
        assert_eq!(read.map(|()| String::from_utf8(message.body).unwrap()).as_deref(), body, "{}", message.start);
    }
    let head = read_head(&mut Cursor::new("GET / HTTP/1.1\r\nA:  b c \r\na: d\r\n\r\n")).unwrap().unwrap();
    assert_eq!(find(&head.headers, "a"), Some("b c"));
    assert!(read_head(&mut Cursor::new("")).unwrap().is_none());
    assert!(read_head(&mut Cursor::new("GET / HTTP/1.1\r\nA: b")).is_err());
}
