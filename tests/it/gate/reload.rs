//! Other rules while the service runs.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::house::{Door, Question};
use crate::resilience::client::{Client, PASSWORD};
use crate::resilience::service::{KEY, Service};
use crate::support::command::said;
use crate::support::eventually;
use crate::support::postgres::OwnServer;
use crate::support::process::Folder;
use crate::support::raw::{self, Connection};

const OPEN: &str = "[[gateway.rules]]\nhosts = ['localhost:8081']\nallow = 'public'\n";
const CLOSED: &str = "[[gateway.rules]]\nhosts = ['localhost:8081']\nallow = 'deny'\n";
const ASKED: &str = "http://localhost:8081/x";

/// A folder with a configuration file.
struct Written {
    _folder: Folder,
    path: PathBuf,
}

impl Written {
    fn new(text: &str) -> Self {
        let folder = Folder::make("configuration", "TERM");
        let path = folder.path().join("vestibule.toml");
        fs::write(&path, text).unwrap();
        Self { _folder: folder, path }
    }

    fn rewrite(&self, text: &str) {
        fs::write(&self.path, text).unwrap();
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

fn serve(server: &OwnServer, file: &Written) -> Service {
    Service::start(&[("DATABASE__URL", &server.url()), ("$VESTIBULE_CONFIG", file.path())])
}

fn ask(service: &Service) -> u16 {
    raw::send(service.port(), Question::about(Door::ForwardAuth, ASKED).bytes()).status
}

#[test]
fn other_rules_hold_after_a_signal_and_nothing_under_way_is_dropped() {
    let (server, file) = (OwnServer::start(), Written::new(CLOSED));
    let mut service = serve(&server, &file);
    let port = service.port();
    assert_eq!(Client::new(port, "ann@example.com").sign_up().unwrap().status, 202);
    assert_eq!(ask(&service), 403);
    let body = json!({ "email": "ann@example.com", "password": PASSWORD }).to_string();
    let (now, later) = body.split_at(10);
    let mut slow = Connection::open(port).unwrap();
    let head = format!(
        "POST /auth/login HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    slow.write(head + now).unwrap();
    for (text, status) in [(OPEN, 200), (CLOSED, 403), (OPEN, 200)] {
        file.rewrite(text);
        service.signal("HUP");
        eventually("the other rules to hold", || (ask(&service) == status).then_some(()));
    }
    slow.write(later).unwrap();
    assert_eq!(slow.answer().expect("an answer to the slow one").status, 200);
}

#[test]
fn a_file_with_a_mistake_changes_nothing_and_the_log_says_why() {
    let (server, file) = (OwnServer::start(), Written::new(OPEN));
    let mut service = serve(&server, &file);
    file.rewrite(&CLOSED.replace("deny", "perhaps"));
    service.signal("HUP");
    eventually("the log to say why", || {
        let log = service.log();
        (log.contains("was not reloaded") && log.contains("gateway.rules[0].allow")).then_some(())
    });
    assert_eq!(ask(&service), 200);
    // What was wrong is put right.
    file.rewrite(CLOSED);
    service.signal("HUP");
    eventually("the other rules to hold", || (ask(&service) == 403).then_some(()));
}

#[test]
fn what_needs_a_new_start_is_named_and_stays_as_it_was() {
    let (server, file) = (OwnServer::start(), Written::new(OPEN));
    let mut service = serve(&server, &file);
    file.rewrite(&format!("[session]\nidle_timeout = '10m'\n{CLOSED}"));
    service.signal("HUP");
    eventually("the log to name it", || {
        service.log().contains("only after a new start: session.idle_timeout").then_some(())
    });
    assert_eq!(ask(&service), 403, "the rest of it holds");
}

#[test]
fn proxies_that_are_trusted_no_more_are_not_believed_after_a_reload() {
    let (server, file) = (OwnServer::start(), Written::new(OPEN));
    let mut service = serve(&server, &file);
    assert_eq!(ask(&service), 200);
    file.rewrite(&format!("[server]\ntrusted_proxies = ['192.0.2.1']\n{OPEN}"));
    service.signal("HUP");
    eventually("the peer to be a stranger", || (ask(&service) == 403).then_some(()));
}

/// Every service on the database, each with its own file.
#[test]
fn one_command_reaches_every_service_and_checks_first() {
    let (server, file) = (OwnServer::start(), Written::new(CLOSED));
    let services = [serve(&server, &file), serve(&server, &file)];
    for service in &services {
        eventually("it to listen", || service.log().contains("listening to the database").then_some(()));
    }
    let reload = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.env_clear().env("VESTIBULE__DATABASE__URL", server.url());
        command.env("VESTIBULE__SECRETS__KEY", STANDARD.encode(KEY)).args([
            "gateway",
            "reload",
            "--config",
            file.path(),
        ]);
        said(&mut command)
    };
    file.rewrite(&OPEN.replace("public", "perhaps"));
    let refused = reload();
    assert_eq!(refused.code, 78, "{refused:?}");
    assert!(refused.err.contains("gateway.rules[0].allow"), "{refused:?}");
    file.rewrite(OPEN);
    assert!(reload().text().contains("Every running service was asked"));
    for service in &services {
        eventually("the other rules to hold", || (ask(service) == 200).then_some(()));
    }
}
