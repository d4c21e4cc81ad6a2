//! What ends with a connection, a domain or an organization: whoever came by it, and nobody else.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::people::bob_waits;
use super::{ANN, Stage, is_in, prove, said};
use crate::support::browser::Browser;
use crate::support::dns::Dns;
use crate::support::eventually;
use crate::support::people::PASSWORD;

/// Ann by the provider, and by her password; Bob by the provider, whose address is elsewhere.
struct Cast {
    ann: Browser,
    by_password: Browser,
    bob: Browser,
}

fn cast(stage: &Stage) -> Cast {
    let mut waiting = bob_waits(stage);
    assert_eq!(waiting.submit("/login/connect", &[]).status, 303);
    stage.app.verified(ANN);
    let by_password = stage.app.log_in(ANN, PASSWORD).0;
    let mut bob = stage.app.browser();
    assert_eq!(stage.come(&mut bob, |draft| draft.name_id = "bob".to_owned()).status, 303);
    Cast { ann: stage.ann(), by_password, bob }
}

fn assert_ended(browser: &mut Browser, whose: &str) {
    let answer = browser.api("GET", "/me", Value::Null);
    assert_eq!(answer.status, 401, "{whose}");
    assert_eq!(answer.json::<Value>()["reason"], "provider_gone", "{whose}");
}

/// By an owner who has just confirmed.
fn remove(stage: &Stage, path: &str) {
    let mut owner = stage.owner.clone();
    owner.confirm();
    let answer = owner.api("DELETE", path, Value::Null);
    assert!([200, 204].contains(&answer.status), "{path}: {}", answer.answer.text());
}

#[test]
fn whoever_came_by_a_connection_is_out_when_it_is_removed() {
    let stage = Stage::start();
    let Cast { mut ann, mut by_password, mut bob } = cast(&stage);
    remove(&stage, &format!("/orgs/acme/sso/{}", stage.id));
    assert_ended(&mut ann, "Ann's");
    assert_ended(&mut bob, "Bob's");
    assert!(is_in(&mut by_password));
    assert!(ann.get("/login").has("does not speak for you any more"), "and is told why");
}

#[test]
fn whoever_came_by_an_organizations_provider_is_out_when_the_organization_is_deleted() {
    let stage = Stage::start();
    let Cast { mut ann, mut by_password, mut bob } = cast(&stage);
    remove(&stage, "/orgs/acme");
    assert_ended(&mut ann, "Ann's");
    assert_ended(&mut bob, "Bob's");
    assert!(is_in(&mut by_password));
}

#[test]
fn whose_address_is_in_a_domain_that_is_given_up_is_out_and_others_when_it_was_the_last() {
    let stage = Stage::with(&json!({ "domains": ["corp.example", "second.example"] }), &[]);
    prove(&stage.app, "acme", "second.example");
    let Cast { mut ann, mut by_password, mut bob } = cast(&stage);
    let mut sue = stage.app.browser();
    stage.come(&mut sue, |draft| {
        draft.name_id = "sue".to_owned();
        draft.attributes = said("sue@second.example", &[]);
    });
    remove(&stage, "/orgs/acme/domains/corp.example");
    assert_ended(&mut ann, "Ann's");
    assert!(is_in(&mut sue) && is_in(&mut bob) && is_in(&mut by_password));
    remove(&stage, "/orgs/acme/domains/second.example");
    assert_ended(&mut sue, "Sue's");
    assert_ended(&mut bob, "Bob's");
    assert!(is_in(&mut by_password));
}

#[test]
fn whoever_came_by_a_provider_is_out_when_the_proof_of_their_domain_is_lost() {
    let dns = Dns::serve(&[]);
    let stage = Stage::with(&json!({}), &[("sso.dns_server", &dns.address())]);
    let Cast { mut ann, mut by_password, mut bob } = cast(&stage);
    let (now, begun) = (stage.app.clock().now(), stage.app.clock().now() - TimeDelta::days(8));
    stage.app.execute(&format!(
        "UPDATE domains SET proved_by = 'dns', check_due = '{}', checked_at = '{}', missing_since = '{}'",
        now.to_rfc3339(),
        now.to_rfc3339(),
        begun.to_rfc3339()
    ));
    stage.app.run_job("check_domains");
    eventually("the end of the proof", || {
        (stage.app.count("SELECT count(*) AS n FROM domains WHERE proved_at IS NULL") == 1).then_some(())
    });
    assert_ended(&mut ann, "Ann's");
    assert_ended(&mut bob, "Bob's");
    assert!(is_in(&mut by_password));
}

/// The day is long past when one more domain joins.
#[test]
fn a_domain_that_joins_an_enforced_connection_later_ends_sessions_of_its_people_that_are_not_of_it() {
    let stage = Stage::start();
    let late = "late@second.example";
    let mut by_password = stage.app.verified(late);
    stage.app.execute(
        "UPDATE connections SET enforced_from = to_timestamp(1800000000), enforcement_told_at = now(),
             enforcement_done_at = now()",
    );
    let mut ann = stage.ann();
    stage.app.run_job("require_providers");
    assert!(is_in(&mut by_password));
    let ended_by = |by_password: &mut Browser| {
        stage.app.run_job("require_providers");
        eventually("the end of a session", || (!is_in(&mut by_password.clone())).then_some(()));
        assert_eq!(by_password.api("GET", "/me", Value::Null).json::<Value>()["reason"], "provider_required");
    };
    // Proved first, and given the connection then.
    prove(&stage.app, "acme", "second.example");
    stage.app.run_job("require_providers");
    assert!(is_in(&mut by_password));
    let mut owner = stage.owner.clone();
    owner.confirm();
    let wish = json!({ "domains": ["corp.example", "second.example"] });
    let changed = owner.api("PATCH", &format!("/orgs/acme/sso/{}", stage.id), wish.clone());
    assert_eq!(changed.status, 200, "{}", changed.answer.text());
    ended_by(&mut by_password);
    assert!(is_in(&mut ann), "she came by it");

    // And the other way round.
    stage.app.execute("UPDATE connections SET enforced_from = NULL");
    let mut by_password = stage.app.log_in(late, PASSWORD).0;
    stage.app.execute(
        "UPDATE domains SET proved_at = NULL, proved_by = NULL WHERE name = 'second.example';
         UPDATE connections SET enforced_from = to_timestamp(1800000000), enforcement_done_at = now()",
    );
    stage.app.run_job("require_providers");
    assert!(is_in(&mut by_password));
    prove(&stage.app, "acme", "second.example");
    ended_by(&mut by_password);
}
