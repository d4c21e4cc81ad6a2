//! The same with the real program: its banner, its log, its command.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{administrators, events, fill_in, issue};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::people::PASSWORD;
use crate::support::port::Port;
use crate::support::postgres::OwnServer;
use crate::support::process::{Folder, Tended};

/// A service with a private cluster, in a folder of its own.
struct Service {
    port: Port,
    process: Tended,
    starts: usize,
}

impl Service {
    fn start() -> Self {
        let port = Port::claim();
        let folder = Folder::make("serve", "TERM");
        let mut command = serve(&port, folder.path());
        let mut service = Self { process: Tended::start(folder, &mut command, "TERM"), port, starts: 0 };
        service.wait();
        service
    }

    fn again(&mut self) {
        self.process.end("TERM");
        self.process.again(&mut serve(&self.port, self.process.folder()));
        self.wait();
    }

    /// The port is taken before anything else; the end of the banner says that all is ready.
    fn wait(&mut self) {
        self.starts += 1;
        let log = self.process.folder().join("log");
        let banners = || fs::read_to_string(&log).unwrap_or_default().matches("\n  Data ").count();
        self.process.wait_until(|| banners() == self.starts);
    }

    fn browser(&self) -> Browser {
        Browser::new(&self.url(), self.port.number())
    }

    fn url(&self) -> String {
        format!("http://localhost:{}", self.port.number())
    }

    /// What stands beside this word in the banner of the last start.
    fn banner(&self, word: &str) -> Option<String> {
        let log = self.process.log();
        let last = log.rsplit("  Vestibule ").next().unwrap();
        last.lines().find_map(|line| line.trim().strip_prefix(word)).map(|rest| rest.trim().to_owned())
    }
}

fn program(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(arguments).current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin");
    command
}

fn serve(port: &Port, folder: &Path) -> Command {
    let mut command = program(&["serve"], folder);
    command
        .env("VESTIBULE__SERVER__LISTEN", port.address().to_string())
        .env("VESTIBULE__SERVER__METRICS_LISTEN", "")
        .env("VESTIBULE__SERVER__PUBLIC_URL", format!("http://localhost:{}", port.number()));
    command
}

fn promote(folder: &Path, more: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let arguments = [&["user", "promote"], more].concat();
    let Output { status, stdout, stderr } =
        program(&arguments, folder).envs(variables.iter().copied()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn the_banner_shows_a_link_until_there_is_an_administrator() {
    let mut service = Service::start();
    let old = service.banner("Set up").unwrap();
    assert!(old.starts_with(&format!("{}/setup?token=", service.url())), "{old}");
    assert!(service.banner("Mail").unwrap().starts_with(&format!("{}/dev/inbox", service.url())));

    service.again();
    let link = service.banner("Set up").unwrap();
    assert_ne!(link, old);
    let mut browser = service.browser();
    assert_eq!(browser.get(&old).status, 410);
    assert_eq!(browser.get(&link).status, 200);
    assert_eq!(fill_in(&mut browser, "bea@x.test", PASSWORD).status, 303);
    assert!(browser.follow().has("Hello, Bea"));
    for link in [&old, &link] {
        let token = link.split('=').next_back().unwrap();
        assert_eq!(service.process.log().matches(token).count(), 1, "a token stands in the log");
    }

    service.again();
    assert_eq!(service.banner("Set up"), None);
    assert_eq!(browser.get(&link).status, 410);
    // Beside a running service, and without one.
    let is_one = (0, "bea@x.test is an administrator already.\n".to_owned());
    let (code, out, err) = promote(service.process.folder(), &["bea@x.test"], &[]);
    assert_eq!((code, out), is_one, "{err}");
    service.process.end("TERM");
    let (code, out, err) = promote(service.process.folder(), &["bea@x.test"], &[]);
    assert_eq!((code, out), is_one, "{err}");
}

#[test]
fn a_verified_person_is_promoted_and_stays_signed_in_by_new_cookies() {
    let app = TestApp::start();
    let (folder, link) = (Folder::make("promote", "TERM"), issue(&app).unwrap());
    let promote = |more: &[&str]| {
        let key = "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==";
        let variables = [("VESTIBULE__DATABASE__URL", app.database_url()), ("VESTIBULE__SECRETS__KEY", key)];
        promote(folder.path(), more, &variables)
    };
    let (code, out, err) = promote(&["ann@x.test"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("ann@x.test has no account"), "{err}");

    let mut browser = app.unverified("ann@x.test");
    let (code, out, err) = promote(&["ann@x.test"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("ann@x.test is not verified"), "{err}");
    assert_eq!((administrators(&app), browser.api("GET", "/me", Value::Null).status), (0, 200));

    assert_eq!(app.follow_the_letter(&mut browser, "ann@x.test").status, 303);
    let (code, out, err) = promote(&["Ann@X.test", "--json"]);
    assert_eq!(code, 0, "{err}");
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(said, json!({ "email": "ann@x.test", "administrator": true, "changed": true }));
    assert_eq!((administrators(&app), events(&app, "user.promoted")), (1, 1));
    let mut copy = browser.clone();
    assert_eq!(browser.api("GET", "/me", Value::Null).status, 200);
    assert_eq!(browser.api("GET", "/me", Value::Null).status, 200);
    assert_eq!(copy.api("GET", "/me", Value::Null).status, 401, "the cookies of before");
    assert_eq!(app.log_in("ann@x.test", PASSWORD).1.status, 200);
    assert_eq!(app.browser().get(&link).status, 410, "there is an administrator, and the link still works");

    let (code, out, _) = promote(&["ann@x.test"]);
    assert_eq!((code, out.as_str()), (0, "ann@x.test is an administrator already.\n"));
    assert_eq!(events(&app, "user.promoted"), 1);
}

#[test]
fn a_command_on_tables_that_are_not_there_says_what_to_do() {
    let server = OwnServer::start();
    let folder = Folder::make("promote", "TERM");
    let key = "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==";
    let url = server.url();
    let variables = [("VESTIBULE__DATABASE__URL", url.as_str()), ("VESTIBULE__SECRETS__KEY", key)];
    let (code, _, err) = promote(folder.path(), &["ann@x.test"], &variables);
    assert_eq!(code, 1);
    assert!(err.contains("run `vestibule migrate` first"), "{err}");
    let (code, _, err) = promote(folder.path(), &["not an address"], &variables);
    assert_eq!(code, 2, "{err}");
}

#[test]
fn a_command_in_a_folder_that_is_not_the_services_makes_no_cluster_there() {
    let folder = Folder::make("promote", "TERM");
    let (code, _, err) = promote(folder.path(), &["ann@x.test"], &[]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("in the folder of the service") && err.contains("/data"), "{err}");
    assert!(!folder.path().join("data").exists());
}
