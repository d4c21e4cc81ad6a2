//! What arrives, how it is signed, and what happens when it is not taken.

use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};
use vestibule::webhooks::{self, Keeper, Redelivered, Standing};

use super::{add, after_attempts, by_operator, deliveries, start, the_delivery, until_delivered};
use crate::support::eventually;
use crate::support::receiver::{Manner, Receiver};

const ANN: &str = "ann@example.com";

#[test]
fn what_happens_arrives_as_json_signed_as_standard_webhooks_says() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let (webhook, secret) = add(&app, &receiver, &["*"]);
    app.verified(ANN);
    let created = receiver.first("user.created");
    assert_eq!(created.start(), "POST /hooks?for=me HTTP/1.1");
    assert_eq!(created.header("content-type"), "application/json");
    assert_eq!(created.header("webhook-timestamp"), app.clock().now().timestamp().to_string());
    assert_eq!(created.signatures_by(&secret), 1);
    assert_eq!(created.header("webhook-signature").split(' ').count(), 1);
    assert!(created.header("user-agent").starts_with("vestibule/"));

    let said = created.json();
    let ann = app.text("SELECT id::text AS t FROM users");
    let event = app.text("SELECT id::text AS t FROM audit_events WHERE kind = 'user.created'");
    assert_eq!((said["id"].as_str(), said["subject"]["id"].as_str()), (Some(event.as_str()), Some(ann.as_str())));
    assert_eq!(said["subject"]["email"], ANN);
    let at = DateTime::parse_from_rfc3339(said["at"].as_str().unwrap()).unwrap();
    assert_eq!(at, app.clock().now());
    assert_eq!((&said["actor"], said.get("organization")), (&json!({ "kind": "visitor" }), None));
    assert_eq!(receiver.first("email.verified").json()["subject"]["email_verified"], true);
    receiver.first("session.opened");
    let id = created.id().parse().unwrap();
    until_delivered(&app, id);
    let delivery = the_delivery(&app, webhook, "user.created");
    assert_eq!((delivery.id, delivery.attempts, delivery.last_status), (id, 1, Some(204)));
}

#[test]
fn a_webhook_is_told_of_the_kinds_that_it_wants_and_of_no_other() {
    let (app, some, others) = (start(), Receiver::start(Manner::Takes), Receiver::start(Manner::Takes));
    add(&app, &some, &["session.revoked", "user.*"]);
    add(&app, &others, &["email.verified"]);
    let mut ann = app.verified(ANN);
    assert_eq!(ann.api("POST", "/auth/logout", Value::Null).status, 204);
    let revoked = some.first("session.revoked").json();
    assert_eq!(revoked["actor"]["kind"], "person");
    assert_eq!(revoked["actor"]["id"], revoked["subject"]["id"]);
    others.first("email.verified");
    eventually("an empty queue", || {
        (app.count("SELECT count(*) AS n FROM webhook_deliveries WHERE delivered_at IS NULL") == 0).then_some(())
    });
    let mut kinds = some.kinds();
    kinds.sort();
    assert_eq!(kinds, ["session.revoked", "user.created"]);
    // Of what was added after it.
    assert_eq!(others.kinds(), ["email.verified"]);
}

#[test]
fn nothing_is_told_that_did_not_happen() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    add(&app, &receiver, &["*"]);
    let event = |kind: &str| {
        format!(
            "INSERT INTO audit_events (id, at, kind, request_id, details)
             VALUES (gen_random_uuid(), now(), '{kind}', 'a test', '{{}}')"
        )
    };
    app.execute(&format!("BEGIN; {}; ROLLBACK", event("user.deleted")));
    app.execute(&format!("BEGIN; {}; COMMIT", event("user.restored")));
    receiver.first("user.restored");
    assert_eq!(receiver.kinds(), ["user.restored"]);
}

#[test]
fn what_is_not_taken_is_sent_again_under_the_same_id_until_it_is() {
    let (app, receiver) = (start(), Receiver::start(Manner::Says(503, "busy, come back later")));
    let (webhook, secret) = add(&app, &receiver, &["user.created"]);
    app.signed_up(ANN);
    let mut next = after_attempts(&app, webhook, "user.created", 1);
    assert_eq!(
        (next.last_status, next.last_error.as_deref()),
        (Some(503), Some("It answered 503: busy, come back later"))
    );
    for (attempts, seconds) in [(2, 15), (3, 60), (4, 300)] {
        assert_eq!(next.standing, Standing::Waiting(app.clock().now() + TimeDelta::seconds(seconds)));
        if attempts == 4 {
            receiver.behave(Manner::Takes);
        }
        app.clock().advance(TimeDelta::seconds(seconds));
        next = after_attempts(&app, webhook, "user.created", attempts);
    }
    assert_eq!(next.standing, Standing::Delivered(app.clock().now()));
    assert_eq!((next.last_status, next.last_error), (Some(204), None));
    let told = receiver.told();
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|told| told.id() == next.id.to_string() && told.signatures_by(&secret) == 1));
    assert_ne!(told[0].header("webhook-timestamp"), told[3].header("webhook-timestamp"), "each attempt is signed anew");
    assert_eq!(told[0].body(), told[3].body());
    assert_eq!(app.count("SELECT failures::bigint AS n FROM webhooks"), 0);
}

#[test]
fn events_that_happen_while_the_receiver_is_down_arrive_once_it_is_back() {
    let (app, mut receiver) = (start(), Receiver::start(Manner::Takes));
    receiver.stop();
    let (webhook, _) = add(&app, &receiver, &["user.created"]);
    let people: Vec<String> = (0..5).map(|n| format!("p{n}@example.com")).collect();
    for person in &people {
        app.signed_up(person);
    }
    eventually("an attempt for each", || {
        let all = deliveries(&app, webhook);
        (all.len() == 5 && all.iter().all(|delivery| delivery.last_error.is_some())).then_some(())
    });
    let said = deliveries(&app, webhook).remove(0).last_error.unwrap();
    assert!(said.starts_with("It cannot be reached: ") && said.contains("refused"), "{said}");
    receiver.resume();
    app.clock().advance(TimeDelta::seconds(15));
    let mut emails: Vec<String> = receiver
        .until_told(5)
        .iter()
        .map(|told| told.json()["subject"]["email"].as_str().unwrap().to_owned())
        .collect();
    emails.sort();
    assert_eq!(emails, people);
}

#[test]
fn a_receiver_that_hangs_up_is_tried_again() {
    let (app, receiver) = (start(), Receiver::start(Manner::HangsUp));
    let (webhook, _) = add(&app, &receiver, &["user.created"]);
    app.signed_up(ANN);
    let first = after_attempts(&app, webhook, "user.created", 1);
    assert!(first.last_error.is_some() && first.last_status.is_none(), "{first:?}");
    receiver.behave(Manner::Takes);
    app.clock().advance(TimeDelta::seconds(15));
    until_delivered(&app, first.id);
}

#[test]
fn a_redirect_is_a_refusal_and_nobody_is_asked_who_stands_behind_it() {
    let (app, other) = (start(), Receiver::start(Manner::Takes));
    let receiver = Receiver::start(Manner::RedirectsTo(other.url()));
    let (webhook, _) = add(&app, &receiver, &["user.created"]);
    app.signed_up(ANN);
    let delivery = after_attempts(&app, webhook, "user.created", 1);
    assert_eq!(delivery.last_status, Some(302));
    assert_eq!(delivery.last_error.as_deref(), Some("It answered 302, and redirects are not followed."));
    assert!(matches!(delivery.standing, Standing::Waiting(_)));
    assert!(other.told().is_empty());
}

#[test]
fn an_answer_without_end_is_read_no_further_than_its_beginning() {
    let (app, receiver) = (start(), Receiver::start(Manner::Endless(500)));
    let (webhook, _) = add(&app, &receiver, &["user.created"]);
    app.signed_up(ANN);
    let delivery = after_attempts(&app, webhook, "user.created", 1);
    let said = delivery.last_error.unwrap();
    assert!(said.starts_with("It answered 500: words and words") && said.chars().count() < 530, "{said}");
    receiver.behave(Manner::Endless(200));
    app.clock().advance(TimeDelta::seconds(15));
    until_delivered(&app, delivery.id);
}

#[test]
fn a_receiver_that_never_answers_holds_up_nobody_else() {
    let (app, silent, quick) = (start(), Receiver::start(Manner::Silent), Receiver::start(Manner::Takes));
    add(&app, &silent, &["*"]);
    add(&app, &quick, &["user.created"]);
    for n in 0..8 {
        app.signed_up(&format!("p{n}@example.com"));
    }
    quick.until_told(8);
    assert!((1..=4).contains(&silent.most_at_once()), "{}", silent.most_at_once());
}

#[test]
fn two_nodes_tell_each_event_once() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let other = app.again_with(&[super::HERE]);
    let (webhook, _) = add(&app, &receiver, &["user.restored"]);
    app.execute(
        "INSERT INTO audit_events (id, at, kind, request_id, details)
         SELECT gen_random_uuid(), to_timestamp(1800000000), 'user.restored', n::text, '{}' FROM generate_series(1, 200) n",
    );
    eventually("an empty queue", || {
        let all = deliveries(&app, webhook);
        all.iter().all(|delivery| matches!(delivery.standing, Standing::Delivered(_))).then_some(())
    });
    let mut ids: Vec<String> = receiver.told().iter().map(|told| told.id().to_owned()).collect();
    assert_eq!(ids.len(), 200);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 200);
    assert_eq!(app.count("SELECT max(attempts)::bigint AS n FROM webhook_deliveries"), 1);
    let by_each =
        [&app, &other].map(|node| node.app.db.meters().deliveries().get("delivered").copied().unwrap_or_default());
    assert_eq!(by_each.iter().sum::<u64>(), 200, "{by_each:?}");
}

#[test]
fn what_was_delivered_is_delivered_again_on_demand_under_the_same_id() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let (webhook, _) = add(&app, &receiver, &["user.created"]);
    app.signed_up(ANN);
    let id = receiver.first("user.created").id().parse().unwrap();
    until_delivered(&app, id);
    let again = by_operator(&app, move |tx| webhooks::redeliver(tx, Keeper::Operator, None, id));
    assert_eq!(again.unwrap(), Redelivered::Queued);
    let told = receiver.until_told(2);
    assert_eq!(told[0].id(), told[1].id());
    until_delivered(&app, id);
    assert_eq!(deliveries(&app, webhook).len(), 1);
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'webhook.delivery_repeated'"), 1);
}

#[test]
fn while_a_secret_is_rotated_both_sign_and_after_a_day_the_new_one_alone() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let (webhook, old) = add(&app, &receiver, &["user.created"]);
    let sealer = app.app.sealer.clone();
    let rotated = by_operator(&app, move |tx| webhooks::rotate(tx, &sealer, Keeper::Operator, webhook)).unwrap();
    let new = rotated.secret.expose().to_owned();
    assert_eq!(rotated.old_until, app.clock().now() + TimeDelta::days(1));
    app.clock().advance(TimeDelta::days(1) - TimeDelta::seconds(1));
    app.signed_up(ANN);
    let both = &receiver.until_told(1)[0];
    assert_eq!((both.signatures_by(&new), both.signatures_by(&old)), (1, 1));
    assert_eq!(both.header("webhook-signature").split(' ').count(), 2);
    app.clock().advance(TimeDelta::seconds(1));
    app.signed_up("bob@example.com");
    let one = &receiver.until_told(2)[1];
    assert_eq!((one.signatures_by(&new), one.signatures_by(&old)), (1, 0));
    let stored = app.text("SELECT encode(secret, 'escape') || encode(old_secret, 'escape') AS t FROM webhooks");
    assert!(!stored.contains(&old[6..30]) && !stored.contains(&new[6..30]));
}

#[test]
fn a_test_goes_to_the_webhook_that_is_tested_whatever_it_wants_to_be_told() {
    let (app, tested, other) = (start(), Receiver::start(Manner::Takes), Receiver::start(Manner::Takes));
    let (webhook, secret) = add(&app, &tested, &["user.created"]);
    add(&app, &other, &["user.*"]);
    let delivery = by_operator(&app, move |tx| webhooks::test(tx, Keeper::Operator, webhook)).unwrap();
    let told = tested.first("webhook.tested");
    assert_eq!((told.id(), told.signatures_by(&secret)), (delivery.to_string().as_str(), 1));
    assert_eq!(told.json()["data"]["webhook"], webhook.to_string());
    assert_eq!(told.json()["actor"], json!({ "kind": "operator" }));
    until_delivered(&app, delivery);
    assert!(other.told().is_empty());
}
