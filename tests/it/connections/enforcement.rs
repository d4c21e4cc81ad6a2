//! Making a provider the only way in.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{added, certificate, letters_to, metadata, place_of};
use crate::orgs::{ADMIN, MEMBER, OWNER, id_of, staffed};
use crate::support::browser::Browser;
use crate::support::people::{PASSWORD, code};
use crate::support::{TestApp, eventually};

/// Of "acme", whose domain example.com is proved, with everybody's address in it.
fn proved(app: &TestApp, owner: &mut Browser) -> String {
    let document = metadata("https://idp.example.com/", &[&certificate("idp")]);
    let wish = json!({ "name": "Staff", "metadata_xml": document, "domains": ["example.com"] });
    let place = place_of(&added(owner, &wish));
    app.execute("UPDATE domains SET proved_at = now(), proved_by = 'operator'");
    place
}

/// As a sign-in for trying it out does that went well.
fn tried_out(app: &TestApp, owner: &str) {
    let at = app.clock().now().to_rfc3339();
    app.execute(&format!("UPDATE connections SET tested_at = '{at}', tested_by = '{owner}'"));
}

fn missing(owner: &mut Browser, place: &str) -> Vec<String> {
    let said: Value = owner.api("GET", &format!("{place}/preflight"), Value::Null).json();
    assert_eq!(said["ready"], said["missing"] == json!([]));
    said["missing"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn it_takes_a_proved_domain_and_a_test_of_the_last_day_that_is_not_older_than_the_connection() {
    let app = TestApp::start();
    let ([mut owner, ..], [owner_id, ..]) = staffed(&app);
    let place = proved(&app, &mut owner);
    let refuse = |app: &TestApp, why: &[&str]| {
        let (mut owner, _) = app.log_in(OWNER, PASSWORD);
        owner.confirm();
        assert_eq!(missing(&mut owner, &place), why);
        let answer = owner.api("PATCH", &place, json!({ "enforced": true }));
        assert_eq!((answer.status, code(&answer).as_str()), (409, "conflict"), "{why:?}");
    };
    refuse(&app, &["test"]);
    app.execute("UPDATE domains SET proved_at = NULL, proved_by = NULL");
    refuse(&app, &["proved_domain", "test"]);
    app.execute("UPDATE domains SET proved_at = now(), proved_by = 'dns'");
    tried_out(&app, &owner_id);
    app.clock().advance(TimeDelta::hours(24) + TimeDelta::seconds(1));
    refuse(&app, &["recent_test"]);
    tried_out(&app, &owner_id);
    app.clock().advance(TimeDelta::seconds(1));
    let (mut owner, _) = app.log_in(OWNER, PASSWORD);
    owner.confirm();
    assert_eq!(owner.api("PATCH", &place, json!({ "allow_idp_initiated": true })).status, 200);
    refuse(&app, &["test"]);
    tried_out(&app, &owner_id);
    assert_eq!(missing(&mut owner, &place), [""; 0]);
    // A change and the switch at once: what would be enforced is not what was tried out.
    app.clock().advance(TimeDelta::seconds(1));
    let both = owner.api("PATCH", &place, json!({ "sign_requests": false, "enforced": true }));
    assert_eq!(both.status, 409);
    let said: Value = owner.api("GET", &place, Value::Null).json();
    assert_eq!((&said["sign_requests"], &said["enforced"]), (&json!(true), &json!(false)), "half of it was done");
    let on: Value = owner.api("PATCH", &place, json!({ "enforced": true })).json();
    assert_eq!(on["enforced"], true);
    let since = on["enforced_from"].clone();
    app.clock().advance(TimeDelta::hours(30));
    let (mut owner, _) = app.log_in(OWNER, PASSWORD);
    if code(&owner.api("GET", &place, Value::Null)).is_empty() {
        owner.confirm();
        let again: Value = owner.api("PATCH", &place, json!({ "enforced": true })).json();
        assert_eq!(again["enforced_from"], since, "twice is once");
    }
    let told = "SELECT count(*) AS n FROM audit_events WHERE kind = 'sso.enforced'";
    assert_eq!(app.count(told), 1);
}

#[test]
fn the_preflight_names_who_would_be_affected_and_how_they_sign_in_now() {
    let app = TestApp::start();
    let ([mut owner, mut admin, mut member], [owner_id, _, member_id]) = staffed(&app);
    app.verified("else@where.test");
    app.verified("outside@example.com");
    let place = proved(&app, &mut owner);
    let id = place.rsplit('/').next().unwrap();
    app.execute(&format!(
        "INSERT INTO identities VALUES ('{id}', 'mia', NULL, '{member_id}', now(), to_timestamp(1800000000))"
    ));
    assert_eq!(owner.api("PATCH", &place, json!({ "break_glass": [OWNER] })).status, 200);
    let said: Value = admin.api("GET", &format!("{place}/preflight"), Value::Null).json();
    assert_eq!((&said["affected"], &said["have_signed_in"], &said["not_members"]), (&json!(4), &json!(1), &json!(1)));
    let people: Vec<&str> =
        said["people"].as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap()).collect();
    assert_eq!(people, [ADMIN, OWNER, "outside@example.com", MEMBER], "those who never did come first");
    let olive = &said["people"][1];
    assert_eq!(
        (&olive["id"], &olive["password"], &olive["member"], &olive["break_glass"]),
        (&json!(owner_id), &json!(true), &json!(true), &json!(true))
    );
    assert_eq!(said["people"][2]["member"], false);
    assert_eq!(code(&member.api("GET", &format!("{place}/preflight"), Value::Null)), "forbidden");
}

#[test]
fn on_the_day_sessions_end_that_are_not_of_the_provider_and_everybody_was_told_before() {
    let app = TestApp::start();
    let ([mut owner, mut admin, mut member], [owner_id, admin_id, _]) = staffed(&app);
    let place = proved(&app, &mut owner);
    let id = place.rsplit('/').next().unwrap();
    tried_out(&app, &owner_id);
    let day = app.clock().now() + TimeDelta::minutes(20);
    let wish = json!({ "enforced_from": day.to_rfc3339(), "break_glass": [owner_id] });
    let said: Value = owner.api("PATCH", &place, wish).json();
    assert_eq!((&said["enforced"], &said["break_glass"][0]["email"]), (&json!(false), &json!(OWNER)));
    app.run_job("require_providers");
    for address in [OWNER, ADMIN, MEMBER] {
        let letters = eventually("a letter", || {
            let about = letters_to(&app, address, "You will sign in with Staff");
            (!about.is_empty()).then_some(about)
        });
        assert_eq!(letters.len(), 1, "{address}");
    }
    // Adam has come by the provider since.
    app.execute(&format!(
        "INSERT INTO provider_sessions (id, connection_id, user_id, name_id, authn_instant, created_at)
         VALUES ('{id}', '{id}', '{admin_id}', 'adam', now(), now());
         UPDATE sessions SET provider_session_id = '{id}' WHERE user_id = '{admin_id}'"
    ));
    app.run_job("require_providers");
    assert_eq!(member.api("GET", "/me", Value::Null).status, 200, "not before the day");
    app.clock().advance(TimeDelta::minutes(21));
    app.run_job("require_providers");
    eventually("the end of a session", || {
        let answer = member.api("GET", "/me", Value::Null);
        (answer.status == 401).then(|| {
            let why: Value = answer.json();
            assert_eq!(why["reason"], "provider_required");
        })
    });
    assert_eq!(admin.api("GET", "/me", Value::Null).status, 200, "that of the provider stays");
    assert_eq!(owner.api("GET", "/me", Value::Null).status, 200, "break glass");
    let shown: Value = owner.api("GET", &place, Value::Null).json();
    assert_eq!(shown["enforced"], true);
    app.run_job("require_providers");
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'sso.cut_over'"), 1, "once");
    owner.confirm();
    let off: Value = owner.api("PATCH", &place, json!({ "enforced_from": null })).json();
    assert_eq!((&off["enforced"], &off["enforced_from"]), (&json!(false), &Value::Null));
}

#[test]
fn only_owners_can_be_named_and_days_are_not_far_away() {
    let app = TestApp::start();
    let ([mut owner, ..], [owner_id, admin_id, _]) = staffed(&app);
    let place = proved(&app, &mut owner);
    tried_out(&app, &owner_id);
    for (body, field) in [
        (json!({ "break_glass": [ADMIN] }), "break_glass"),
        (json!({ "break_glass": [admin_id] }), "break_glass"),
        (json!({ "break_glass": ["nobody@example.com"] }), "break_glass"),
        (json!({ "enforced_from": "2099-01-01" }), "enforced_from"),
        (json!({ "enforced_from": "tomorrow" }), "enforced_from"),
        (json!({ "enforced_from": "2027-01-01", "enforced": false }), "enforced_from"),
    ] {
        let answer = owner.api("PATCH", &place, body);
        let said: Value = answer.json();
        assert_eq!((answer.status, said["fields"][field].is_string()), (422, true), "{said}");
    }
    for named in [json!([OWNER.to_uppercase(), owner_id]), json!([])] {
        assert_eq!(owner.api("PATCH", &place, json!({ "break_glass": named })).status, 200);
    }
    let told = app.text(
        "SELECT string_agg(kind || ' ' || subject_id::text, ' ' ORDER BY kind) AS t FROM audit_events
         WHERE kind LIKE 'sso.break%'",
    );
    assert_eq!(told, format!("sso.break_glass_named {owner_id} sso.break_glass_withdrawn {owner_id}"));
    assert_eq!(id_of(&app, OWNER), owner_id);
}
