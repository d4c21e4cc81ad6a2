//! From when on, and until when.

use chrono::TimeDelta;
use serde_json::Value;

use super::{ANN, assert_led, enforce, log_in, provided};
use crate::support::TestApp;

#[test]
fn it_begins_on_its_day_and_not_before() {
    let app = TestApp::start();
    provided(&app);
    app.verified(ANN);
    app.execute("UPDATE connections SET enforced_from = to_timestamp(1800000000) + interval '2 days'");
    assert_eq!(log_in(&app, ANN).status, 200);
    app.clock().advance(TimeDelta::days(2) - TimeDelta::seconds(1));
    assert_eq!(log_in(&app, ANN).status, 200);
    app.clock().advance(TimeDelta::seconds(1));
    assert_led(&app, "on its day", &log_in(&app, ANN));
}

#[test]
fn a_domain_that_is_not_proved_or_has_no_connection_binds_nobody() {
    let app = TestApp::start();
    provided(&app);
    app.verified(ANN);
    enforce(&app);
    for change in [
        "UPDATE domains SET proved_at = NULL, proved_by = NULL",
        "UPDATE domains SET proved_at = now(), proved_by = 'dns', connection_id = NULL",
        "UPDATE domains SET connection_id = (SELECT id FROM connections); UPDATE connections SET enforced_from = NULL",
    ] {
        app.execute(change);
        app.execute("DELETE FROM throttles");
        assert_eq!(log_in(&app, ANN).status, 200, "{change}");
    }
    enforce(&app);
    assert_led(&app, "all of it", &log_in(&app, ANN));
}

#[test]
fn whoever_removes_the_domain_gives_its_people_their_passwords_back() {
    let app = TestApp::start();
    let mut owner = provided(&app);
    app.verified(ANN);
    enforce(&app);
    assert_led(&app, "before", &log_in(&app, ANN));
    owner.confirm();
    assert_eq!(owner.api("DELETE", "/orgs/acme/domains/corp.example", Value::Null).status, 204);
    assert_eq!(log_in(&app, ANN).status, 200);
    let audited =
        "SELECT count(*) AS n FROM audit_events WHERE kind = 'domain.removed' AND details->>'domain' = 'corp.example'";
    assert_eq!(app.count(audited), 1);
}

#[test]
fn another_organizations_claim_to_the_domain_changes_nothing() {
    let app = TestApp::start();
    provided(&app);
    app.verified(ANN);
    let mut rival = app.verified("rita@example.com");
    assert_eq!(rival.api("POST", "/orgs", serde_json::json!({ "name": "Rival" })).status, 201);
    rival.confirm();
    assert_eq!(rival.api("POST", "/orgs/rival/domains", serde_json::json!({ "name": "corp.example" })).status, 201);
    app.execute(
        "INSERT INTO connections (id, organization_id, name, idp_entity_id, sso_url, sso_binding, metadata_from,
            enforced_from, created_at, changed_at)
        SELECT gen_random_uuid(), id, 'Rival Login', 'https://evil.example/', 'https://evil.example/sso', 'redirect',
            'hand', to_timestamp(0), now(), now() FROM organizations WHERE slug = 'rival';
        UPDATE domains SET connection_id = (SELECT id FROM connections WHERE name = 'Rival Login')
        WHERE proved_at IS NULL",
    );
    assert_eq!(log_in(&app, ANN).status, 200, "a claim gives no power");
    enforce(&app);
    assert_led(&app, "by the one who has proved it", &log_in(&app, ANN));
}
