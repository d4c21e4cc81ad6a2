//! What receivers learn of people, and what is left of people here.

use chrono::TimeDelta;
use serde_json::json;
use vestibule::webhooks::{self, Keeper};

use super::{add, after_attempts, by_operator, start, until_delivered};
use crate::deletion::{GRACE, confirmed, erase_the_gone, leave};
use crate::support::people::{PASSWORD, sign_in};
use crate::support::receiver::{Manner, Receiver};

const ANN: &str = "ann@example.com";

#[test]
fn what_waits_for_a_receiver_names_nobody_and_who_has_gone_is_told_of_by_the_id_alone() {
    let (app, receiver) = (start(), Receiver::start(Manner::Says(500, "")));
    let (webhook, _) = add(&app, &receiver, &["user.*"]);
    let mut ann = app.verified(ANN).with_header("X-Forwarded-For", "203.0.113.77");
    ann.get("/account/sessions");
    let first = after_attempts(&app, webhook, "user.created", 1);
    let rows = app.text("SELECT string_agg(row_to_json(d)::text, ' ') AS t FROM webhook_deliveries d");
    for secret in [ANN, "ann@", "Ann Lee", "203.0.113.77", "127.0.0.1"] {
        assert!(!rows.contains(secret), "{secret} in {rows}");
    }
    let id = app.text("SELECT id::text AS t FROM users");
    app.execute("DELETE FROM users");
    receiver.behave(Manner::Takes);
    app.clock().advance(TimeDelta::seconds(15));
    until_delivered(&app, first.id);
    let told = receiver.told();
    assert_eq!(told.first().unwrap().json()["subject"]["email"], ANN, "while she was there");
    assert_eq!(told.last().unwrap().json()["subject"], json!({ "id": id }));
}

#[test]
fn receivers_are_told_whom_they_have_to_forget() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    add(&app, &receiver, &["user.*"]);
    let mut ann = confirmed(&app, ANN);
    let id = app.text("SELECT id::text AS t FROM users");
    leave(&mut ann);
    assert_eq!(receiver.first("user.deletion_requested").json()["subject"]["id"], id);
    app.clock().advance(GRACE);
    erase_the_gone(&app);
    let gone = receiver.first("user.deleted").json();
    assert_eq!((&gone["subject"], &gone["data"]), (&json!({ "id": id }), &json!({ "by": "owner" })));
    let kept = format!("SELECT count(*) AS n FROM audit_events WHERE '{id}' IN (actor_id::text, subject_id::text)");
    assert_eq!(app.count(&kept), 0, "the audit has forgotten who it was");
}

#[test]
fn an_answer_that_repeats_an_address_is_not_kept_with_it() {
    let (app, receiver) = (start(), Receiver::start(Manner::Echoes(400)));
    let (webhook, _) = add(&app, &receiver, &["user.created"]);
    app.signed_up(ANN);
    let delivery = after_attempts(&app, webhook, "user.created", 1);
    assert!(String::from_utf8_lossy(receiver.told()[0].body()).contains(ANN));
    let kept = delivery.last_error.unwrap();
    assert!(kept.starts_with("It answered 400") && !kept.contains("ann"), "{kept}");
}

#[test]
fn where_somebody_did_it_from_is_told_to_nobody() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let (webhook, _) = add(&app, &receiver, &["session.opened"]);
    app.signed_up(ANN);
    let mut browser =
        app.browser().with_header("X-Forwarded-For", "203.0.113.77").with_header("User-Agent", "Firefox/9");
    sign_in(&mut browser, ANN, PASSWORD);
    let told = receiver.first("session.opened");
    let body = String::from_utf8_lossy(told.body()).into_owned();
    assert!(!body.contains("203.0.113") && !body.contains("Firefox"), "{body}");
    until_delivered(&app, told.id().parse().unwrap());
    by_operator(&app, move |tx| webhooks::remove(tx, Keeper::Operator, webhook)).unwrap();
    assert_eq!(app.count("SELECT count(*) AS n FROM webhook_deliveries"), 0);
}
