//! What others have done to somebody, or they to others: told by name, and never from where.

use serde_json::{Value, json};

use super::{ANN, BOB, FIREFOX, activity, id_of};
use crate::support::TestApp;

const ACME: &str = "0197a000-0000-7000-8000-00000000acae";

/// Ann owns Acme, Bob is a member, and Ann has made an admin of him.
fn scene(app: &TestApp) -> (String, String) {
    let (ann, bob) = (id_of(app, ANN), id_of(app, BOB));
    app.execute(&format!(
        "INSERT INTO organization_slugs VALUES ('acme', now());
         INSERT INTO organizations VALUES ('{ACME}', 'acme', 'Acme Works', now());
         INSERT INTO members VALUES ('{ACME}', '{ann}', 'owner', now()), ('{ACME}', '{bob}', 'admin', now());
         INSERT INTO audit_events VALUES ('0197a000-0000-7000-8000-000000000001', '2025-06-24T00:00:00Z',
             'member.role_changed', '{ann}', '{bob}', NULL, '198.51.100.5', '{FIREFOX}', 'test',
             '{{\"before\": \"member\", \"role\": \"admin\"}}', '{ACME}', 'visitor')"
    ));
    (ann, bob)
}

#[test]
fn somebody_is_told_the_name_of_the_admin_who_changed_their_role_and_not_from_where() {
    let app = TestApp::start();
    let (mut ann, mut bob) = (app.verified(ANN), app.verified(BOB));
    ann.api("PATCH", "/me", json!({ "name": "Ann Lee" }));
    bob.api("PATCH", "/me", json!({ "name": "Bob Roe" }));
    scene(&app);
    let of_bob = activity(&mut bob, "?kind=member.role_changed").remove(0);
    assert_eq!(of_bob["sentence"], "The role of a member was changed, from member to admin.");
    assert_eq!(of_bob["by"], json!({ "who": "member", "name": "Ann Lee" }));
    assert_eq!(of_bob["about"], json!({ "who": "you", "name": null }));
    assert_eq!((&of_bob["ip"], &of_bob["device_name"]), (&Value::Null, &Value::Null));
    assert_eq!(of_bob["organization"], json!({ "slug": "acme", "name": "Acme Works" }));
    assert_eq!(of_bob["details"], json!({ "before": "member", "role": "admin" }));

    let of_ann = activity(&mut ann, "?kind=organizations").remove(0);
    assert_eq!((&of_ann["by"]["who"], &of_ann["about"]["name"]), (&json!("you"), &json!("Bob Roe")));
    assert_eq!((&of_ann["ip"], &of_ann["device_name"]), (&json!("198.51.100.5"), &json!("Firefox on Linux")));
    for answer in [bob.api("GET", "/me/activity", Value::Null), ann.api("GET", "/me/activity", Value::Null)] {
        let (own, other) = if answer.answer.text().contains("\"name\":\"Bob Roe\"") { (ANN, BOB) } else { (BOB, ANN) };
        let text = answer.answer.text();
        assert!(!text.contains(own) && !text.contains(other) && !text.contains(&id_of(&app, other)), "{text}");
    }
}

#[test]
fn whoever_has_left_the_organization_is_named_no_more_and_reads_no_more_names() {
    let app = TestApp::start();
    let (mut ann, mut bob) = (app.verified(ANN), app.verified(BOB));
    let (_, bobs_id) = scene(&app);
    app.execute(&format!("DELETE FROM members WHERE user_id = '{bobs_id}'"));
    let of_ann = activity(&mut ann, "?kind=organizations").remove(0);
    assert_eq!(of_ann["about"], json!({ "who": "somebody", "name": null }));
    let of_bob = activity(&mut bob, "?kind=organizations").remove(0);
    assert_eq!(of_bob["by"], json!({ "who": "another", "name": null }));
    assert_eq!(of_bob["organization"]["name"], "Acme Works");
    app.execute(&format!("DELETE FROM organizations WHERE id = '{ACME}'"));
    assert_eq!(activity(&mut bob, "?kind=organizations")[0]["organization"], Value::Null);
}

#[test]
fn what_the_operator_or_the_service_did_is_told_as_such() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    let me = id_of(&app, ANN);
    for (hand, address) in [("operator", "198.51.100.9"), ("service", "198.51.100.9")] {
        app.execute(&format!(
            "INSERT INTO audit_events VALUES (gen_random_uuid(), now(), 'factors.removed', NULL, '{me}', NULL,
                 '{address}', '{FIREFOX}', 'user reset-mfa', '{{}}', NULL, '{hand}')"
        ));
        let event = activity(&mut ann, "?kind=factors.removed").into_iter().find(|event| event["by"]["who"] == hand);
        let event = event.unwrap_or_else(|| panic!("nothing by the {hand}"));
        assert_eq!((&event["ip"], &event["device_name"]), (&Value::Null, &Value::Null), "{event}");
    }
}
