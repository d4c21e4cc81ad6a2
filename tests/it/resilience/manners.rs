//! Clients that send too much, too slowly, or not at all.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use vestibule::web::routes;

use super::client::Client;
use super::service::{Service, get};
use crate::support::postgres::OwnServer;
use crate::support::raw::Connection;

const HUGE: usize = 10 * 1024 * 1024;

fn started() -> (OwnServer, Service) {
    let server = OwnServer::start();
    let service = Service::start(&[("DATABASE__URL", &server.url())]);
    (server, service)
}

/// The answer to a body that is sent until nobody takes it any more.
fn pour(port: u16, head: &str, body: &[u8]) -> io::Result<u16> {
    let mut connection = Connection::open(port)?;
    connection.write(head)?;
    for piece in body.chunks(64 * 1024) {
        if connection.write(piece).is_err() {
            break;
        }
    }
    connection.answer().map(|answer| answer.status)
}

#[test]
fn a_huge_body_is_refused_quickly_and_costs_no_memory() {
    let (_server, service) = started();
    let port = service.port();
    let mut client = Client::new(port, "ann@example.com");
    assert_eq!(client.sign_up().unwrap().status, 202);
    assert_eq!(client.sign_in().unwrap().status, 200);
    let before = service.peak_memory();
    let body = vec![b'a'; HUGE];
    let chunk = [b"100000\r\n".as_slice(), &vec![b'a'; 1024 * 1024], b"\r\n"].concat().repeat(10);
    for endpoint in routes::personal().iter().filter(|endpoint| !endpoint.method.is_safe()) {
        for kind in ["application/json", "application/x-www-form-urlencoded"] {
            let name = format!("{} {} {kind}", endpoint.method, endpoint.path);
            let since = Instant::now();
            let length = format!("Content-Type: {kind}\r\nContent-Length: {HUGE}\r\n");
            let head = client.request(endpoint.method.as_str(), endpoint.path, &length, "");
            let status = pour(port, &head, &body).unwrap_or_else(|error| panic!("{name}: no answer: {error}"));
            assert_eq!(status, 413, "{name}");
            // Without saying how long it is: only who reads it can know.
            let chunked = format!("Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n");
            let head = client.request(endpoint.method.as_str(), endpoint.path, &chunked, "");
            let status = pour(port, &head, &chunk).unwrap_or_else(|error| panic!("{name}: no answer: {error}"));
            assert!((200..500).contains(&status), "{name}: {status}");
            assert!(since.elapsed() < Duration::from_secs(4), "{name}: {:?}", since.elapsed());
            if endpoint.method == Method::POST && endpoint.path == "/auth/logout" {
                assert_eq!(client.sign_in().unwrap().status, 200);
            }
        }
    }
    let grown = service.peak_memory() - before;
    assert!(grown < 32, "{grown} MiB more than before");
    assert_eq!(client.sign_in().unwrap().status, 200);
}

/// Until the service hangs up; `trickle` is sent once a second. Returns what was answered.
fn wait_for_the_end(port: u16, opening: &str, trickle: &str) -> (Duration, String) {
    let since = Instant::now();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.write_all(opening.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let (mut said, mut bytes) = (Vec::new(), [0; 4096]);
    while since.elapsed() < Duration::from_secs(30) {
        match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(length) => said.extend_from_slice(&bytes[..length]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                if stream.write_all(trickle.as_bytes()).is_err() {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    (since.elapsed(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn whoever_stalls_is_not_waited_for() {
    let (_server, service) = started();
    let port = service.port();
    let host = format!("Host: localhost:{port}\r\n");
    let json =
        format!("POST /auth/login HTTP/1.1\r\n{host}Content-Type: application/json\r\nContent-Length: 90\r\n\r\n");
    let form = format!(
        "POST /login HTTP/1.1\r\n{host}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 90\r\n\r\n"
    );
    let unread = format!("POST /auth/logout HTTP/1.1\r\n{host}Content-Length: 90\r\n\r\n");
    let chunked = json.replace("Content-Length: 90", "Transfer-Encoding: chunked");
    let unread_chunked = unread.replace("Content-Length: 90", "Transfer-Encoding: chunked");
    let cases = [
        ("a connection without a word", String::new(), "", ""),
        ("a head that stops", format!("GET /login HTTP/1.1\r\n{host}"), "", ""),
        ("a head that trickles", format!("GET /login HTTP/1.1\r\n{host}"), "X-More: 1\r\n", ""),
        ("a JSON body that stops", format!("{json}{{\"email\":"), "", " 408 "),
        ("a JSON body that trickles", format!("{json}{{\"email\":"), " ", " 408 "),
        ("a chunked body that stops", format!("{chunked}5\r\n{{\"ema"), "", " 408 "),
        ("a chunked body that nobody reads", format!("{unread_chunked}5\r\n{{\"ema"), "", " 401 "),
        ("a form that trickles", form, "a", " 408 "),
        ("a body that nobody reads", unread, "", " 401 "),
        ("a connection with nothing more to say", format!("GET /healthz HTTP/1.1\r\n{host}\r\n"), "", " 200 "),
    ];
    let waiting = cases.map(|(name, opening, trickle, status)| {
        thread::spawn(move || (name, status, wait_for_the_end(port, &opening, trickle)))
    });
    for thread in waiting {
        let (name, status, (took, said)) = thread.join().unwrap();
        assert!(took < Duration::from_secs(16), "{name} was waited for: {took:?} {said}");
        assert!(said.lines().next().unwrap_or_default().contains(status), "{name}: {said}");
    }
    assert_eq!(get(port, "/healthz").unwrap().status, 200);
}

#[test]
fn a_flood_of_headers_is_refused() {
    let (_server, service) = started();
    let port = service.port();
    let before = service.peak_memory();
    let many = "X-Header: value\r\n".repeat(5000);
    let long = format!("X-Long: {}\r\n", "a".repeat(2 * 1024 * 1024));
    let cookies = format!("Cookie: {}\r\n", "vestibule_session=x; ".repeat(4000));
    for (name, headers) in [("many", many), ("long", long), ("cookies", cookies)] {
        for _ in 0..10 {
            let mut connection = Connection::open(port).unwrap();
            let request = format!("GET /login HTTP/1.1\r\nHost: localhost:{port}\r\n{headers}\r\n");
            // A connection that was closed before all was sent may lose the answer; what counts is that it is one.
            let answer = connection.write(request).and_then(|()| connection.answer());
            if let Ok(answer) = answer {
                assert!((200..500).contains(&answer.status), "{name}: {}", answer.status);
            }
        }
        assert_eq!(get(port, "/login").unwrap().status, 200, "after {name}");
    }
    let grown = service.peak_memory() - before;
    assert!(grown < 32, "{grown} MiB more than before");
}
