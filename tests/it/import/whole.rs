//! Whole files: looked at, imported, imported again, broken off.

use std::fs;

use serde_json::json;

use super::{HEADER, Open, crowd, events, import_csv, import_lines, people};
use crate::support::{TestApp, eventually};

/// How many rows each table has.
fn tables(app: &TestApp) -> String {
    app.text(
        "SELECT string_agg(relname || ' ' || (xpath('/row/c/text()', query_to_xml(
             format('SELECT count(*) AS c FROM %I', relname), false, true, '')))[1]::text, ', ' ORDER BY relname) AS t
         FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
}

#[test]
fn a_dry_run_finds_everything_and_writes_nothing() {
    let app = TestApp::start();
    app.signed_up("person7@example.com");
    let before = tables(&app);
    let file = format!("{HEADER}{}person1@example.com,,,,\nnonsense,,hunter2,,\n", crowd(0, 6000));
    let ended = super::import(&app, &["--format", "csv", "--dry-run"], &file);
    let expected = [
        "line 6002: email: the same address as in line 3",
        "line 6003: email: An email address has the form name@example.com.",
        "line 6003: password_hash: this is not a hash of bcrypt, argon2, scrypt or PBKDF2 in a form that is taken here",
        "line 9: already there, and left as it is",
    ];
    let mut complaints = ended.complaints();
    complaints.sort_by_key(|line| expected.iter().position(|own| own == line));
    assert_eq!((ended.code, complaints), (1, expected.to_vec()));
    let said = "Nothing was written. To import: 5999 · already there: 1 · refused: 2 · rows: 6002\n";
    assert_eq!((ended.out.as_str(), tables(&app)), (said, before));
}

#[test]
fn a_file_imported_twice_changes_nothing_the_second_time() {
    let app = TestApp::start();
    app.signed_up("person7@example.com");
    let person = "SELECT concat_ws('|', email, name, left(password_hash, 9), created_at) AS t
                  FROM users WHERE email_key = 'person7@example.com'";
    let before = app.text(person);
    let file = format!("{HEADER}{}", crowd(0, 5100));
    let first = import_csv(&app, &file);
    assert_eq!((first.code, first.err.as_str()), (0, ""));
    assert_eq!(first.out, "Imported: 5099 · already there: 1 · refused: 0 · rows: 5100\n");
    assert_eq!((people(&app), events(&app), app.text(person)), (5100, 5099, before));
    let all = "SELECT md5(string_agg(users::text, ',' ORDER BY id)) AS t FROM users";
    let before = app.text(all);
    let second = import_csv(&app, &file);
    assert_eq!(second.out, "Imported: 0 · already there: 5100 · refused: 0 · rows: 5100\n");
    assert_eq!((second.code, app.text(all), events(&app)), (0, before, 5099));
}

#[test]
fn an_import_killed_in_the_middle_is_finished_by_the_same_command() {
    let app = TestApp::start();
    let mut open = Open::start(&app, &["--format", "csv"]);
    open.feed(HEADER);
    open.feed(&crowd(0, 11_000));
    eventually("the first people", || (people(&app) > 0).then_some(()));
    open.child.kill().unwrap();
    open.child.wait().unwrap();
    let kept = eventually("the end of what it was doing", || {
        let others = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database()
                      AND state <> 'idle' AND pid <> pg_backend_pid()";
        (app.count(others) == 0).then(|| people(&app))
    });
    assert!(kept % 5000 == 0 && kept < 11_000, "whole batches: {kept}");
    assert_eq!(events(&app), kept);
    let ended = import_csv(&app, format!("{HEADER}{}", crowd(0, 11_000)));
    assert_eq!(ended.out, format!("Imported: {} · already there: {kept} · refused: 0 · rows: 11000\n", 11_000 - kept));
    assert_eq!((ended.code, people(&app), events(&app)), (0, 11_000, 11_000));
}

#[test]
fn two_imports_of_one_file_at_the_same_time_make_each_account_once() {
    let app = TestApp::start();
    let backwards: String = crowd(0, 6000).split_inclusive('\n').rev().collect();
    let files = [crowd(0, 6000), backwards];
    let count = |file: &str| {
        let ended = super::import(&app, &["--format", "csv", "--json"], format!("{HEADER}{file}"));
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.counts()[1]
    };
    let imported: i64 = std::thread::scope(|scope| {
        let both = files.each_ref().map(|file| scope.spawn(|| count(file)));
        both.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!((imported, people(&app), events(&app)), (6000, 6000, 6000));
}

#[test]
fn whoever_stops_reading_what_it_says_does_not_stop_the_import() {
    let app = TestApp::start();
    let mut open = Open::start(&app, &["--format", "csv"]);
    drop((open.child.stdout.take(), open.child.stderr.take()));
    open.feed(HEADER);
    open.feed(&"nonsense,,,,\n".repeat(200));
    open.feed(&crowd(0, 50));
    drop(open.stdin);
    assert_eq!(open.child.wait().unwrap().code(), Some(1));
    assert_eq!(people(&app), 50);
}

#[test]
fn an_import_that_loses_its_database_says_how_to_go_on() {
    let app = TestApp::start();
    let mut open = Open::start(&app, &["--format", "csv"]);
    open.feed(HEADER);
    open.feed(&crowd(0, 5000));
    eventually("the first batch", || (people(&app) == 5000).then_some(()));
    app.execute("ALTER TABLE users RENAME TO users_elsewhere");
    open.feed(&crowd(5000, 6000));
    drop(open.stdin);
    let output = open.child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(err.contains("the 5000 people stay, and the same command again does the rest"), "{err}");
    app.execute("ALTER TABLE users_elsewhere RENAME TO users");
    assert_eq!(people(&app), 5000);
}

#[test]
fn a_file_is_known_by_the_end_of_its_name() {
    let app = TestApp::start();
    let folder = crate::support::process::Folder::make("import", "TERM");
    for (name, content) in [("a.jsonl", "{\"email\":\"a@example.com\"}\n"), ("b.CSV", "email\nb@example.com\n")] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let output = super::command(&app, &[path.to_str().unwrap(), "--json"]).output().unwrap();
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["imported"], json!(1), "{name}");
    }
    assert_eq!(people(&app), 2);
    assert_eq!(import_lines(&app, "{\"email\":\"b@example.com\"}\n").out.split(" · ").nth(1), Some("already there: 1"));
}

/// The most memory that a process has ever had, in KiB.
#[cfg(target_os = "linux")]
fn peak(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn ten_times_the_people_take_hardly_more_memory() {
    let peak_of = |count: u32| {
        let app = TestApp::start();
        let mut open = Open::start(&app, &["--format", "csv"]);
        open.feed(HEADER);
        for first in (0..count).step_by(5000) {
            open.feed(&crowd(first, first + 5000));
        }
        eventually("the last batch", || (people(&app) == i64::from(count)).then_some(()));
        let peak = peak(open.child.id());
        drop(open.stdin);
        assert!(open.child.wait().unwrap().success());
        peak
    };
    let (few, many) = (peak_of(10_000), peak_of(100_000));
    // A map of a hundred thousand lines is 1.7 MB.
    assert!(many < few * 1.2, "{many} KiB for 100,000 people, {few} for 10,000");
}
