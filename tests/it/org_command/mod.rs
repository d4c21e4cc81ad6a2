//! `vestibule org`, the program itself.

use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::command::Said;

const ANN: &str = "ann@example.com";

fn org(app: &TestApp, arguments: &[&str]) -> Said {
    app.vestibule(&[&["org"], arguments].concat())
}

#[test]
fn the_operator_makes_an_organization_for_somebody() {
    let app = TestApp::start();
    let mut ann = app.verified(ANN);
    assert_eq!(org(&app, &["list"]).text(), "There is no organization.\n");
    let said = org(&app, &["create", "Ünal & Söhne", "--owner", "Ann@Example.com"]);
    let slug = app.text("SELECT slug AS t FROM organizations");
    assert_eq!(said.text(), format!("Ünal & Söhne is there now, as {slug}; ann@example.com is its owner.\n"));
    let me: Value = ann.api("GET", "/me", Value::Null).json();
    assert_eq!(me["organizations"][0]["slug"], json!(slug), "{me}");
    assert_eq!(me["organizations"][0]["role"], "owner");

    let id = app.text("SELECT id::text AS t FROM users");
    let said = org(&app, &["create", "Acme", "--owner", &id, "--slug", "acme-2", "--json"]).json();
    assert_eq!((&said["slug"], &said["name"], &said["owner"]), (&json!("acme-2"), &json!("Acme"), &json!(id)));
    let audited = "SELECT count(*) AS n FROM audit_events WHERE kind = 'organization.created' AND hand = 'operator'
        AND request_id = 'org create' AND actor_id IS NULL AND organization_id IS NOT NULL";
    assert_eq!(app.count(audited), 2);

    let listed = org(&app, &["list", "--json"]).json();
    let slugs: Vec<&Value> = listed["organizations"].as_array().unwrap().iter().map(|one| &one["slug"]).collect();
    assert!(slugs.contains(&&json!("acme-2")) && slugs.contains(&&json!(slug)), "{listed}");
    let text = org(&app, &["list"]);
    assert!(text.text().lines().any(|line| line.starts_with("acme-2") && line.contains("  Acme  ")), "{}", text.out);
    let shown = app.vestibule(&["user", "show", ANN, "--json"]).json();
    assert_eq!(shown["organizations"].as_array().unwrap().len(), 2, "{shown}");
}

#[test]
fn the_operator_sees_who_belongs_to_an_organization() {
    let app = TestApp::start();
    let (_, ids) = crate::orgs::staffed(&app);
    let said = org(&app, &["members", "acme", "--json"]).json();
    assert_eq!(said["organization"], "acme");
    let members = said["members"].as_array().unwrap();
    let seen: Vec<(&Value, &Value)> = members.iter().map(|member| (&member["id"], &member["role"])).collect();
    let [owner, admin, member] = ids.map(Value::String);
    assert_eq!(seen, [(&owner, &json!("owner")), (&admin, &json!("admin")), (&member, &json!("member"))]);
    assert_eq!((&members[0]["email"], &members[0]["second_factor"]), (&json!(crate::orgs::OWNER), &json!(false)));
    let text = org(&app, &["members", "acme"]);
    let lines: Vec<&str> = text.text().lines().collect();
    assert!(lines[0].starts_with("ROLE    EMAIL") && lines[1].starts_with("owner   olive@example.com"), "{}", text.out);
    assert_eq!(lines.len(), 4);
}

#[test]
fn what_cannot_be_is_refused_with_a_sentence() {
    let app = TestApp::start();
    app.verified(ANN);
    app.unverified("bob@example.com");
    org(&app, &["create", "Acme", "--owner", ANN]).text();
    let cases: [(&[&str], &str); 5] = [
        (&["create", "Acme", "--owner", "nobody@example.com"], "nobody@example.com has no account"),
        (&["create", "Acme", "--owner", "bob@example.com"], "bob@example.com is not verified"),
        (&["create", "Other", "--owner", ANN, "--slug", "acme"], "choose another one with --slug"),
        (&["members", "globex"], "there is no organization globex"),
        (&["members", "No Slug"], "there is no organization No Slug"),
    ];
    for (arguments, complaint) in cases {
        let said = org(&app, arguments);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
        assert!(said.err.contains(complaint), "{}", said.err);
    }
    for wrong in [&["create", "Acme"][..], &["create", "Acme", "--owner", ANN, "--slug", "Not a slug"], &["members"]] {
        assert_eq!(org(&app, wrong).code, 2, "{wrong:?}");
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM organizations"), 1);
}
