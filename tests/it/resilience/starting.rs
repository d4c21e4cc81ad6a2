//! What keeps the service from starting is said in a sentence; and two of them at once.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use super::client::Client;
use super::service::Service;
use super::sql::{count, execute};
use crate::support::port::Port;
use crate::support::postgres::OwnServer;
use crate::support::process::Folder;

const PATIENCE: Duration = Duration::from_secs(20);

/// What the program says when it does not start with these settings, and its exit code.
fn refusal(settings: &[(&str, &str)]) -> (i32, String) {
    let mut service = Service::launch(settings);
    let status = service.end_within(PATIENCE);
    (status.code().expect("an exit code"), service.log())
}

/// The last line but for what other libraries add.
fn assert_sentence(settings: &[(&str, &str)], words: &[&str]) {
    let (code, log) = refusal(settings);
    assert!([1, 78].contains(&code), "{code}: {log}");
    for word in words {
        assert!(log.contains(word), "{word:?} is not in:\n{log}");
    }
    assert!(!log.contains("panicked") && !log.contains("hunter2"), "{log}");
}

#[test]
fn whatever_keeps_it_from_starting_is_said_in_a_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_sentence(&[("SERVER__LISTEN", &address)], &["cannot listen on", &address, "server.listen"]);

    let nobody = Port::claim();
    let url = format!("postgresql://vestibule:hunter2@localhost:{}/vestibule", nobody.number());
    let words = ["bringing the database up to date", "Connection refused", "not available"];
    assert_sentence(&[("DATABASE__URL", &url)], &words);

    let server = OwnServer::start();
    let rules = server.socket().with_file_name("data").join("pg_hba.conf");
    let copy = "COPY (VALUES ('local all guest scram-sha-256'), ('local all all trust'))";
    execute(&server.url(), "CREATE ROLE guest LOGIN PASSWORD 'the right one'");
    execute(&server.url(), &format!("{copy} TO '{}'; SELECT pg_reload_conf()", rules.display()));
    let socket = server.socket().parent().unwrap().display().to_string();
    let url = format!("postgresql://guest:hunter2@/vestibule?host={socket}");
    assert_sentence(&[("DATABASE__URL", &url)], &["password authentication failed for user \"guest\""]);

    let folder = Folder::make("overrides", "TERM");
    let template = folder.path().join("templates/errors/error.html");
    fs::create_dir_all(template.parent().unwrap()).unwrap();
    fs::write(&template, "{% if %}").unwrap();
    let overrides = folder.path().display().to_string();
    let settings = [("DATABASE__URL", server.url()), ("SERVER__OVERRIDES_DIR", overrides)];
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_sentence(&settings, &["errors/error.html"]);
}

#[test]
fn a_private_cluster_ends_with_a_service_that_cannot_start() {
    let file = Folder::make("nowhere", "TERM");
    let below_a_file = file.path().join("file/data");
    fs::write(file.path().join("file"), "").unwrap();
    assert_sentence(&[("SERVER__DATA_DIR", &below_a_file.display().to_string())], &["file/data"]);

    let overrides = file.path().join("templates");
    fs::create_dir_all(&overrides).unwrap();
    fs::write(overrides.join("layout.html"), "{{ nothing closes this").unwrap();
    let mut service = Service::launch(&[("SERVER__OVERRIDES_DIR", &file.path().display().to_string())]);
    let status = service.end_within(PATIENCE);
    assert_eq!((status.code(), service.log().contains("layout.html")), (Some(1), true), "{}", service.log());
    let home = service.data_dir().join("postgres/data");
    assert!(home.exists(), "there is nothing to test: no cluster was made\n{}", service.log());
    assert!(!home.join("postmaster.pid").exists(), "the cluster still runs");
}

#[test]
fn a_second_service_on_the_same_folder_is_told_whose_it_is() {
    let first = Service::start(&[]);
    let data_dir = first.data_dir().display().to_string();
    let (code, log) = refusal(&[("SERVER__DATA_DIR", &data_dir)]);
    assert_eq!(code, 1, "{log}");
    assert!(log.contains(&format!("process {} (", first.pid())), "{log}");
    let mut client = Client::new(first.port(), "ann@example.com");
    assert_eq!(client.sign_up().unwrap().status, 202, "the first one goes on");
    assert_eq!(client.sign_in().unwrap().status, 200);
}

#[test]
fn two_services_that_start_together_on_an_empty_database_both_work() {
    let server = OwnServer::start();
    let mut services = [0, 1].map(|_| Service::launch(&[("DATABASE__URL", &server.url())]));
    services.iter_mut().for_each(Service::wait_until_it_listens);
    let [one, other] = services;
    let applied = count(&server.url(), "SELECT count(*) AS n FROM __diesel_schema_migrations");
    let there_are = fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap().count();
    assert_eq!(usize::try_from(applied).unwrap(), there_are);
    assert_eq!(Client::new(one.port(), "ann@example.com").sign_up().unwrap().status, 202);
    let mut client = Client::new(other.port(), "ann@example.com");
    assert_eq!(client.sign_in().unwrap().status, 200);
    assert_eq!(client.at(one.port()).me().unwrap().status, 200, "a session is good on every node");
}
