//! What a story needs around the service: a database, a mail server, a browser, proxies. All of them real, all of
//! them on loopback or Unix sockets, each torn down with its owner and also when the test process is killed.
//! Everything here blocks and lives on threads of its own, so that a test reads from top to bottom.

pub mod app;
pub mod authenticator;
pub mod breach_list;
pub mod browser;
pub mod command;
pub mod dns;
pub mod echo;
pub mod http;
pub mod idp;
pub mod jar;
pub mod page;
pub mod passkey;
pub mod people;
pub mod port;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod raw;
pub mod receiver;
pub mod samlify;
pub mod simplesamlphp;
pub mod smtp;
pub mod sql;
pub mod tcp;
pub mod traces;

use std::time::{Duration, Instant};

pub use app::TestApp;

/// How long anything here may take before the test is called broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer, or fails after [`PATIENCE`].
pub fn eventually<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, ask).unwrap_or_else(|| panic!("waited {PATIENCE:?} for {what}"))
}

/// As [`eventually`], but leaves it to the caller to say what was missing.
pub fn within<T>(patience: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
