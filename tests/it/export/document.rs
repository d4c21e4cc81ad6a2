//! What stands in the document, and what must not.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use vestibule::accounts::export::{KEPT, KEPT_TWICE};

use super::schema::mistakes;
use super::{ANN, BOB, ask, export};
use crate::orgs::{id_of, join};
use crate::support::authenticator::set_up;
use crate::support::browser::Browser;
use crate::support::passkey::register;
use crate::support::people::PASSWORD;
use crate::support::{TestApp, eventually};

const SCHEMA: &str = include_str!("../../../docs/export.schema.json");
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

/// Ann, of whom there is something in every table, and the secrets that were shown to her.
fn ann_with_everything(app: &TestApp) -> (Browser, Vec<String>) {
    let mut ann = app.verified("ann.before@example.com").with_header("User-Agent", FIREFOX);
    ann.confirm();
    assert_eq!(ann.api("PUT", "/me/email", json!({ "email": ANN })).status, 200);
    assert_eq!(app.follow_the_letter(&mut ann, ANN).status, 303);
    let made: Value = ann.api("POST", "/me/api-keys", json!({ "name": "nightly backup" })).json();
    let key = made["key"].as_str().expect("a key").to_owned();
    app.log_in(ANN, PASSWORD);
    let (_, mut secrets) = set_up(app, &mut ann);
    register(app, &mut ann, "My phone");
    assert_eq!(ann.api("POST", "/orgs", json!({ "name": "Acme" })).status, 201);
    assert_eq!(ann.api("DELETE", "/me/sessions", Value::Null).json::<Value>()["revoked"], 1);
    // Half signed in, now that there is a second factor.
    app.log_in(ANN, PASSWORD);
    app.browser().api("POST", "/auth/forgot-password", json!({ "email": ANN }));
    eventually("a link for a new password", || {
        (app.count("SELECT count(*) AS n FROM password_resets") == 1).then_some(())
    });
    let me = id_of(app, ANN);
    app.execute(&format!(
        "INSERT INTO groups SELECT gen_random_uuid(), id, 'Engineering', 'engineering', now() FROM organizations;
         INSERT INTO group_members SELECT id, organization_id, '{me}', now() FROM groups;
         INSERT INTO invitations SELECT gen_random_uuid(), id, 'carol@example.com', 'carol@example.com', 'member',
             sha256('1'), '{me}', now(), now(), now() FROM organizations;
         INSERT INTO invitations SELECT gen_random_uuid(), id, '{ANN}', '{ANN}', 'admin', sha256('2'), NULL, now(),
             now(), now() FROM organizations"
    ));
    come_by_a_provider(app, &me);
    come_to_an_app(app, &me);
    secrets.push(key[8..].to_owned());
    (ann, secrets)
}

fn come_to_an_app(app: &TestApp, user: &str) {
    app.execute(&format!(
        "INSERT INTO gate_decisions (at, request_id, share, method, scheme, host, port, path, client, who, user_id, email,
             groups, last_auth_at, key, decision, reason, rule, rules)
         VALUES (now(), 'r1', 1, 'GET', 'https', 'app.example.com', 443, '/x', '203.0.113.9', 'person', '{user}', '{ANN}',
             '{{acme}}', now(), 'none', 'allow', 'rule', 0, '\\x0011223344556677')"
    ));
}

fn come_by_a_provider(app: &TestApp, user: &str) {
    app.execute(&format!(
        "INSERT INTO connections (id, organization_id, name, idp_entity_id, sso_url, sso_binding, metadata_from,
             created_at, changed_at) SELECT gen_random_uuid(), id, 'Acme sign-in', 'https://idp.example.net',
             'https://idp.example.net/sso', 'redirect', 'hand', now(), now() FROM organizations;
         INSERT INTO identities SELECT id, 'ann-at-the-provider', NULL, '{user}', now(), now() FROM connections;
         INSERT INTO provider_sessions SELECT gen_random_uuid(), id, '{user}', 'ann-at-the-provider', NULL, '_1', now(),
             NULL, now(), now() FROM connections"
    ));
}

#[test]
fn of_somebody_with_everything_every_table_is_told_and_all_of_it_as_the_schema_says() {
    let app = TestApp::start();
    let (mut ann, _) = ann_with_everything(&app);
    let document = export(&mut ann);
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(mistakes(&schema, &document), [""; 0]);
    let members = KEPT.iter().map(|(_, member)| member).chain(&KEPT_TWICE.1);
    for member in members {
        let is_told = match &document[*member] {
            Value::Array(rows) => !rows.is_empty(),
            told => told.is_object(),
        };
        assert!(is_told, "nothing in {member}: {document}");
    }
    assert_eq!(document["addresses_before"][0]["email"], "ann.before@example.com");
    assert_eq!(document["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(document["passkeys"][0]["name"], "My phone");
    assert!(document["sessions"][0]["user_agent"].as_str().unwrap().contains("Chrome"));
    let taken = document["events"].as_array().unwrap().iter().find(|event| event["kind"] == "user.exported").unwrap();
    assert_eq!((&taken["user_agent"], &taken["by"]), (&json!(FIREFOX), &json!("you")));
    assert_eq!(
        (&document["places"][0]["network"], &document["sessions"][0]["ip"]),
        (&json!("127.0.0.1/32"), &json!("127.0.0.1"))
    );
    assert_eq!(document["api_keys"][0]["name"], "nightly backup");
    assert_eq!(document["provider_identities"][0]["provider"], "Acme sign-in");
    assert_eq!(document["provider_sessions"][0]["name_id"], "ann-at-the-provider");
    let acme = &document["organizations"][0];
    assert_eq!(
        (&acme["slug"], &acme["role"], &acme["groups"][0]["name"]),
        (&json!("acme"), &json!("owner"), &json!("Engineering"))
    );
    assert_eq!(document["invitations_received"][0]["role"], "admin");
    assert!(document["letters"].as_array().unwrap().iter().any(|letter| letter["kind"] == "verify_email"));
}

#[test]
fn no_secret_stands_in_it() {
    let app = TestApp::start();
    let (mut ann, secrets) = ann_with_everything(&app);
    let text = ask(&mut ann).answer.text();
    for secret in &secrets {
        assert!(!text.contains(secret.as_str()), "{secret}");
    }
    assert!(!text.contains("$argon2") && !text.contains(PASSWORD));
    // Every binary value there is: digests, sealed secrets, ids of credentials.
    let columns = app.text(
        "SELECT string_agg(format('SELECT encode(%I, ''hex'') AS h FROM %I WHERE octet_length(%I) >= 8', column_name,
                table_name, column_name), ' UNION ALL ') AS t
         FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'bytea'",
    );
    let all = app.text(&format!("SELECT coalesce(string_agg(h, ' '), '') AS t FROM ({columns}) found"));
    assert!(all.split(' ').count() > 10, "{all}");
    for hex in all.split(' ') {
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        for shown in [hex.to_owned(), STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            assert!(!text.contains(&shown), "{shown}");
        }
    }
}

#[test]
fn of_two_people_in_one_organization_neither_is_in_the_export_of_the_other() {
    let app = TestApp::start();
    let (mut ann, _) = ann_with_everything(&app);
    let mut bob =
        app.verified(BOB).with_header("X-Forwarded-For", "203.0.113.200").with_header("User-Agent", "Bobs-Browser/7");
    bob.api("PATCH", "/me", json!({ "name": "Robert Unmistakable" }));
    let (ann_id, bob_id) = (id_of(&app, ANN), id_of(&app, BOB));
    join(&app, &bob_id, "owner");
    // Each does something to the other, and Bob tries to get in as Ann.
    assert_eq!(ann.api("PATCH", &format!("/orgs/acme/members/{bob_id}"), json!({ "role": "admin" })).status, 200);
    app.execute(&format!(
        "INSERT INTO audit_events SELECT gen_random_uuid(), now(), 'member.role_changed', '{bob_id}', '{ann_id}', NULL,
             '203.0.113.200', 'Bobs-Browser/7', 'test', '{{\"before\": \"member\", \"role\": \"owner\"}}', id, 'visitor'
         FROM organizations;
         UPDATE invitations SET invited_by = '{bob_id}' WHERE email = '{ANN}'"
    ));
    let of_ann = ask(&mut ann).answer.text();
    assert!(of_ann.contains("\"member.role_changed\"") && of_ann.contains("\"another\""), "{of_ann}");
    for of_others in [BOB, "Robert", &bob_id, "203.0.113.200", "Bobs-Browser", "carol@"] {
        assert!(!of_ann.contains(of_others), "{of_others} stands in {of_ann}");
    }
    bob.confirm();
    let of_bob = ask(&mut bob).answer.text();
    for of_others in [ANN, "ann.before@", &ann_id, "Ann Lee", "My phone", "Firefox", "carol@"] {
        assert!(!of_bob.contains(of_others), "{of_others} stands in {of_bob}");
    }
    let ids = app.text(&format!(
        "SELECT string_agg(id::text, ' ') AS t FROM (SELECT id, user_id FROM sessions
             UNION ALL SELECT id, user_id FROM known_devices UNION ALL SELECT id, user_id FROM api_keys
             UNION ALL SELECT id, user_id FROM passkeys) all_of_them WHERE user_id = '{ann_id}'"
    ));
    let ids: Vec<&str> = ids.split(' ').collect();
    assert!(ids.len() > 3 && ids.iter().all(|id| !of_bob.contains(id)), "{ids:?}");
}

/// A letter to that address is somebody else's until it is proved.
#[test]
fn whoever_has_only_signed_up_with_an_address_sees_no_invitation_to_it() {
    let app = TestApp::start();
    let mut squatter = app.unverified(ANN);
    app.execute(&format!(
        "INSERT INTO organization_slugs VALUES ('acme', now());
         INSERT INTO organizations VALUES (gen_random_uuid(), 'acme', 'Acme', now());
         INSERT INTO invitations SELECT gen_random_uuid(), id, '{ANN}', '{ANN}', 'admin', sha256('2'), NULL, now(),
             now(), now() FROM organizations"
    ));
    squatter.confirm();
    assert_eq!(export(&mut squatter)["invitations_received"], json!([]));
}

/// In pieces, so that it takes no more memory than few of them do.
#[test]
fn however_many_events_there_are_all_of_them_come() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let me = id_of(&app, ANN);
    app.execute(&format!(
        "INSERT INTO audit_events (id, at, kind, subject_id, request_id, details)
         SELECT gen_random_uuid(), now(), CASE n % 2 WHEN 0 THEN 'session.rotated' ELSE 'session.teleported' END,
                '{me}', 'test', '{{}}' FROM generate_series(1, 2500) n"
    ));
    ann.confirm();
    let answer = ask(&mut ann);
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    let document: Value = answer.json();
    let events = document["events"].as_array().unwrap();
    let there = app.count(&format!("SELECT count(*) AS n FROM audit_events WHERE subject_id = '{me}'"));
    assert_eq!(i64::try_from(events.len()).unwrap(), there);
    let ids: Vec<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a > b));
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(mistakes(&schema, &document), [""; 0]);
}
