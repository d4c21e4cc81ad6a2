//! Told to stop: what is under way is finished, nothing new is begun, and it takes less than ten seconds.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::{Client, PASSWORD};
use super::service::{Service, get};
use super::sql::count;
use crate::support::postgres::OwnServer;
use crate::support::raw::Connection;
use crate::support::tcp::Wire;
use crate::support::{eventually, raw};

const AT_MOST: Duration = Duration::from_secs(10);

const COUNTED: &str = "SELECT coalesce(sum(attempts), 0) AS n FROM throttles WHERE scope = 'login.network'";

fn head(port: u16, length: usize) -> String {
    format!(
        "POST /auth/login HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// Half a request, and the half that is missing.
fn begin(port: u16) -> (Connection, String) {
    let body = json!({ "email": "ann@example.com", "password": PASSWORD }).to_string();
    let (now, later) = body.split_at(10);
    let mut connection = Connection::open(port).unwrap();
    connection.write(head(port, body.len()) + now).unwrap();
    (connection, later.to_owned())
}

/// A whole request to sign in somebody unknown, which takes as long as any.
fn try_to_get_in(port: u16, n: usize) -> Connection {
    let body = json!({ "email": format!("nobody-{n}@example.com"), "password": PASSWORD }).to_string();
    let mut connection = Connection::open(port).unwrap();
    connection.write(head(port, body.len()) + &body).unwrap();
    connection
}

/// A connection that is known to have been taken up, since something was answered on it.
fn greet(port: u16) -> Connection {
    let mut connection = Connection::open(port).unwrap();
    connection.write(format!("GET /healthz HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n")).unwrap();
    assert_eq!(connection.answer().unwrap().status, 200);
    connection
}

fn refuses(port: u16) -> bool {
    matches!(Connection::open(port), Err(error) if error.kind() == io::ErrorKind::ConnectionRefused)
}

#[test]
fn what_is_under_way_is_answered_and_nothing_new_is_begun() {
    let server = OwnServer::start();
    for signal in ["TERM", "INT"] {
        let often = ("LIMITS__LOGIN_PER_NETWORK", "1000 per 15m");
        let mut service = Service::start(&[("DATABASE__URL", &server.url()), often]);
        let port = service.port();
        assert_eq!(Client::new(port, "ann@example.com").sign_up().unwrap().status, 202);
        let (mut slow, rest) = begin(port);
        let counted = || count(&server.url(), COUNTED);
        let before = counted();
        let queue: Vec<_> = (0..40).map(|n| try_to_get_in(port, n)).collect();
        // Each attempt is counted before its password waits to be checked.
        eventually("all to have begun", || (counted() == before + 40).then_some(()));
        service.signal(signal);
        let since = Instant::now();
        eventually("new connections to be refused", || refuses(port).then_some(()));
        slow.write(rest).unwrap();
        assert_eq!(slow.answer().expect("an answer to the slow one").status, 200);
        for mut connection in queue {
            assert_eq!(connection.answer().expect("an answer to each that waits").status, 401);
        }
        let status = service.end_within(AT_MOST);
        assert_eq!(status.code(), Some(0), "{signal}:\n{}", service.log());
        assert!(since.elapsed() < AT_MOST, "{signal}: {:?}", since.elapsed());
    }
}

#[test]
fn a_client_that_never_finishes_cannot_keep_it() {
    let server = OwnServer::start();
    let mut service = Service::start(&[("DATABASE__URL", &server.url())]);
    let (_never_finished, _) = begin(service.port());
    let _idle = greet(service.port());
    service.signal("TERM");
    let status = service.end_within(AT_MOST);
    assert_eq!(status.code(), Some(0), "{}", service.log());
}

#[test]
fn a_second_signal_ends_it_at_once_and_the_private_cluster_too() {
    let mut service = Service::start(&[]);
    let (_never_finished, _) = begin(service.port());
    service.signal("INT");
    let port = service.port();
    eventually("new connections to be refused", || refuses(port).then_some(()));
    let since = Instant::now();
    service.signal("TERM");
    service.end_within(AT_MOST);
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    assert!(!service.data_dir().join("postgres/data/postmaster.pid").exists(), "{}", service.log());
}

#[test]
fn a_signal_that_comes_while_it_starts_is_heard() {
    let mut service = Service::launch(&[]);
    let home = service.data_dir().join("postgres");
    // The first start makes a cluster, which takes a while.
    eventually("the cluster to be in the making", || home.exists().then_some(()));
    service.signal("TERM");
    let status = service.end_within(AT_MOST);
    assert_eq!(status.code(), Some(0), "{}", service.log());
    assert!(home.join("data").exists() && !home.join("data/postmaster.pid").exists(), "{}", service.log());
}

#[test]
fn it_ends_in_order_while_postgresql_is_gone_or_silent() {
    let mut server = OwnServer::start();
    let wire = Wire::to(&server.socket());
    let silenced = format!("postgresql://vestibule@127.0.0.1:{}/vestibule", wire.port());
    let mut services = [server.url(), silenced].map(|url| Service::start(&[("DATABASE__URL", &url)]));
    let clients: Vec<_> = services
        .iter()
        .map(|service| {
            let mut client = Client::new(service.port(), "ann@example.com");
            assert_eq!(client.sign_up().unwrap().status, 202);
            assert_eq!(client.sign_in().unwrap().status, 200);
            client
        })
        .collect();
    wire.silence();
    server.stop();
    // Each waits for an answer that will not come.
    let waiting: Vec<_> = clients.iter().map(ask).collect();
    for service in &mut services {
        // That takes a second of silence, in which the jobs have begun to wait as well.
        assert_eq!(get(service.port(), "/readyz").unwrap().status, 503);
        service.signal("TERM");
    }
    for service in &mut services {
        let status = service.end_within(AT_MOST);
        assert_eq!(status.code(), Some(0), "{}", service.log());
    }
    for thread in waiting {
        // A service that is cut off from everything may hang up, and must not lie.
        if let Ok(answer) = thread.join().unwrap() {
            assert_eq!(answer.status, 503, "{}", answer.text());
        }
    }
}

fn ask(client: &Client) -> thread::JoinHandle<io::Result<raw::Answer>> {
    let client = client.clone();
    thread::spawn(move || client.me())
}
