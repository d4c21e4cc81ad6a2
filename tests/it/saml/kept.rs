//! Reports as administrators see them.

use chrono::TimeDelta;
use serde_json::Value;
use vestibule::db::Tx;
use vestibule::kernel::{ConnectionId, Origin};
use vestibule::sso::reports::{self, Account, Contents, MOST, MapsTo, Occasion, Purpose, Reference};
use vestibule::sso::saml::Report;

use super::stage::Stage;
use crate::connections::{added, place_of, simple};
use crate::orgs::{OWNER, acme, staffed};
use crate::support::TestApp;
use crate::support::idp::Draft;

/// Keeps it as whoever has judged it does.
fn kept(app: &TestApp, connection: &Value, purpose: Purpose, report: &Report) -> Reference {
    let connection: ConnectionId = connection["id"].as_str().unwrap().parse().unwrap();
    let (sealer, contents) = (app.app.sealer.clone(), Contents { report: report.clone(), maps_to: maps_to(purpose) });
    let keep =
        move |tx: &mut Tx<'_>| reports::keep(tx, &sealer, Occasion { connection, purpose, user: None }, &contents);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(app.app.db.write::<_, reports::Error, _>(&Origin::operator("test"), keep)).unwrap()
}

fn maps_to(purpose: Purpose) -> Option<MapsTo> {
    let maps_to = MapsTo {
        email: Some("ann@example.com".to_owned()),
        name: None,
        groups: vec!["Engineering".to_owned()],
        role: "member".to_owned(),
        own_groups: vec!["builders".to_owned()],
        account: Account::New,
    };
    (purpose == Purpose::Test).then_some(maps_to)
}

fn misdirected() -> Report {
    let stage = Stage::new();
    stage.judge(&Draft { destination: Some("https://old.example/acs".to_owned()), ..stage.draft() })
}

#[test]
fn administrators_see_which_check_failed_on_what() {
    let app = TestApp::start();
    let ([mut owner, mut admin, mut member], _) = staffed(&app);
    let connection = simple(&mut owner);
    let place = format!("{}/reports", place_of(&connection));
    let empty: Value = admin.api("GET", &place, Value::Null).json();
    assert_eq!(empty, serde_json::json!({ "reports": [] }));
    let reference = kept(&app, &connection, Purpose::SignIn, &misdirected());
    let one = format!("{place}/{}", reference.as_str());
    for reader in [&mut owner, &mut admin] {
        let all: Value = reader.api("GET", &place, Value::Null).json();
        assert_eq!(all["reports"][0]["reference"], reference.as_str());
        assert_eq!(all["reports"][0]["check"], "destination");
        assert_eq!(all["reports"][0]["outcome"], "refused");
        let shown: Value = reader.api("GET", &one, Value::Null).json();
        let checks = shown["checks"].as_array().unwrap();
        let failed: Vec<&Value> = checks.iter().filter(|check| check["verdict"] == "failed").collect();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0]["seen"], "https://old.example/acs");
        assert_eq!(failed[0]["expected"], "https://id.example.com/saml/1/acs");
        assert!(shown["document"].as_str().unwrap().contains("<ds:SignatureValue>[removed]<"));
    }
    // As somebody reads it to them on the telephone.
    let typed = format!("{place}/{}", reference.as_str().to_uppercase());
    assert_eq!(admin.api("GET", &typed, Value::Null).status, 200);
    let mut stranger = app.verified("stranger@example.org");
    for path in [&place, &one] {
        assert_eq!(member.api("GET", path, Value::Null).status, 403);
        assert_eq!(app.browser().api("GET", path, Value::Null).status, 401);
        assert_eq!(stranger.api("GET", path, Value::Null).status, 404);
    }
    for nothing in ["abcdefgh", "x", "%00", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        assert_eq!(admin.api("GET", &format!("{place}/{nothing}"), Value::Null).status, 404, "{nothing}");
    }
}

#[test]
fn a_report_belongs_to_its_connection_and_to_no_other() {
    let app = TestApp::start();
    let ([mut owner], _) = acme(&app, [OWNER]);
    let connection = simple(&mut owner);
    let wish = serde_json::json!({
        "name": "Others",
        "metadata_xml": crate::connections::metadata("https://other.example/", &[&crate::connections::certificate("x")]),
    });
    let other = added(&mut owner, &wish);
    let reference = kept(&app, &connection, Purpose::SignIn, &misdirected());
    let at = |connection: &Value| format!("{}/reports/{}", place_of(connection), reference.as_str());
    assert_eq!(owner.api("GET", &at(&connection), Value::Null).status, 200);
    assert_eq!(owner.api("GET", &at(&other), Value::Null).status, 404);
}

#[test]
fn a_report_is_kept_for_a_day() {
    let app = TestApp::start();
    let ([mut owner], _) = acme(&app, [OWNER]);
    let connection = simple(&mut owner);
    let reference = kept(&app, &connection, Purpose::StepUp, &misdirected());
    let place = format!("{}/reports/{}", place_of(&connection), reference.as_str());
    let readable =
        "SELECT (position('ann@example.com' in encode(sealed_report, 'escape')) > 0)::text AS t FROM saml_reports";
    assert_eq!(app.text(readable), "false", "it lies open");
    app.run_job("forget_sign_ons");
    assert_eq!(owner.api("GET", &place, Value::Null).status, 200);
    app.clock().advance(TimeDelta::hours(24));
    let mut owner = app.log_in(OWNER, crate::support::people::PASSWORD).0;
    assert_eq!(owner.api("GET", &place, Value::Null).status, 404, "its day is over");
    assert_eq!(app.count("SELECT count(*) AS n FROM saml_reports"), 1);
    app.run_job("forget_sign_ons");
    assert_eq!(app.count("SELECT count(*) AS n FROM saml_reports"), 0);
}

#[test]
fn nonsense_that_anybody_can_post_fills_no_table() {
    let app = TestApp::start();
    let ([mut owner], _) = acme(&app, [OWNER]);
    let connection = simple(&mut owner);
    let report = Stage::new().judge_text("nonsense");
    let first = kept(&app, &connection, Purpose::SignIn, &report);
    app.execute(&format!(
        "INSERT INTO saml_reports (id, connection_id, reference, purpose, sealed_report, created_at, expires_at)
         SELECT gen_random_uuid(), connection_id, reference || n, purpose, sealed_report, created_at + interval '1 ms', expires_at
         FROM saml_reports, generate_series(1, {MOST}) AS n"
    ));
    kept(&app, &connection, Purpose::SignIn, &report);
    assert_eq!(app.count("SELECT count(*) AS n FROM saml_reports"), MOST);
    let gone = format!("SELECT count(*) AS n FROM saml_reports WHERE reference = '{}'", first.as_str());
    assert_eq!(app.count(&gone), 0, "the oldest one goes");
}

#[test]
fn a_page_says_what_was_seen_and_what_was_expected() {
    let app = TestApp::start();
    let ([mut owner], _) = acme(&app, [OWNER]);
    let connection = simple(&mut owner);
    let stage = Stage::new();
    let refused = kept(&app, &connection, Purpose::SignIn, &misdirected());
    let tested = kept(&app, &connection, Purpose::Test, &stage.judge(&stage.draft()));
    let place = format!("{}/reports", place_of(&connection));
    let all = owner.get(&place);
    assert_eq!(all.status, 200);
    let text = all.answer.text();
    for word in [refused.as_str(), tested.as_str(), "Sign-in", "Test", "The response was meant for the address"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let text = owner.get(&format!("{place}/{}", refused.as_str())).answer.text().replace("&#x2f;", "/");
    for word in ["https://old.example/acs", "https://id.example.com/saml/1/acs", "not reached", "[removed]"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains("<saml:Assertion"), "the document is not escaped");
    let text = owner.get(&format!("{place}/{}", tested.as_str())).answer.text();
    for word in
        ["The answer of Staff was good.", "ann@example.com", "Ann Lee", "A new one is made.", "Engineering", "builders"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
}
