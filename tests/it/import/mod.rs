//! `vestibule user import`, the program itself, and what people find who were brought over by it.

mod hashes;
mod rows;
mod whole;

use std::io::Write as _;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

use crate::support::TestApp;

/// Of [`PASSWORD`](crate::support::people::PASSWORD).
const BCRYPT: &str = "$2b$05$O3tHxw5h8YuV.s9h/EnT.uE1XjqXhfNlovH5aFiqtdByI3FYIMq3y";

/// What the program left behind.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Ended {
    fn counts(&self) -> [i64; 4] {
        let said: Value = serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}\n{}", self.out, self.err));
        ["rows", "imported", "already_there", "refused"].map(|key| said[key].as_i64().unwrap())
    }

    /// The last line of what went wrong is the program's own.
    fn complaints(&self) -> Vec<&str> {
        self.err.lines().filter(|line| line.starts_with("line ")).collect()
    }
}

fn command(app: &TestApp, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.env_clear().current_dir(std::env::temp_dir());
    command.env("VESTIBULE__DATABASE__URL", app.database_url());
    command.env("VESTIBULE__SECRETS__KEY", "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==");
    command.args(["user", "import"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Imports what is given to its standard input.
fn import(app: &TestApp, arguments: &[&str], input: impl AsRef<[u8]>) -> Ended {
    let mut child = command(app, &[&["-"], arguments].concat()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_ref().to_vec();
    // On a thread of its own: the program may say much before it has read everything, or end early.
    let feeding = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn import_csv(app: &TestApp, input: impl AsRef<[u8]>) -> Ended {
    import(app, &["--format", "csv"], input)
}

fn import_lines(app: &TestApp, input: impl AsRef<[u8]>) -> Ended {
    import(app, &["--format", "jsonl"], input)
}

/// A running import that has not been given the end of its file.
struct Open {
    child: Child,
    stdin: ChildStdin,
}

impl Open {
    fn start(app: &TestApp, arguments: &[&str]) -> Self {
        let mut child = command(app, &[&["-"], arguments].concat()).spawn().unwrap();
        Self { stdin: child.stdin.take().unwrap(), child }
    }

    fn feed(&mut self, input: &str) {
        self.stdin.write_all(input.as_bytes()).unwrap();
        self.stdin.flush().unwrap();
    }
}

/// CSV of people without a header, from number `first` up to before `end`.
fn crowd(first: u32, end: u32) -> String {
    let row = |n| format!("person{n}@example.com,Person {n},{BCRYPT},true,2020-01-01T00:00:00Z\n");
    (first..end).map(row).collect::<Vec<_>>().concat()
}

const HEADER: &str = "email,name,password_hash,email_verified,created_at\n";

fn people(app: &TestApp) -> i64 {
    app.count("SELECT count(*) AS n FROM users")
}

fn events(app: &TestApp) -> i64 {
    app.count(
        "SELECT count(*) AS n FROM audit_events JOIN users ON users.id = subject_id
         WHERE kind = 'user.imported' AND hand = 'operator' AND request_id = 'user import' AND actor_id IS NULL",
    )
}
