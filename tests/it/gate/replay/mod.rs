//! What the gate has decided is kept, where the operator wants it, and other rules are tried on it.

mod finding;
mod keeping;
mod running;

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::house::settings;
use crate::support::command::{Said, vestibule};
use crate::support::process::Folder;
use crate::support::{TestApp, eventually};

const ALL: (&str, &str) = ("gateway.record", "1");

fn kept(app: &TestApp) -> i64 {
    app.count("SELECT count(*) AS n FROM gate_decisions")
}

fn wait_for(app: &TestApp, count: i64) {
    eventually("the decisions to be written", || (kept(app) >= count).then_some(()));
    assert_eq!(kept(app), count);
}

/// Other rules, in a file.
struct File {
    _folder: Folder,
    path: PathBuf,
}

impl File {
    /// What stands under `[gateway]`.
    fn of(gateway: &str) -> Self {
        Self::with(&format!("[gateway]\n{gateway}\n"))
    }

    fn with(text: &str) -> Self {
        let folder = Folder::make("rules", "TERM");
        let path = folder.path().join("new.toml");
        fs::write(&path, text).unwrap();
        Self { _folder: folder, path }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

/// With `special` as what holds today.
fn replay(app: &TestApp, special: &[(&str, &str)], file: &File, arguments: &[&str]) -> Said {
    let mail = [("mail.transport", "smtp"), ("mail.url", "smtp://localhost:1"), ("mail.from", "a@example.com")];
    let command = ["gateway", "replay", "--rules", file.path()];
    vestibule(app.database_url(), &[&settings(special)[..], &mail].concat(), &[&command[..], arguments].concat())
}

fn told(app: &TestApp, special: &[(&str, &str)], file: &File) -> Value {
    replay(app, special, file, &["--json"]).json()
}
