//! Metadata that has an address, and certificates that run out.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{PLACE, added, certificate, letters_to, metadata, place_of, simple};
use crate::orgs::{ADMIN, MEMBER, OWNER, acme, staffed};
use crate::support::browser::Browser;
use crate::support::people::PASSWORD;
use crate::support::receiver::{Manner, Receiver};
use crate::support::{TestApp, eventually};

const HERE: (&str, &str) = ("sso.allowed_networks", "127.0.0.0/8");

fn says(status: u16, text: String) -> Manner {
    Manner::Says(status, Box::leak(text.into_boxed_str()))
}

fn shown(app: &TestApp, place: &str) -> Value {
    let (mut owner, _) = app.log_in(OWNER, PASSWORD);
    owner.api("GET", place, Value::Null).json()
}

fn add_by_url(owner: &mut Browser, receiver: &Receiver) -> Value {
    added(owner, &json!({ "name": "Staff", "metadata_url": receiver.url() }))
}

#[test]
fn what_a_provider_publishes_is_taken_over_and_nothing_bad_replaces_it() {
    let app = TestApp::with(&[HERE]);
    let ([mut owner], _) = acme(&app, [OWNER]);
    let (one, two) = (certificate("one"), certificate("two"));
    let receiver = Receiver::start(says(200, metadata("https://idp.example.com/", &[&one])));
    let said = add_by_url(&mut owner, &receiver);
    let place = place_of(&said);
    assert_eq!((&said["metadata"]["from"], &said["metadata"]["error"]), (&json!("url"), &Value::Null));
    let next: DateTime<Utc> = said["metadata"]["next_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(next - app.clock().now(), TimeDelta::hours(12));

    app.run_job("refresh_metadata");
    assert_eq!(receiver.told().len(), 1, "not before its time");
    receiver.behave(says(200, metadata("https://idp.example.com/", &[&one, &two])));
    app.clock().advance(TimeDelta::hours(12));
    app.run_job("refresh_metadata");
    // Whichever round has claimed it: those of the service go on besides.
    let both = eventually("both certificates", || {
        Some(shown(&app, &place)).filter(|now| now["certificates"].as_array().unwrap().len() == 2)
    });
    assert_ne!(both["changed_at"], said["changed_at"]);

    let bad = [
        (says(503, String::new()), "status 503"),
        (says(200, String::new()), "This is no XML"),
        (says(200, metadata("https://evil.example.com/", &[&two])), "It describes another provider"),
        (says(200, metadata("https://idp.example.com/", &[])), "no certificate"),
        (Manner::RedirectsTo("https://idp.example.com/".to_owned()), "redirection"),
        (Manner::Endless(200), "too long"),
        (Manner::HangsUp, "cannot be reached"),
    ];
    for (manner, why) in bad {
        receiver.behave(manner);
        app.clock().advance(TimeDelta::hours(13));
        app.run_job("refresh_metadata");
        let now = eventually(why, || {
            Some(shown(&app, &place)).filter(|now| now["metadata"]["error"].as_str().unwrap_or_default().contains(why))
        });
        assert_eq!(
            (&now["certificates"], &now["idp_entity_id"]),
            (&both["certificates"], &both["idp_entity_id"]),
            "{why}"
        );
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'sso.metadata_failed'"), 1, "told once");
    receiver.behave(says(200, metadata("https://idp.example.com/", &[&two])));
    app.clock().advance(TimeDelta::hours(13));
    app.run_job("refresh_metadata");
    let well = eventually("an end of the failures", || {
        Some(shown(&app, &place)).filter(|now| now["metadata"]["error"].is_null())
    });
    assert_eq!(well["certificates"].as_array().unwrap().len(), 1);
}

#[test]
fn an_owner_has_it_fetched_now() {
    let app = TestApp::with(&[HERE]);
    let ([mut owner, mut admin, _], _) = staffed(&app);
    let one = certificate("one");
    let receiver = Receiver::start(says(200, metadata("https://idp.example.com/", &[&one])));
    let place = place_of(&add_by_url(&mut owner, &receiver));
    let refresh = format!("{place}/refresh");
    let same: Value = owner.api("POST", &refresh, Value::Null).json();
    assert_eq!(same["outcome"], "same");
    receiver.behave(says(200, metadata("https://idp.example.com/", &[&certificate("two")])));
    let other: Value = owner.api("POST", &refresh, Value::Null).json();
    assert_eq!(other["outcome"], "changed");
    receiver.behave(says(404, String::new()));
    let failed: Value = owner.api("POST", &refresh, Value::Null).json();
    assert_eq!((&failed["outcome"], &failed["error"]), (&json!("failed"), &json!("It answered with status 404.")));
    admin.confirm();
    assert_eq!(admin.api("POST", &refresh, Value::Null).status, 403);
    let by_hand = place_of(&simple(&mut owner));
    assert_eq!(owner.api("POST", &format!("{by_hand}/refresh"), Value::Null).status, 409);
}

#[test]
fn a_private_address_is_asked_for_nothing_unless_the_operator_allows_it() {
    let app = TestApp::start();
    let ([mut owner], _) = acme(&app, [OWNER]);
    owner.confirm();
    let receiver = Receiver::start(says(200, metadata("https://idp.example.com/", &[&certificate("one")])));
    for url in
        [receiver.url(), receiver.url().replace("localhost", "127.0.0.1"), receiver.url().replace("http:", "https:")]
    {
        let answer = owner.api("POST", PLACE, json!({ "name": "Staff", "metadata_url": url }));
        let said: Value = answer.json();
        assert_eq!((answer.status, said["fields"]["metadata_url"].is_string()), (422, true), "{said}");
    }
    assert!(receiver.told().is_empty());
}

#[test]
fn owners_and_admins_are_warned_a_month_and_a_week_before_and_when_it_is_over() {
    let app = TestApp::start();
    let ([mut owner, ..], _) = staffed(&app);
    simple(&mut owner);
    let warned = |app: &TestApp, address: &str, expected: &[&str]| {
        app.run_job("refresh_metadata");
        app.run_job("send_letters");
        eventually("the warnings", || (letters_to(app, address, "A certificate of Staff") == expected).then_some(()));
    };
    let ends_in = |app: &TestApp, days: i64| {
        let at = (app.clock().now() + TimeDelta::days(days)).to_rfc3339();
        app.execute(&format!("UPDATE connection_certificates SET not_after = '{at}'"));
    };
    ends_in(&app, 31);
    warned(&app, OWNER, &[]);
    app.clock().advance(TimeDelta::days(2));
    let (soon, over) = ("A certificate of Staff runs out soon", "A certificate of Staff has run out");
    warned(&app, OWNER, &[soon]);
    app.clock().advance(TimeDelta::days(10));
    warned(&app, OWNER, &[soon]);
    app.clock().advance(TimeDelta::days(13));
    warned(&app, OWNER, &[soon, soon]);
    app.clock().advance(TimeDelta::days(7));
    warned(&app, ADMIN, &[soon, soon, over]);
    app.clock().advance(TimeDelta::days(70));
    warned(&app, ADMIN, &[soon, soon, over]);
    warned(&app, MEMBER, &[]);
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'sso.certificate_ending'"), 3);
}
