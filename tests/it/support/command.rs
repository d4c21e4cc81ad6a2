//! The program itself, told to do one thing.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use vestibule::kernel::Clock;

use super::app::TestApp;

const KEY: &str = "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==";

/// How a command ended, and what it said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// What it said to a script, and that it succeeded.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What it said to a person, and that it succeeded.
    pub fn text(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        &self.out
    }
}

/// Runs it on a database, with these settings beside (`("mail.transport", "inbox")`).
pub fn vestibule(database_url: &str, settings: &[(&str, &str)], arguments: &[&str]) -> Said {
    said(&mut command(database_url, settings, arguments))
}

/// In a folder where nobody has configured anything.
pub fn command(database_url: &str, settings: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.env_clear().current_dir(Path::new("/"));
    command.env("VESTIBULE__DATABASE__URL", database_url).env("VESTIBULE__SECRETS__KEY", KEY).args(arguments);
    command.args(settings.iter().map(|(key, value)| format!("--set={key}={value}")));
    command
}

pub fn said(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } = command.output().expect("the program");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Said { code: status.code().expect("an end of its own"), out: text(stdout), err: text(stderr) }
}

impl TestApp {
    /// Commands live in the present, and a test does not: this moves it there. Once before, so that they see what it
    /// does, and again after, so that it sees what they have done.
    pub fn catch_up(&self) {
        self.clock().advance(Clock::System.now() - self.clock().now());
    }

    /// Runs the program on the database of this service, with its address.
    pub fn vestibule(&self, arguments: &[&str]) -> Said {
        let mail = format!("submission://localhost:{}", self.mail().port());
        let settings = [
            ("server.public_url", self.public_url().as_str()),
            ("mail.transport", "smtp"),
            ("mail.url", &mail),
            ("mail.from", "Vestibule <no-reply@example.com>"),
        ];
        vestibule(self.database_url(), &settings, arguments)
    }
}
