//! `vestibule user list`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::support::TestApp;
use crate::support::command::{Said, command};

/// `n@example.com` for each of these numbers, in this order.
fn people(app: &TestApp, count: usize) {
    app.execute(&format!(
        "INSERT INTO users (id, email, email_key, name, created_at, email_verified_at, came_by)
         SELECT ('0192f0c1-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, n || '@example.com', n || '@example.com',
                'Person ' || n, '2026-05-05 10:00Z', CASE WHEN n % 2 = 0 THEN now() END, 'operator'
         FROM generate_series(1, {count}) n"
    ));
}

fn list(app: &TestApp, arguments: &[&str]) -> Said {
    app.vestibule(&[&["user", "list"], arguments].concat())
}

fn addresses(said: &Said) -> Vec<String> {
    let one = |line: &str| serde_json::from_str::<Value>(line).unwrap()["email"].as_str().unwrap().to_owned();
    said.text().lines().map(one).collect()
}

#[test]
fn everybody_is_listed_in_the_order_in_which_they_came() {
    let app = TestApp::start();
    let empty = list(&app, &[]);
    assert_eq!(empty.text(), "ID                                    MADE                  STATE       EMAIL\n");
    assert_eq!(list(&app, &["--json"]).text(), "");
    people(&app, 2_501);
    let listed = addresses(&list(&app, &["--json"]));
    let expected: Vec<String> = (1..=2_501).map(|n| format!("{n}@example.com")).collect();
    assert_eq!(listed, expected);
    let text = list(&app, &["--limit", "2"]);
    assert_eq!(
        text.text(),
        "ID                                    MADE                  STATE       EMAIL\n\
         0192f0c1-0000-7000-8000-000000000001  2026-05-05 10:00 UTC  unverified  1@example.com  Person 1\n\
         0192f0c1-0000-7000-8000-000000000002  2026-05-05 10:00 UTC  active      2@example.com  Person 2\n"
    );
}

#[test]
fn a_list_goes_on_where_it_was_left() {
    let app = TestApp::start();
    people(&app, 2_000);
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let mut arguments = vec!["--json", "--limit", "999"];
        arguments.extend(after.iter().flat_map(|id: &String| ["--after", id.as_str()]));
        let page = list(&app, &arguments);
        let Some(last) = page.text().lines().last() else { break };
        after = Some(serde_json::from_str::<Value>(last).unwrap()["id"].as_str().unwrap().to_owned());
        seen.extend(addresses(&page));
    }
    assert_eq!(seen.len(), 2_000);
    assert_eq!(seen.last().map(String::as_str), Some("2000@example.com"));
}

#[test]
fn those_are_listed_who_are_all_of_what_is_asked_for() {
    let app = TestApp::start();
    people(&app, 12);
    app.execute(
        "UPDATE users SET disabled_at = now() WHERE email IN ('3@example.com', '4@example.com');
         UPDATE users SET deletion_asked_at = now(), deletes_at = now() + interval '99 years'
             WHERE email = '6@example.com';
         UPDATE users SET is_admin = true WHERE email IN ('4@example.com', '8@example.com')",
    );
    let of = |flags: &[&str]| addresses(&list(&app, &[&["--json"], flags].concat()));
    assert_eq!(of(&["--unverified"]), [1, 3, 5, 7, 9, 11].map(|n| format!("{n}@example.com")));
    assert_eq!(of(&["--disabled"]), ["3@example.com", "4@example.com"]);
    assert_eq!(of(&["--leaving"]), ["6@example.com"]);
    assert_eq!(of(&["--administrators"]), ["4@example.com", "8@example.com"]);
    assert_eq!(of(&["--disabled", "--unverified"]), ["3@example.com"]);
    assert_eq!(of(&["--leaving", "--unverified"]), [""; 0]);
    let states: Vec<String> = list(&app, &["--json"])
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states[..6], ["unverified", "active", "disabled", "disabled", "unverified", "leaving"]);
}

#[test]
fn a_wrong_call_is_said_to_be_one() {
    let app = TestApp::start();
    for wrong in [["--limit", "many"], ["--after", "ann@example.com"], ["--limit", "-1"]] {
        assert_eq!(list(&app, &wrong).code, 2, "{wrong:?}");
    }
}

/// The most memory that it has held so far, in KiB.
fn peak_memory(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("Linux, and a live process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Reads so many lines, and says how much memory the program has held by then. It waits for whoever reads.
fn memory_after(lines: &mut impl Iterator<Item = std::io::Result<String>>, count: usize, child: &Child) -> u64 {
    assert_eq!(lines.take(count).filter_map(Result::ok).count(), count);
    peak_memory(child)
}

#[test]
fn however_many_there_are_it_holds_a_few_of_them_at_a_time() {
    let app = TestApp::start();
    people(&app, 60_000);
    let mut command = command(app.database_url(), &[], &["user", "list", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let early = memory_after(&mut lines, 4_000, &child);
    let late = memory_after(&mut lines, 52_000, &child);
    // Sixty thousand people at once would be twenty megabytes.
    assert!(late < early + 8 * 1_024, "{early} KiB, then {late} KiB");
    assert_eq!(lines.count(), 4_000);
    assert!(child.wait().expect("an end").success());
}

#[test]
fn whoever_has_read_enough_ends_it() {
    let app = TestApp::start();
    people(&app, 20_000);
    let mut command = command(app.database_url(), &[], &["user", "list"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut first).expect("a line");
    let output = child.wait_with_output().expect("an end");
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}
