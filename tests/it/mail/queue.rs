//! What the operator sees and does.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use vestibule::db;
use vestibule::kernel::{LetterId, Origin};
use vestibule::mail::{self, Letter, Retried, State};

use super::{a_link, after_attempts, block_on, enqueue, until_sent, waiting};
use crate::support::smtp::{At, Mishap, Times};
use crate::support::{TestApp, eventually};

fn retry(app: &TestApp, id: LetterId) -> Retried {
    block_on(app.app.db.write::<_, db::Error, _>(&Origin::system("a test"), move |tx| mail::retry(tx, id))).unwrap()
}

#[test]
fn a_letter_that_waits_can_be_sent_at_once() {
    let app = TestApp::start();
    app.mail().stop();
    let id = enqueue(&app, "ann@x.test", a_link());
    after_attempts(&app, 1);
    app.mail().resume();
    assert_eq!(retry(&app, id), Retried::Queued);
    app.mail().to("ann@x.test");
    until_sent(&app, id);
    assert_eq!(retry(&app, id), Retried::NotWaiting);
}

#[test]
fn a_letter_given_up_can_be_sent_again_unless_its_link_is_gone() {
    let app = TestApp::start();
    app.mail().misbehave(At::Rcpt, Mishap::Say("550 5.1.1 no"), Times::Always);
    let notice = enqueue(&app, "ann@x.test", Letter::AlreadyRegistered);
    let link = enqueue(&app, "ann@x.test", a_link());
    eventually("both to be given up", || {
        waiting(&app).iter().all(|letter| matches!(letter.state, State::GivenUp(_))).then_some(())
    });
    app.mail().behave();
    assert_eq!(retry(&app, link), Retried::SecretErased);
    assert_eq!(retry(&app, notice), Retried::Queued);
    app.mail().to("ann@x.test");
    until_sent(&app, notice);
    assert_eq!(app.mail().count_to("ann@x.test"), 1);
}

#[test]
fn a_letter_under_way_is_left_alone() {
    let app = TestApp::start();
    app.mail().misbehave(At::Greeting, Mishap::Stall, Times::Always);
    let id = enqueue(&app, "ann@x.test", a_link());
    eventually("an attempt", || matches!(waiting(&app).first()?.state, State::Sending(_)).then_some(()));
    assert_eq!(retry(&app, id), Retried::BeingSent);
}

#[test]
fn the_service_is_not_ready_while_letters_are_overdue() {
    let app = TestApp::start();
    let mut browser = app.browser();
    assert_eq!(browser.get("/readyz").status, 200);
    // Somebody holds the row, so that nobody can send it.
    app.mail().stop();
    enqueue(&app, "ann@x.test", a_link());
    after_attempts(&app, 1);
    let mut holder = PgConnection::establish(app.database_url()).unwrap();
    holder.batch_execute("BEGIN; SELECT id FROM mail_outbox FOR UPDATE").unwrap();
    app.clock().advance(TimeDelta::minutes(5));
    assert_eq!(browser.get("/readyz").status, 200, "a server that is down is no reason to turn people away");
    app.clock().advance(TimeDelta::minutes(6));
    let answer = browser.get("/readyz");
    assert_eq!(answer.status, 503);
    assert!(answer.answer.text().contains("vestibule mail queue"), "{}", answer.answer.text());

    app.mail().resume();
    holder.batch_execute("ROLLBACK").unwrap();
    app.mail().to("ann@x.test");
    eventually("readiness", || (browser.get("/readyz").status == 200).then_some(()));
}

#[test]
fn old_letters_are_forgotten_and_waiting_ones_are_not() {
    let app = TestApp::start();
    let sent = enqueue(&app, "ann@x.test", Letter::Test);
    until_sent(&app, sent);
    app.mail().misbehave(At::Rcpt, Mishap::Say("550 5.1.1 no"), Times::Once);
    enqueue(&app, "bob@x.test", Letter::Test);
    eventually("one given up", || matches!(waiting(&app).first()?.state, State::GivenUp(_)).then_some(()));
    let forget = |days| {
        app.clock().advance(TimeDelta::days(days));
        block_on(app.app.db.write::<_, db::Error, _>(&Origin::system("a test"), mail::forget_old)).unwrap()
    };
    assert_eq!([forget(6), forget(2), forget(20), forget(3)], [0, 1, 0, 1]);
}
