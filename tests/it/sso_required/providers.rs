//! Providers, whose answers are forged and signed for real.

use serde_json::json;

use crate::sso_signin::{Stage, connect, is_in, prove, sp};
use crate::support::idp::Idp;

#[test]
fn the_provider_of_the_domain_lets_its_people_in_and_that_of_another_connection_nobody() {
    let stage = Stage::start();
    stage.ann();
    let idp = Idp::new("https://another.test");
    let id = connect(&stage.app, "acme", &idp, &json!({ "name": "Another", "domains": ["other.example"] }));
    prove(&stage.app, "acme", "other.example");
    stage.app.execute(&format!(
        "INSERT INTO identities SELECT '{id}', name_id, name_id_format, user_id, linked_at, last_seen_at FROM identities;
        UPDATE connections SET enforced_from = to_timestamp(0) WHERE name = 'Acme sign-in'"
    ));
    stage.ann();

    let Stage { app, owner, id: own, .. } = stage;
    let another = Stage { sp: sp(&app, &id), app, owner, idp, id };
    let mut browser = another.app.browser();
    let page = another.come(&mut browser, |_| {});
    assert_eq!(page.status, 403, "{}", page.text());
    assert_eq!(page.link("Sign in with Acme sign-in").unwrap().path(), format!("/saml/{own}/login"));
    assert!(!is_in(&mut browser));
    another.app.execute("UPDATE connections SET enforced_from = NULL");
    another.come(&mut browser, |_| {});
    assert!(is_in(&mut browser), "while there is a choice");
}
