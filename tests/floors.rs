//! The law of the house, read from its sources: a module uses only what is declared above it in `lib.rs`, a heavy
//! crate is used only where it lives, and what is recorded has a name in the table of kinds.

// It tells clippy that the helpers below are tests too.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

/// A crate, and the places that may name it. A place is the beginning of a path below `src/`, or a file name.
const HOMES: [(&str, &[&str]); 26] = [
    ("actix_web", &["web/"]),
    ("actix_session", &["web/"]),
    ("lettre", &["mail/"]),
    ("argon2", &["crypto/"]),
    ("bcrypt", &["crypto/"]),
    ("scrypt", &["crypto/"]),
    ("pbkdf2", &["crypto/"]),
    ("chacha20poly1305", &["crypto/"]),
    ("ring", &["crypto/", "db/feed/", "outbound.rs"]),
    ("diesel", &["db/", "kernel/ids.rs", "store.rs"]),
    ("qrcodegen", &["factors/"]),
    ("tokio_postgres", &["db/feed/"]),
    ("rustls", &["db/feed/", "doctor/tls.rs", "outbound.rs"]),
    ("tokio_rustls", &["doctor/"]),
    ("httparse", &["doctor/"]),
    ("totp_rs", &["factors/"]),
    ("webauthn_rs", &["factors/"]),
    ("samael", &["sso/saml/"]),
    ("openssl", &["sso/saml/"]),
    ("roxmltree", &["sso/saml/"]),
    ("hickory_resolver", &["domains/"]),
    ("minijinja", &["render/"]),
    ("prometheus_client", &["web/metrics.rs"]),
    ("csv", &["cli/user/import/"]),
    ("clap", &["cli/", "main.rs"]),
    ("anyhow", &["cli/", "web/", "main.rs"]),
];

#[test]
fn a_module_uses_only_what_is_declared_above_it() {
    let floors = floors();
    let mut broken = Vec::new();
    for file in sources() {
        let Some(own) = floors.iter().position(|floor| belongs_to(&file, floor)) else { continue };
        for (number, line) in code_lines(&file) {
            for used in names_after(&line, "crate::") {
                if floors.iter().position(|floor| *floor == used).is_some_and(|floor| floor > own) {
                    broken.push(format!("{}:{number} is on floor {:?} and uses {used}", file.display(), floors[own]));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn a_heavy_crate_stays_at_home() {
    let mut strays = Vec::new();
    for file in sources() {
        let place = file.strip_prefix(src()).unwrap().display().to_string();
        for (number, line) in code_lines(&file) {
            for (name, homes) in HOMES {
                let is_home = homes.iter().any(|home| place.starts_with(home) || place.ends_with(&format!("/{home}")));
                if names_crate(&line, name) && !is_home {
                    strays.push(format!("src/{place}:{number} uses {name}"));
                }
            }
        }
    }
    assert!(strays.is_empty(), "\n{}", strays.join("\n"));
}

#[test]
fn only_the_configuration_and_main_read_the_environment() {
    let allowed = |file: &Path| file.starts_with(src().join("config")) || file == src().join("main.rs");
    let reads = |line: &str| ["env::var", "env::vars", "env::args"].iter().any(|call| line.contains(call));
    let readers: Vec<_> = sources()
        .into_iter()
        .filter(|file| !allowed(file) && code_lines(file).iter().any(|(_, line)| reads(line)))
        .collect();
    assert!(readers.is_empty(), "{readers:?}");
}

/// In a file that records events, whatever reads like the word of one is one.
#[test]
fn every_kind_of_event_stands_in_the_table_of_kinds() {
    let table = fs::read_to_string(src().join("audit/kinds.rs")).unwrap();
    let mut unknown = Vec::new();
    for file in sources().iter().filter(|file| !file.ends_with("audit/kinds.rs")) {
        let lines = code_lines(file);
        if !lines.iter().any(|(_, line)| line.contains("Event::about")) {
            continue;
        }
        for (number, line) in lines {
            for word in kinds_in(&line).into_iter().filter(|word| !table.contains(&format!("\"{word}\","))) {
                unknown.push(format!("{}:{number} records {word:?}", file.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "\nAdd a line for each to src/audit/kinds.rs:\n{}", unknown.join("\n"));
}

#[test]
fn the_law_sees_a_breach() {
    assert_eq!(names_after("use crate::web::{routes};  crate::db::Db", "crate::"), ["web", "db"]);
    assert!(floors().starts_with(&["kernel".to_owned(), "outbound".to_owned()]));
    assert!(sources().len() > 40);
    assert!(names_crate("let key = ring::sign();", "ring") && !names_crate("let text = String::new();", "ring"));
    let recorded =
        r#"Event::about(user, if new { "user.created" } else { "user.seen" }).with("by", "x.Y"); f("a@b.c")"#;
    assert_eq!(kinds_in(recorded), ["user.created", "user.seen"]);
}

/// The modules in the order of `lib.rs`.
fn floors() -> Vec<String> {
    let lib = fs::read_to_string(src().join("lib.rs")).unwrap();
    let module = |line: &str| line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')).map(str::to_owned);
    lib.lines().filter_map(module).collect()
}

fn belongs_to(file: &Path, floor: &str) -> bool {
    file.starts_with(src().join(floor)) || file == src().join(format!("{floor}.rs"))
}

/// Lines without comments, with their numbers.
fn code_lines(file: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(file).unwrap();
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned());
    code.enumerate().map(|(index, line)| (index + 1, line)).collect()
}

/// The identifiers that follow each `prefix` in a line.
fn names_after(line: &str, prefix: &str) -> Vec<String> {
    let name = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names: Vec<String> = line.split(prefix).skip(1).map(name).collect();
    // `use crate::{a::x, b::y}` in one line.
    if let Some(group) = line.split("crate::{").nth(1) {
        names.extend(group.split(',').map(|part| name(part.trim())));
    }
    names.retain(|name| !name.is_empty());
    names
}

/// `String::new()` does not name `ring`.
fn names_crate(line: &str, name: &str) -> bool {
    let is_whole = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let is_path = line.match_indices(&format!("{name}::")).any(|(at, _)| is_whole(at));
    is_path || line.contains(&format!("use {name};"))
}

/// The string literals of a line that have the shape `user.created`.
fn kinds_in(line: &str) -> Vec<&str> {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_kind = |text: &&str| text.split_once('.').is_some_and(|(thing, done)| is_part(thing) && is_part(done));
    line.split('"').skip(1).step_by(2).filter(is_kind).collect()
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![src()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
