//! Jobs that fail.

use serde_json::{Value, json};

use crate::resilience::service::Service;
use crate::resilience::sql;
use crate::support::TestApp;
use crate::support::command::vestibule;
use crate::support::eventually;
use crate::support::postgres::TestDb;

const BREAK: &str = "ALTER TABLE letter_requests RENAME TO hidden";
const MEND: &str = "ALTER TABLE hidden RENAME TO letter_requests";

fn answering(url: &str) -> Value {
    let listed = vestibule(url, &[], &["jobs", "list", "--json"]).json();
    listed["jobs"].as_array().unwrap().iter().find(|job| job["name"] == "answer_requests").unwrap().clone()
}

#[test]
fn a_job_that_fails_says_so_everywhere_and_goes_on() {
    let database = TestDb::make();
    let service = Service::start(&[("DATABASE__URL", database.url())]);
    let state =
        |wanted: &str| eventually(wanted, || Some(answering(database.url())).filter(|job| job["state"] == wanted));
    state("fine");
    sql::execute(database.url(), BREAK);
    let failing = state("failing");
    let error = failing["last_error"].as_str().unwrap();
    assert!(error.starts_with("the database refused: ") && error.contains("letter_requests"), "{error}");
    let text = vestibule(database.url(), &[], &["jobs", "list"]);
    assert!(text.text().contains("answer_requests, every 500 ms: failing\n"), "{}", text.out);
    assert!(text.text().contains(&format!(" UTC: {error}\n")), "{}", text.out);
    assert!(service.log().contains("a job failed: the database refused: "), "{}", service.log());
    sql::execute(database.url(), MEND);
    let fine = state("fine");
    assert_eq!(fine["last_error"], failing["last_error"], "what it was stays to be seen");
    assert!(fine["failures"].as_i64() >= failing["failures"].as_i64());
}

#[test]
fn the_metrics_tell_rounds_that_failed_from_those_that_did_not() {
    let app = TestApp::start();
    let metrics = crate::metrics::Metrics::of(&app);
    let of = |outcome: &str| {
        let sample = format!("vestibule_job_runs_total{{job=\"answer_requests\",outcome=\"{outcome}\"}}");
        metrics.scrape().get(&sample).copied().unwrap_or_default()
    };
    eventually("a good round", || (of("done") >= 1.0).then_some(()));
    let last = metrics.scrape()["vestibule_job_last_success_timestamp_seconds{job=\"answer_requests\"}"];
    assert_eq!(format!("{last}"), "1800000000");
    app.execute(BREAK);
    eventually("a round that fails", || (of("failed") >= 1.0).then_some(()));
    app.execute(MEND);
    let before = of("done");
    eventually("a good round again", || (of("done") > before).then_some(()));
}

#[test]
fn a_round_by_hand_that_fails_is_an_error_and_written_down() {
    let database = TestDb::make();
    sql::execute(database.url(), BREAK);
    let said = vestibule(database.url(), &[], &["jobs", "run", "answer_requests"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    assert!(said.err.contains("answer_requests failed: the database refused: "), "{}", said.err);
    let said = vestibule(database.url(), &[], &["jobs", "run", "answer_requests", "--json"]);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &report["outcome"]), (1, &json!("failed")));
    let job = answering(database.url());
    assert_eq!((&job["state"], &job["runs"], &job["failures"]), (&json!("failing"), &json!(2), &json!(2)));
    let audited = "SELECT count(*) AS n FROM audit_events WHERE kind = 'job.run' AND details->>'outcome' = 'failed'";
    assert_eq!(sql::count(database.url(), audited), 2);
}
