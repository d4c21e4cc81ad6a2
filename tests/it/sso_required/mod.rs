//! Where people of a domain sign in by their organization's provider, and in no other way.

mod break_glass;
mod doors;
mod pages;
mod providers;
mod strangers;
mod walk;
mod when;

use serde_json::{Value, json};

use crate::orgs::{OWNER, acme, id_of, join};
use crate::support::TestApp;
use crate::support::browser::Browser;
use crate::support::page::Page;
use crate::support::people::{PASSWORD, code};

/// Of "corp.example", which "acme" has proved.
const ANN: &str = "ann@corp.example";
const STRANGER: &str = "nobody@corp.example";

const CONNECTION: &str = "0190a3c2-7d5e-7cc3-98c4-dc0c0c07398a";

/// "acme" has a provider for corp.example by which people can sign in, and need not. With its owner, who is of another
/// domain.
fn provided(app: &TestApp) -> Browser {
    let ([owner], _) = acme(app, [OWNER]);
    assert_eq!(app.vestibule(&["domain", "verify", "acme", "corp.example"]).code, 0);
    app.execute(&format!(
        "INSERT INTO connections (id, organization_id, name, idp_entity_id, sso_url, sso_binding, metadata_from,
            created_at, changed_at)
        SELECT '{CONNECTION}', id, 'Acme Login', 'https://idp.example/', 'https://idp.example/sso', 'redirect', 'hand',
            now(), now() FROM organizations WHERE slug = 'acme';
        UPDATE domains SET connection_id = '{CONNECTION}'"
    ));
    owner
}

/// From now on they have to.
fn enforce(app: &TestApp) {
    app.execute("UPDATE connections SET enforced_from = to_timestamp(1800000000)");
}

fn sso_url(app: &TestApp) -> String {
    app.public_url().join(&format!("/saml/{CONNECTION}/login")).unwrap().into()
}

/// That somebody was told to go to the provider, and given nothing.
fn assert_led(app: &TestApp, what: &str, answer: &Page) {
    assert_eq!((answer.status, code(answer).as_str()), (403, "sso_required"), "{what}");
    let problem: Value = answer.json();
    assert_eq!(problem["sso_url"], json!(sso_url(app)), "{what}");
    assert!(problem["error"].as_str().unwrap().contains("Acme Login"), "{what}: {problem}");
}

fn log_in(app: &TestApp, email: &str) -> Page {
    app.log_in(email, PASSWORD).1
}

/// How many sessions there are, whole and half.
fn sessions_of(app: &TestApp, email: &str) -> i64 {
    app.count(&format!(
        "SELECT count(*) AS n FROM (SELECT user_id FROM sessions UNION ALL SELECT user_id FROM pending_sign_ins) s
        JOIN users u ON u.id = s.user_id WHERE u.email = '{email}'"
    ))
}

/// Somebody of corp.example who owns "acme" as well, and was named for when the provider is out of order.
fn break_glass(app: &TestApp, email: &str) -> Browser {
    let browser = app.verified(email);
    let id = id_of(app, email);
    join(app, &id, "owner");
    app.execute(&format!("INSERT INTO break_glass VALUES ('{CONNECTION}', '{id}', now())"));
    browser
}
