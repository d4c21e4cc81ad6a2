//! Receivers that take nothing for days.

use chrono::TimeDelta;
use vestibule::db;
use vestibule::webhooks::{self, Changes, Error, Keeper, Standing, Turned, Why};

use super::{add, after_attempts, block_on, by_operator, deliveries, start, the_delivery, until_delivered};
use crate::support::TestApp;
use crate::support::eventually;
use crate::support::receiver::{Manner, Receiver};

/// To the next attempt at what has been tried so often, which fails.
fn fail_once_more(app: &TestApp, webhook: vestibule::kernel::WebhookId, wait: TimeDelta) {
    let before = the_delivery(app, webhook, "user.created").attempts;
    app.clock().advance(wait);
    after_attempts(app, webhook, "user.created", before + 1);
}

#[test]
fn after_three_days_an_event_is_given_up_and_can_be_sent_again_by_hand() {
    let (app, receiver) = (start(), Receiver::start(Manner::Says(500, "")));
    let (webhook, _) = add(&app, &receiver, &["user.created"]);
    app.signed_up("ann@example.com");
    after_attempts(&app, webhook, "user.created", 1);
    fail_once_more(&app, webhook, TimeDelta::days(3) - TimeDelta::seconds(1));
    let waiting = the_delivery(&app, webhook, "user.created");
    assert_eq!(waiting.standing, Standing::Waiting(app.clock().now() + TimeDelta::seconds(1)), "the last attempt");
    fail_once_more(&app, webhook, TimeDelta::seconds(1));
    let given_up = the_delivery(&app, webhook, "user.created");
    assert_eq!(given_up.standing, Standing::GaveUp(app.clock().now()));
    assert_eq!(given_up.last_error.as_deref(), Some("It answered 500."));
    let audited = format!(
        "SELECT count(*) AS n FROM audit_events WHERE kind = 'webhook.delivery_given_up' AND hand = 'service'
         AND details = '{{\"webhook\": \"{webhook}\", \"host\": \"localhost\", \"delivery\": \"{}\", \"type\": \"user.created\"}}'",
        given_up.id
    );
    assert_eq!(app.count(&audited), 1);

    receiver.behave(Manner::Takes);
    by_operator(&app, move |tx| webhooks::redeliver(tx, Keeper::Operator, None, given_up.id)).unwrap();
    until_delivered(&app, given_up.id);
    let told = receiver.told();
    assert!(told.iter().all(|told| told.id() == given_up.id.to_string()));
}

#[test]
fn a_webhook_that_takes_nothing_for_five_days_is_turned_off_and_a_letter_says_so() {
    let (app, receiver) = (start(), Receiver::start(Manner::Says(410, "gone")));
    let (webhook, _) = add(&app, &receiver, &["user.created"]);
    app.verified("ann@example.com");
    app.execute("UPDATE users SET is_admin = true");
    after_attempts(&app, webhook, "user.created", 1);
    fail_once_more(&app, webhook, TimeDelta::days(5) - TimeDelta::seconds(1));
    let find = move |tx: &mut db::ReadTx<'_>| webhooks::find(tx, Keeper::Operator, webhook);
    assert!(block_on(app.app.db.read(find)).unwrap().disabled.is_none(), "not yet");
    app.signed_up("bob@example.com");
    eventually("the last straw", || {
        app.clock().advance(TimeDelta::seconds(1));
        block_on(app.app.db.read(find)).unwrap().disabled
    });
    let off = block_on(app.app.db.read(find)).unwrap();
    assert_eq!(off.disabled.unwrap().why, Why::Failing);
    let letter = app.mail().to("ann@example.com");
    assert_eq!(letter.subject(), "A webhook at localhost was turned off");
    assert!(letter.text().contains(&format!("vestibule webhook enable {webhook}")), "{}", letter.text());
    assert_eq!(app.count("SELECT count(*) AS n FROM audit_events WHERE kind = 'webhook.disabled'"), 1);

    // Nothing waits for it, nothing new comes, and nothing is sent by hand.
    let is_over = |delivery: &webhooks::Delivery| matches!(delivery.standing, Standing::GaveUp(_));
    assert!(deliveries(&app, webhook).iter().all(is_over));
    let count = deliveries(&app, webhook).len();
    app.signed_up("eve@example.com");
    assert_eq!(deliveries(&app, webhook).len(), count);
    let id = deliveries(&app, webhook)[0].id;
    let refused = by_operator(&app, move |tx| webhooks::redeliver(tx, Keeper::Operator, None, id));
    assert!(matches!(refused, Err(Error::Disabled)));

    receiver.behave(Manner::Takes);
    let on = Changes { turned: Some(Turned::On), ..Changes::default() };
    by_operator(&app, move |tx| webhooks::change(tx, Keeper::Operator, webhook, on)).unwrap();
    by_operator(&app, move |tx| webhooks::redeliver(tx, Keeper::Operator, None, id)).unwrap();
    until_delivered(&app, id);
    let on = block_on(app.app.db.read(find)).unwrap();
    assert_eq!((on.failures, on.failing_since, on.disabled), (0, None, None));
}

#[test]
fn a_webhook_that_takes_something_now_and_then_stays_on() {
    let (app, receiver) = (start(), Receiver::start(Manner::Says(500, "")));
    let (webhook, _) = add(&app, &receiver, &["user.created"]);
    for day in 0..4 {
        receiver.behave(Manner::Says(500, ""));
        app.signed_up(&format!("p{day}@example.com"));
        eventually("a failed attempt", || {
            deliveries(&app, webhook).iter().any(|one| one.last_status == Some(500)).then_some(())
        });
        receiver.behave(Manner::Takes);
        app.clock().advance(TimeDelta::days(2));
        eventually("an empty queue", || {
            let all = deliveries(&app, webhook);
            all.iter().all(|one| matches!(one.standing, Standing::Delivered(_))).then_some(())
        });
    }
    assert_eq!(app.count("SELECT count(*) AS n FROM webhooks WHERE disabled_at IS NULL AND failing_since IS NULL"), 1);
}

#[test]
fn what_ended_thirty_days_ago_is_forgotten_and_what_waits_is_not() {
    let (app, receiver) = (start(), Receiver::start(Manner::Takes));
    let (webhook, _) = add(&app, &receiver, &["user.created"]);
    app.signed_up("ann@example.com");
    let told = receiver.first("user.created").id().parse().unwrap();
    until_delivered(&app, told);
    app.clock().advance(TimeDelta::days(30));
    assert_eq!(by_operator(&app, |tx| webhooks::forget_old(tx, 10)).unwrap(), 0);
    receiver.behave(Manner::Says(500, ""));
    app.signed_up("bob@example.com");
    app.clock().advance(TimeDelta::seconds(1));
    assert_eq!(by_operator(&app, |tx| webhooks::forget_old(tx, 10)).unwrap(), 1);
    assert_eq!(deliveries(&app, webhook).len(), 1);
}
