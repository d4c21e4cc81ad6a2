//! The program itself, killed at the worst moment.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};

use super::{HERE, command};
use crate::resilience::service::Service;
use crate::support::postgres::TestDb;
use crate::support::receiver::{Manner, Receiver};

#[test]
fn a_service_killed_between_sending_and_noting_sends_the_same_event_again() {
    // It has the event, and its answer never arrives.
    let (database, receiver) = (TestDb::make(), Receiver::start(Manner::Silent));
    let settings = [("DATABASE__URL", database.url()), ("WEBHOOKS__ALLOWED_NETWORKS", HERE.1)];
    let mut service = Service::start(&settings);
    let webhook = command::add(database.url(), &receiver.url());
    command::run(database.url(), &["test", &webhook]);
    let first = receiver.first("webhook.tested");
    service.kill();

    receiver.behave(Manner::Takes);
    // What the hands of the clock would do, a minute later.
    let mut sql = PgConnection::establish(database.url()).unwrap();
    sql.batch_execute("UPDATE webhook_deliveries SET next_attempt_at = at, leased_until = at").unwrap();
    service.start_again();
    let second = receiver.until_told(2).remove(1);
    assert_eq!((first.id(), first.body()), (second.id(), second.body()));
}
