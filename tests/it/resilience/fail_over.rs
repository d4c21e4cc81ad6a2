//! A server that takes no writes any more, and another one that does.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::client::Client;
use super::service::Service;
use super::sql::{count, execute};
use crate::support::postgres::OwnServer;
use crate::support::within;

const TO_RECOVER: Duration = Duration::from_secs(5);

/// As `ALTER SYSTEM` does it on a primary that is to be one no longer.
pub fn take_writes(server: &OwnServer, yes_or_no: bool) {
    let value = if yes_or_no { "off" } else { "on" };
    execute(&server.url(), &format!("ALTER SYSTEM SET default_transaction_read_only = {value}"));
    execute(&server.url(), "SELECT pg_reload_conf()");
    let said = "SELECT count(*) AS n FROM pg_settings WHERE name = 'default_transaction_read_only' AND setting = ";
    let known = within(TO_RECOVER, || (count(&server.url(), &format!("{said}'{value}'")) == 1).then_some(()));
    assert!(known.is_some(), "the server does not say {value}");
}

fn signed_in(service: &Service, email: &str) -> Client {
    let mut client = Client::new(service.port(), email);
    assert_eq!(client.sign_up().unwrap().status, 202);
    assert_eq!(client.sign_in().unwrap().status, 200);
    client
}

#[test]
fn a_server_that_takes_no_writes_is_unavailable_for_changes_and_good_for_reading() {
    let server = OwnServer::start();
    let service = Service::start(&[("DATABASE__URL", &server.url())]);
    let mut client = signed_in(&service, "ann@example.com");
    take_writes(&server, false);
    let until = Instant::now() + Duration::from_millis(1500);
    while Instant::now() < until {
        let refused = client.rename("Bob").unwrap();
        assert_eq!((refused.status, refused.text().contains("\"unavailable\"")), (503, true), "{}", refused.text());
        let me = client.me().unwrap();
        assert_eq!((me.status, me.text().contains("\"Ann\"")), (200, true), "{}", me.text());
        thread::sleep(Duration::from_millis(50));
    }
    take_writes(&server, true);
    let recovered = within(TO_RECOVER, || (client.rename("Bob").unwrap().status == 200).then_some(()));
    assert!(recovered.is_some(), "{}", service.log());
    assert_eq!(client.sign_in().unwrap().status, 200);
}

#[test]
fn the_service_moves_to_the_server_that_takes_writes_and_never_asks_the_other_again() {
    let (old, new) = (OwnServer::start(), OwnServer::start());
    let folder = |server: &OwnServer| server.socket().parent().expect("a folder").display().to_string();
    let (first, second) = (folder(&old), folder(&new));
    let url = format!(
        "postgresql:///vestibule?host={first},{second}&port=5432,5432&user=vestibule&target_session_attrs=read-write"
    );
    let service = Service::start(&[("DATABASE__URL", &url)]);
    let ann = signed_in(&service, "ann@example.com");
    copy(&old, &new);
    // The old one stays up and answers: only it hears of nothing new.
    take_writes(&old, false);
    let mut bob = Client::new(service.port(), "bob@example.com");
    let moved = within(TO_RECOVER, || {
        assert_eq!(ann.me().unwrap().status, 200, "a live session was not found");
        let answer = bob.sign_up().unwrap();
        assert!([202, 503].contains(&answer.status), "{}", answer.text());
        (answer.status == 202).then_some(())
    });
    assert!(moved.is_some(), "{}", service.log());
    assert_eq!(bob.sign_in().unwrap().status, 200);
    for _ in 0..20 {
        for client in [&ann, &bob] {
            assert_eq!(client.me().unwrap().status, 200, "{} was looked for on the old server", client.email);
        }
    }
    let people = "SELECT count(*) AS n FROM users";
    assert_eq!((count(&old.url(), people), count(&new.url(), people)), (1, 2));
}

/// What replication would have done.
pub fn copy(from: &OwnServer, to: &OwnServer) {
    let mut dump = Command::new("pg_dump").arg("-d").arg(from.url()).stdout(Stdio::piped()).spawn().expect("pg_dump");
    let read = Command::new("psql")
        .args(["-q", "-v", "ON_ERROR_STOP=1", "-d"])
        .arg(to.url())
        .stdin(dump.stdout.take().expect("a pipe"))
        .stdout(Stdio::null())
        .status();
    assert!(read.expect("psql").success() && dump.wait().expect("pg_dump").success());
}
