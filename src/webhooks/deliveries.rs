//! What webhooks were told, and are yet to be told, as those see it who look after them.

pub(super) mod store;

use chrono::{DateTime, TimeDelta, Utc};

use super::manage::event;
use super::{Error, Keeper};
use crate::audit;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{DeliveryId, EventId, WebhookId};

/// How long there is a row to look at, from its end on.
const KEPT: TimeDelta = TimeDelta::days(30);

#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: DeliveryId,
    pub webhook: WebhookId,
    pub event: EventId,
    pub kind: String,
    /// Of the event.
    pub at: DateTime<Utc>,
    pub attempts: i32,
    pub standing: Standing,
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// What it answered, when it did.
    pub last_status: Option<i32>,
    pub last_error: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The next attempt is due then.
    Waiting(DateTime<Utc>),
    /// A node is at it, and has until then.
    Sending(DateTime<Utc>),
    Delivered(DateTime<Utc>),
    GaveUp(DateTime<Utc>),
}

impl Standing {
    /// The stable word for the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting(_) => "waiting",
            Self::Sending(_) => "sending",
            Self::Delivered(_) => "delivered",
            Self::GaveUp(_) => "gave_up",
        }
    }

    pub fn at(self) -> DateTime<Utc> {
        match self {
            Self::Waiting(at) | Self::Sending(at) | Self::Delivered(at) | Self::GaveUp(at) => at,
        }
    }
}

/// The newest first.
#[derive(Debug)]
pub struct Page {
    pub deliveries: Vec<Delivery>,
    /// Where the next page begins, if there is one.
    pub next: Option<DeliveryId>,
}

/// What became of the wish to send something again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Redelivered {
    Queued,
    /// An attempt is under way.
    BeingSent,
}

/// Those of one webhook, from before `before` on, at most `most`.
pub fn list(
    tx: &mut ReadTx<'_>,
    keeper: Keeper,
    webhook: WebhookId,
    before: Option<DeliveryId>,
    most: usize,
) -> Result<Page, Error> {
    let now = tx.now;
    super::find(tx, keeper, webhook)?;
    let mut rows = store::list(tx, webhook, before, most + 1)?;
    let has_more = rows.len() > most;
    rows.truncate(most);
    let next = rows.last().map(|row| row.id).filter(|_| has_more);
    Ok(Page { deliveries: rows.into_iter().map(|row| describe(row, now)).collect(), next })
}

/// Sends it once more, under the same id, whether it was delivered, given up, or waits. Where `webhook` says whose it is,
/// it must be that one's.
pub fn redeliver(
    tx: &mut Tx<'_>,
    keeper: Keeper,
    webhook: Option<WebhookId>,
    id: DeliveryId,
) -> Result<Redelivered, Error> {
    let is_meant = |owner: &WebhookId| webhook.is_none_or(|webhook| webhook == *owner);
    let owner = store::find_webhook(tx, id)?.filter(is_meant).ok_or(Error::Unknown)?;
    let webhook = super::store::lock(tx, keeper, owner)?.ok_or(Error::Unknown)?;
    if webhook.disabled.is_some() {
        return Err(Error::Disabled);
    }
    let delivery = describe(store::lock(tx, id)?.ok_or(Error::Unknown)?, tx.now);
    match delivery.standing {
        Standing::Sending(_) => Ok(Redelivered::BeingSent),
        Standing::Waiting(_) | Standing::Delivered(_) | Standing::GaveUp(_) => {
            store::restart(tx, id)?;
            let repeated = event(&webhook, "webhook.delivery_repeated");
            audit::record(tx, repeated.with("delivery", id.to_string()).with("type", delivery.kind.as_str()))?;
            Ok(Redelivered::Queued)
        }
    }
}

/// What is not delivered and not given up: how many, and since when the one has waited that has for longest.
pub fn waiting(tx: &mut ReadTx<'_>) -> Result<(i64, Option<DateTime<Utc>>), db::Error> {
    store::waiting(tx)
}

/// Deletes what ended long ago. How many, at most `most`.
pub fn forget_old(tx: &mut Tx<'_>, most: usize) -> Result<usize, db::Error> {
    let before = tx.now - KEPT;
    store::delete_ended_before(tx, before, most)
}

/// The delivery of the test that this transaction has recorded.
pub(super) fn find_test(tx: &mut Tx<'_>, webhook: WebhookId) -> Result<DeliveryId, db::Error> {
    store::find_newest(tx, webhook, "webhook.tested")
}

/// Everything that a webhook has not been told. How many.
pub(super) fn give_up_all(tx: &mut Tx<'_>, webhook: WebhookId) -> Result<usize, db::Error> {
    store::give_up_all(tx, webhook, "The webhook was turned off.")
}

fn describe(row: store::Row, now: DateTime<Utc>) -> Delivery {
    let leased_until = row.leased_until.filter(|until| *until > now);
    let standing = match (row.delivered_at, row.gave_up_at, leased_until) {
        (Some(at), _, _) => Standing::Delivered(at),
        (None, Some(at), _) => Standing::GaveUp(at),
        (None, None, Some(until)) => Standing::Sending(until),
        (None, None, None) => Standing::Waiting(row.next_attempt_at),
    };
    Delivery {
        id: row.id,
        webhook: row.webhook_id,
        event: row.event_id,
        kind: row.kind,
        at: row.at,
        attempts: row.attempts,
        standing,
        last_attempt_at: row.last_attempt_at,
        last_status: row.last_status,
        last_error: row.last_error,
    }
}
