//! `vestibule jobs`, the program itself.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use vestibule::jobs::Job;

use crate::resilience::sql;
use crate::support::TestApp;
use crate::support::command::vestibule;
use crate::support::eventually;
use crate::support::postgres::{OwnServer, TestDb};

fn of<'a>(listed: &'a Value, name: &str) -> &'a Value {
    listed["jobs"].as_array().unwrap().iter().find(|job| job["name"] == name).unwrap_or_else(|| panic!("{listed}"))
}

#[test]
fn every_job_is_listed_whether_it_has_ever_run_or_not() {
    let database = TestDb::make();
    let listed = vestibule(database.url(), &[], &["jobs", "list", "--json"]).json();
    let names: Vec<&str> = listed["jobs"].as_array().unwrap().iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert_eq!(names, Job::ALL.map(|job| job.card().name));
    for job in listed["jobs"].as_array().unwrap() {
        assert!(job["about"].as_str().unwrap().ends_with('.'), "{job}");
        assert!(job["every_ms"].as_u64().unwrap() >= 500, "{job}");
        assert_eq!(
            (&job["state"], &job["last_started_at"], &job["runs"]),
            (&json!("never_run"), &Value::Null, &json!(0))
        );
    }
    let text = vestibule(database.url(), &[], &["jobs", "list"]);
    let expected = "send_letters, every 500 ms: never run\n  Sends the letters that are due, and tries again those \
                    that could not be sent.\n";
    assert!(text.text().contains(expected), "{}", text.out);
}

#[test]
fn the_list_says_when_a_job_of_a_running_service_has_last_run_and_what_it_did() {
    let app = TestApp::start();
    app.catch_up();
    app.verified("ann@example.com");
    let job = eventually("the letter to be written down", || {
        let listed = app.vestibule(&["jobs", "list", "--json"]).json();
        Some(of(&listed, "send_letters").clone()).filter(|job| job["done"] == 1)
    });
    let at = |key: &str| job[key].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert_eq!((at("last_finished_at"), at("last_succeeded_at")), (app.clock().now(), app.clock().now()));
    assert_eq!(at("due_at"), app.clock().now() + TimeDelta::minutes(1));
    assert_eq!((&job["state"], &job["failures"], &job["last_error"]), (&json!("fine"), &json!(0), &Value::Null));
    assert!(job["runs"].as_i64().unwrap() >= 1, "{job}");
    let text = app.vestibule(&["jobs", "list"]);
    assert!(text.text().contains("send_letters, every 500 ms: fine\n"), "{}", text.out);
    let last_run = app.clock().now().format("\n  last run %Y-%m-%d %H:%M:%S UTC in ").to_string();
    assert!(text.text().contains(&last_run), "{}", text.out);
}

#[test]
fn the_operator_has_a_round_done_now_without_a_service_and_it_is_written_down() {
    let database = TestDb::make();
    let old = "INSERT INTO throttles (scope, subject, attempts, last_attempt_at)
               SELECT 'login.account', sha256(n::text::bytea), 1, '2020-01-01' FROM generate_series(1, 1500) n";
    sql::execute(database.url(), old);
    let run =
        |arguments: &[&str]| vestibule(database.url(), &[], &[&["jobs", "run", "forget_attempts"], arguments].concat());
    let said = run(&[]);
    assert!(said.text().starts_with("forget_attempts: did 1500 in "), "{}", said.out);
    assert_eq!(sql::count(database.url(), "SELECT count(*) AS n FROM throttles"), 0);
    let said = run(&["--json"]).json();
    assert_eq!((&said["name"], &said["outcome"]), (&json!("forget_attempts"), &json!("done")));
    assert_eq!((&said["done"], &said["error"]), (&json!(0), &Value::Null));
    assert!(run(&[]).text().starts_with("forget_attempts: there was nothing to do ("));
    let audited = "SELECT count(*) AS n FROM audit_events WHERE kind = 'job.run' AND hand = 'operator'
        AND request_id = 'jobs run' AND details @> '{\"job\": \"forget_attempts\", \"outcome\": \"done\"}'";
    assert_eq!(sql::count(database.url(), audited), 3);
    let listed = vestibule(database.url(), &[], &["jobs", "list", "--json"]).json();
    let job = of(&listed, "forget_attempts");
    assert_eq!((&job["done"], &job["runs"], &job["last_done"]), (&json!(1500), &json!(3), &json!(0)));
}

#[test]
fn every_job_can_be_run_by_hand() {
    let database = TestDb::make();
    for job in Job::ALL {
        let said = vestibule(database.url(), &[], &["jobs", "run", job.card().name, "--json"]).json();
        assert_eq!((&said["name"], &said["outcome"]), (&json!(job.card().name), &json!("done")));
    }
}

#[test]
fn a_job_that_does_not_exist_is_a_wrong_call_with_a_suggestion() {
    let database = TestDb::make();
    let said = vestibule(database.url(), &[], &["jobs", "run", "send_leters"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.err.contains("'send_letters'"), "{}", said.err);
    assert_eq!(vestibule(database.url(), &[], &["jobs", "run"]).code, 2);
    assert_eq!(vestibule(database.url(), &[("server.listen", "nonsense")], &["jobs", "list"]).code, 78);
}

#[test]
fn without_a_database_both_commands_fail_with_a_sentence() {
    let mut server = OwnServer::start();
    let url = server.url();
    vestibule::db::migrations::run(&url).unwrap();
    server.stop();
    for arguments in [["jobs", "list", "--json"], ["jobs", "run", "send_letters"]] {
        let said = vestibule(&url, &[], &arguments);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
        assert!(said.err.contains("the database is not available"), "{}", said.err);
    }
}

#[test]
fn the_help_says_what_each_job_does() {
    let database = TestDb::make();
    let help = vestibule(database.url(), &[], &["jobs", "run", "--help"]);
    for job in Job::ALL {
        assert!(help.text().contains(job.card().name), "{}", help.out);
    }
    assert!(help.text().contains("Removes API keys that have run out long ago."), "{}", help.out);
}
