//! Who gets it, how, and how often.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{ANN, ask, export};
use crate::support::TestApp;
use crate::support::people::{PASSWORD, code};

#[test]
fn it_is_a_file_to_keep_and_that_it_was_taken_is_written_down() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    assert_eq!(code(&ask(&mut ann)), "reauth_required");
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'user.exported'"), 0);
    ann.confirm();
    let answer = ask(&mut ann);
    assert_eq!(answer.status, 200);
    let headers = ["content-type", "cache-control", "content-disposition", "x-content-type-options"];
    let headers = headers.map(|name| answer.header(name).unwrap_or_default());
    let file = "attachment; filename=\"vestibule-export-2027-01-15.json\"";
    assert_eq!(headers, ["application/json", "no-store", file, "nosniff"]);
    let document: Value = answer.json();
    assert_eq!((&document["version"], &document["exported_at"]), (&json!(1), &json!("2027-01-15T08:00:00Z")));
    assert!(document["events"].as_array().unwrap().iter().any(|event| event["kind"] == "user.exported"));
}

#[test]
fn after_five_in_an_hour_there_is_a_wait() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    for _ in 0..5 {
        assert_eq!(ask(&mut ann).status, 200);
    }
    let answer = ask(&mut ann);
    assert_eq!(
        (answer.status, code(&answer).as_str(), answer.header("retry-after")),
        (429, "rate_limited", Some("30"))
    );
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'user.exported'"), 5);
    app.clock().advance(TimeDelta::seconds(31));
    assert_eq!(ask(&mut ann).status, 200);
    let mut other = app.verified("bob@example.com");
    other.confirm();
    assert_eq!(ask(&mut other).status, 200);
}

#[test]
fn no_program_gets_it_by_a_key() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    let wanted = json!({ "name": "all", "scopes": ["account:read", "gateway"] });
    let made: Value = ann.api("POST", "/me/api-keys", wanted).json();
    let mut program = app.browser().with_header("Authorization", &format!("Bearer {}", made["key"].as_str().unwrap()));
    let answer = ask(&mut program);
    assert_eq!((answer.status, code(&answer).as_str()), (403, "forbidden"));
}

#[test]
fn the_button_on_the_page_gets_the_file_after_a_confirmation() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let refused = ann.get("/account/export");
    assert_eq!(refused.location().unwrap().path(), "/confirm");
    ann.follow();
    assert_eq!(ann.submit("/confirm", &[("password", PASSWORD)]).status, 303);
    let page = ann.follow();
    assert_eq!((page.url.path(), page.status), ("/account/export", 200));
    let file = ann.submit("/account/export", &[]);
    assert_eq!(file.status, 200, "{}", file.text());
    assert!(file.header("content-disposition").unwrap().starts_with("attachment"));
    assert_eq!(file.json::<Value>()["account"]["email"], ANN);

    ann.get("/account/export");
    app.clock().advance(TimeDelta::minutes(5));
    let late = ann.submit("/account/export", &[]);
    assert_eq!(late.location().unwrap().query(), Some("return_to=%2Faccount%2Fexport%3Fdone%3Dunsent"));
    ann.confirm();
    assert!(ann.get("/account/export?done=unsent").has("Nothing was changed yet. Please send it again."));
    assert_eq!(ann.post("/account/export", &[("csrf", "x")]).status, 403);
}

#[test]
fn whoever_is_about_to_be_deleted_can_still_take_it_along() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    assert_eq!(ann.api("DELETE", "/me", Value::Null).status, 202);
    let document = export(&mut ann);
    assert_eq!(document["account"]["deletes_at"], "2027-02-14T08:00:00Z");
    assert_eq!(document["links"][0]["purpose"], "restore_account");
    let page = ann.get("/account/export");
    assert_eq!(page.link("Back").unwrap().path(), "/account/restore");
    assert_eq!(
        ann.get("/account/restore").link("take along what we know about you").unwrap().path(),
        "/account/export"
    );
}

#[test]
fn without_the_database_there_is_no_half_a_document() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    ann.confirm();
    app.execute("ALTER TABLE places RENAME TO away");
    assert_eq!((ask(&mut ann).status, code(&ask(&mut ann)).as_str()), (500, "internal"));
    app.execute("ALTER TABLE away RENAME TO places");
    assert_eq!(ask(&mut ann).status, 200);
}
