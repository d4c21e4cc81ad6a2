//! `vestibule domain`, the program itself.

use serde_json::Value;

use super::PLACE;
use crate::orgs::{OWNER, acme};
use crate::support::TestApp;
use crate::support::command::Said;
use crate::support::people::code;

fn domain(app: &TestApp, arguments: &[&str]) -> Said {
    app.vestibule(&[&["domain"], arguments].concat())
}

#[test]
fn the_operators_word_proves_a_domain_without_a_record() {
    let app = TestApp::start();
    let ([mut owner], _) = acme(&app, [OWNER]);
    assert_eq!(domain(&app, &["list", "acme"]).text(), "It has no domain.\n");
    let added = domain(&app, &["add", "acme", "Example.com"]);
    assert!(added.text().contains("_vestibule.example.com  TXT  vestibule-domain="), "{}", added.out);
    assert_eq!(super::proved_by(&app), "");
    let verified = domain(&app, &["verify", "acme", "example.com", "--json"]).json();
    assert_eq!((&verified["name"], &verified["proved_by"]), (&"example.com".into(), &"operator".into()));
    assert!(domain(&app, &["verify", "acme", "bücher.example"]).text().contains("xn--bcher-kva.example is proved"));

    let listed = domain(&app, &["list", "acme", "--json"]).json();
    let names: Vec<&Value> = listed["domains"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["example.com", "xn--bcher-kva.example"]);
    assert!(domain(&app, &["list", "acme"]).text().lines().nth(1).unwrap().ends_with("operator"));
    let shown: Value = owner.api("GET", PLACE, Value::Null).json();
    assert_eq!(shown["domains"][0]["proved_by"], "operator");

    assert!(domain(&app, &["remove", "acme", "example.com"]).text().contains("no longer a domain of acme"));
    let audited = "SELECT count(*) AS n FROM audit_events WHERE kind LIKE 'domain.%' AND hand = 'operator'
        AND request_id LIKE 'domain %' AND organization_id IS NOT NULL AND details->>'domain' IS NOT NULL";
    assert_eq!(app.count(audited), 5, "two claimed, two proved, one removed");
}

#[test]
fn what_cannot_be_is_said_in_a_sentence() {
    let app = TestApp::start();
    let ([mut owner], _) = acme(&app, [OWNER]);
    assert_eq!(owner.api("POST", "/orgs", serde_json::json!({ "name": "Rival" })).status, 201);
    domain(&app, &["verify", "acme", "example.com"]).text();
    let table: [(&[&str], i32, &str); 7] = [
        (&["list", "nowhere"], 1, "there is no organization nowhere"),
        (&["add", "nowhere", "example.com"], 1, "there is no organization nowhere"),
        (&["add", "acme", "example.com"], 1, "acme has the domain example.com already"),
        (&["verify", "rival", "example.com"], 1, "another organization has proved"),
        (&["remove", "rival", "example.com"], 1, "rival has no domain example.com"),
        (&["verify", "acme", "co.uk"], 2, "shared by many"),
        (&["verify", "acme", "192.0.2.1"], 2, "address of a machine"),
    ];
    for (arguments, status, sentence) in table {
        let said = domain(&app, arguments);
        assert_eq!(said.code, status, "{arguments:?}: {}", said.err);
        assert!(said.err.contains(sentence), "{arguments:?}: {}", said.err);
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM domains"), 1, "nothing is left of what was refused");
    owner.confirm();
    let refused = super::try_claim(&mut owner, "acme", "example.com");
    assert_eq!(code(&refused), "conflict");
}
