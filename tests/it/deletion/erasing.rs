//! What is left when the time is over: nothing that names anybody.

use serde_json::{Value, json};

use super::{ANN, BOB, GRACE, confirmed, erase_the_gone, events, leave, leaving};
use crate::support::TestApp;
use crate::support::people::PASSWORD;

#[test]
fn when_the_time_is_over_she_is_erased_and_not_before() {
    let app = TestApp::start();
    leaving(&app, ANN);
    app.verified(BOB);
    app.clock().advance(GRACE - chrono::TimeDelta::seconds(1));
    app.run_job("erase_accounts");
    assert_eq!(app.count("SELECT count(*) AS n FROM users"), 2);
    app.clock().advance(chrono::TimeDelta::seconds(1));
    erase_the_gone(&app);
    assert_eq!(app.text("SELECT email AS t FROM users"), BOB);
    assert_eq!(events(&app, "user.deleted"), 1);
}

#[test]
fn the_receipt_is_the_last_letter_and_nothing_is_kept_of_it() {
    let app = TestApp::start();
    leaving(&app, ANN);
    drop(app.mail().to(ANN));
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    let receipt = app.mail().to(ANN);
    assert!(receipt.subject().contains("is deleted"), "{}", receipt.subject());
    let kept = "SELECT count(*) AS n FROM mail_outbox";
    crate::support::eventually("its row to go", || (app.count(kept) == 0).then_some(()));
}

#[test]
fn a_receipt_that_nobody_takes_is_given_up_and_forgotten() {
    use crate::support::smtp::{At, Mishap, Times};
    let app = TestApp::start();
    leaving(&app, ANN);
    drop(app.mail().to(ANN));
    app.clock().advance(GRACE);
    app.mail().misbehave(At::Rcpt, Mishap::Say("550 5.1.1 no ann@example.com here"), Times::Always);
    erase_the_gone(&app);
    let kept = "SELECT count(*) AS n FROM mail_outbox";
    crate::support::eventually("its row to go", || (app.count(kept) == 0).then_some(()));
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE details::text LIKE '%ann%'"), 0);
}

/// Anybody can sign up with somebody else's address, and leave.
#[test]
fn whoever_leaves_an_address_that_they_have_not_proved_takes_no_invitation_to_it_along() {
    let app = TestApp::start();
    let mut bob = app.verified(BOB);
    assert_eq!(bob.api("POST", "/orgs", json!({ "name": "Acme" })).status, 201);
    let mut squatter = app.unverified(ANN);
    squatter.confirm();
    leave(&mut squatter);
    app.clock().advance(GRACE - chrono::TimeDelta::days(1));
    let (mut bob, _) = app.log_in(BOB, PASSWORD);
    let invited = bob.api("POST", "/orgs/acme/invitations", json!({ "email": ANN }));
    assert_eq!(invited.status, 201, "{}", invited.text());
    let token = crate::support::people::token_in(&super::letter(&app, ANN, "You are invited").link());
    app.clock().advance(chrono::TimeDelta::days(1));
    erase_the_gone(&app);
    let form = json!({ "token": token, "name": "Ann", "password": PASSWORD });
    let joined = app.browser().api("POST", "/auth/invitations/accept", form);
    assert_eq!(joined.status, 200, "{}", joined.text());
}

#[test]
fn the_address_is_free_for_somebody_new() {
    let app = TestApp::start();
    leaving(&app, ANN);
    let before = app.text("SELECT id::text AS t FROM users");
    drop(app.mail().to(ANN));
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    drop(app.mail().to(ANN));
    let mut anew = app.verified(ANN);
    let me: Value = anew.api("GET", "/me", Value::Null).json();
    assert_ne!(me["id"], json!(before));
    assert_eq!(me["deletion"], Value::Null);
}

#[test]
fn her_events_still_belong_together_under_a_name_that_says_nothing() {
    let app = TestApp::start();
    let mut ann = confirmed(&app, ANN);
    assert_eq!(app.log_in(ANN, "a wrong password").1.status, 401);
    leave(&mut ann);
    let [before, id] = [
        app.count("SELECT count(*) AS n FROM audit_events WHERE subject_id = (SELECT id FROM users)").to_string(),
        app.text("SELECT id::text AS t FROM users"),
    ];
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    assert_eq!(
        app.count(&format!(
            "SELECT count(*) AS n FROM audit_events WHERE '{id}' IN (actor_id::text, subject_id::text)"
        )),
        0
    );
    assert_eq!(app.count("SELECT count(DISTINCT subject_id) AS n FROM audit_events WHERE subject_id IS NOT NULL"), 1);
    let now = app.count("SELECT count(*) AS n FROM audit_events WHERE subject_id IS NOT NULL");
    // And two more: that she is deleted, and what ended with that.
    assert!(now > before.parse().unwrap(), "{now} {before}");
    let traces = "SELECT count(*) AS n FROM audit_events
                  WHERE address IS NOT NULL OR user_agent IS NOT NULL OR session_id IS NOT NULL";
    assert_eq!(app.count(traces), 0);
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE details ? 'session' OR details ? 'before'"), 0);
    assert_eq!(
        app.count(
            "SELECT count(*) AS n FROM audit_events WHERE kind = 'session.opened' AND details->'methods' ? 'password'"
        ),
        1
    );
}

#[test]
fn what_others_did_stays_theirs() {
    let app = TestApp::start();
    let mut ann = confirmed(&app, ANN);
    let mut bob = app.verified(BOB);
    assert_eq!(bob.api("PATCH", "/me", json!({ "name": "Bob" })).status, 200);
    let of_bob = "SELECT md5(string_agg(e::text, '' ORDER BY id)) AS t FROM audit_events e
                  WHERE subject_id = (SELECT id FROM users WHERE email = 'bob@example.com')";
    let before = app.text(of_bob);
    leave(&mut ann);
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    assert_eq!(app.text(of_bob), before);
    assert_eq!(app.log_in(BOB, PASSWORD).1.status, 200);
}

#[test]
fn nobody_else_changes_an_audit_event() {
    let app = TestApp::start();
    app.verified(ANN);
    let id = app.text("SELECT id::text AS t FROM users");
    for change in [
        "UPDATE audit_events SET actor_id = NULL".to_owned(),
        "UPDATE audit_events SET details = '{}'".to_owned(),
        "DELETE FROM audit_events".to_owned(),
        "TRUNCATE audit_events".to_owned(),
        // Even for whoever knows how the function does it: only who, from where and details can go.
        format!("SET vestibule.erased = '{id}'; UPDATE audit_events SET kind = 'user.created'"),
        format!("SET vestibule.erased = '{id}'; UPDATE audit_events SET address = '192.0.2.1'"),
        format!("SET vestibule.erased = '{id}'; UPDATE audit_events SET at = now()"),
        format!("SET vestibule.erased = '{id}'; DELETE FROM audit_events"),
        "SET vestibule.erased = ''; UPDATE audit_events SET details = '{}'".to_owned(),
    ] {
        assert!(app.refuses(&change).contains("never changed"), "{change}");
    }
}
