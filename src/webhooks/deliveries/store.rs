use chrono::{DateTime, Utc};
use diesel::dsl::{And, IsNull, exists, min};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz};
use serde_json::Value;

use crate::db::schema::webhook_deliveries::dsl;
use crate::db::schema::{audit_events, members, users, webhooks};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{DeliveryId, EventId, OrganizationId, UserId, WebhookId};

/// What is neither delivered nor given up.
type Unsent = And<IsNull<dsl::delivered_at>, IsNull<dsl::gave_up_at>>;

fn unsent() -> Unsent {
    dsl::delivered_at.is_null().and(dsl::gave_up_at.is_null())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::webhook_deliveries, check_for_backend(diesel::pg::Pg))]
pub(in crate::webhooks) struct Row {
    pub id: DeliveryId,
    pub webhook_id: WebhookId,
    pub event_id: EventId,
    pub kind: String,
    pub at: DateTime<Utc>,
    pub attempts: i32,
    pub next_attempt_at: DateTime<Utc>,
    pub leased_until: Option<DateTime<Utc>>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub gave_up_at: Option<DateTime<Utc>>,
    pub last_attempt_at: Option<DateTime<Utc>>,
    pub last_status: Option<i32>,
    pub last_error: Option<String>,
}

pub(super) fn list(
    tx: &mut ReadTx<'_>,
    webhook: WebhookId,
    before: Option<DeliveryId>,
    most: usize,
) -> Result<Vec<Row>, db::Error> {
    let mut rows = dsl::webhook_deliveries.into_boxed().filter(dsl::webhook_id.eq(webhook));
    if let Some(before) = before {
        rows = rows.filter(dsl::id.lt(before));
    }
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    Ok(rows.order(dsl::id.desc()).limit(most).select(Row::as_select()).load(tx.conn())?)
}

pub(super) fn find_webhook(tx: &mut ReadTx<'_>, id: DeliveryId) -> Result<Option<WebhookId>, db::Error> {
    Ok(dsl::webhook_deliveries.find(id).select(dsl::webhook_id).first(tx.conn()).optional()?)
}

pub(super) fn find_newest(tx: &mut ReadTx<'_>, webhook: WebhookId, kind: &str) -> Result<DeliveryId, db::Error> {
    let own = dsl::webhook_deliveries.filter(dsl::webhook_id.eq(webhook).and(dsl::kind.eq(kind)));
    Ok(own.order(dsl::id.desc()).select(dsl::id).first(tx.conn())?)
}

pub(super) fn lock(tx: &mut Tx<'_>, id: DeliveryId) -> Result<Option<Row>, db::Error> {
    let row = dsl::webhook_deliveries.find(id).select(Row::as_select()).for_update();
    Ok(row.first(tx.conn()).optional()?)
}

/// Due at once, with days of its own again. What was said before stays until something else is.
pub(super) fn restart(tx: &mut Tx<'_>, id: DeliveryId) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::update(dsl::webhook_deliveries.find(id))
        .set((
            dsl::attempts.eq(0),
            dsl::next_attempt_at.eq(now),
            dsl::leased_until.eq(None::<DateTime<Utc>>),
            dsl::give_up_after.eq(None::<DateTime<Utc>>),
            dsl::delivered_at.eq(None::<DateTime<Utc>>),
            dsl::gave_up_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn waiting(tx: &mut ReadTx<'_>) -> Result<(i64, Option<DateTime<Utc>>), db::Error> {
    let waiting = dsl::webhook_deliveries.filter(unsent());
    Ok(waiting.select((diesel::dsl::count_star(), min(dsl::at))).first(tx.conn())?)
}

/// It passes over rows that somebody else holds.
pub(super) fn delete_ended_before(tx: &mut Tx<'_>, before: DateTime<Utc>, most: usize) -> Result<usize, db::Error> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let statement = "
        WITH old AS (
            SELECT id FROM webhook_deliveries
            WHERE (delivered_at IS NOT NULL OR gave_up_at IS NOT NULL) AND COALESCE(delivered_at, gave_up_at) < $1
            ORDER BY COALESCE(delivered_at, gave_up_at) LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM webhook_deliveries USING old WHERE webhook_deliveries.id = old.id";
    Ok(sql_query(statement).bind::<Timestamptz, _>(before).bind::<BigInt, _>(most).execute(tx.conn())?)
}

pub(super) fn give_up_all(tx: &mut Tx<'_>, webhook: WebhookId, why: &str) -> Result<usize, db::Error> {
    let now = tx.now;
    let waiting = dsl::webhook_deliveries.filter(dsl::webhook_id.eq(webhook).and(unsent()));
    let given_up = diesel::update(waiting)
        .set((dsl::gave_up_at.eq(now), dsl::leased_until.eq(None::<DateTime<Utc>>), dsl::last_error.eq(why)))
        .execute(tx.conn())?;
    Ok(given_up)
}

/// Those with something due.
pub(in crate::webhooks) fn list_due(
    tx: &mut ReadTx<'_>,
    at: DateTime<Utc>,
    most: i64,
) -> Result<Vec<WebhookId>, db::Error> {
    let due =
        dsl::webhook_deliveries.filter(dsl::webhook_id.eq(webhooks::id).and(unsent()).and(dsl::next_attempt_at.le(at)));
    let some = webhooks::table.filter(webhooks::disabled_at.is_null().and(exists(due)));
    Ok(some.order(webhooks::id).limit(most).select(webhooks::id).load(tx.conn())?)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::webhook_deliveries, check_for_backend(diesel::pg::Pg))]
pub(in crate::webhooks) struct Due {
    pub id: DeliveryId,
    /// `None` before the first attempt.
    pub give_up_after: Option<DateTime<Utc>>,
}

/// What has been due for longest to one webhook, passing over what others hold just now.
pub(in crate::webhooks) fn lock_due(tx: &mut Tx<'_>, webhook: WebhookId) -> Result<Option<Due>, db::Error> {
    let now = tx.now;
    let due = dsl::webhook_deliveries
        .filter(dsl::webhook_id.eq(webhook).and(unsent()).and(dsl::next_attempt_at.le(now)))
        .order(dsl::next_attempt_at)
        .select(Due::as_select())
        .for_update()
        .skip_locked()
        .first(tx.conn())
        .optional()?;
    Ok(due)
}

/// A delivery that somebody is about to make.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::webhook_deliveries, check_for_backend(diesel::pg::Pg))]
pub(in crate::webhooks) struct Claimed {
    pub id: DeliveryId,
    pub webhook_id: WebhookId,
    pub event_id: EventId,
    pub kind: String,
    pub subject_id: Option<UserId>,
    /// With this one.
    pub attempts: i32,
    pub give_up_after: Option<DateTime<Utc>>,
}

/// Counts an attempt. It is due again at the end of the lease, should its sender never come back.
pub(in crate::webhooks) fn lease(
    tx: &mut Tx<'_>,
    id: DeliveryId,
    until: DateTime<Utc>,
    give_up_after: DateTime<Utc>,
) -> Result<Claimed, db::Error> {
    let now = tx.now;
    let leased = diesel::update(dsl::webhook_deliveries.find(id))
        .set((
            dsl::attempts.eq(dsl::attempts + 1),
            dsl::last_attempt_at.eq(now),
            dsl::next_attempt_at.eq(until),
            dsl::leased_until.eq(until),
            dsl::give_up_after.eq(give_up_after),
        ))
        .returning(Claimed::as_returning())
        .get_result(tx.conn())?;
    Ok(leased)
}

/// However late its sender is: it was delivered.
pub(in crate::webhooks) fn mark_delivered(tx: &mut Tx<'_>, id: DeliveryId, status: i32) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::update(dsl::webhook_deliveries.find(id).filter(dsl::delivered_at.is_null()))
        .set((
            dsl::delivered_at.eq(now),
            dsl::gave_up_at.eq(None::<DateTime<Utc>>),
            dsl::leased_until.eq(None::<DateTime<Utc>>),
            dsl::last_status.eq(status),
            dsl::last_error.eq(None::<String>),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// What is written down of an attempt that failed.
pub(in crate::webhooks) struct Setback<'a> {
    pub status: Option<i32>,
    pub reason: &'a str,
}

/// Whether it is still this attempt's to put off: its lease may have run out, and it be another's.
pub(in crate::webhooks) fn put_off(
    tx: &mut Tx<'_>,
    claimed: &Claimed,
    until: DateTime<Utc>,
    setback: &Setback<'_>,
) -> Result<bool, db::Error> {
    let ours = dsl::webhook_deliveries.find(claimed.id).filter(unsent().and(dsl::attempts.eq(claimed.attempts)));
    let changed = diesel::update(ours)
        .set((
            dsl::next_attempt_at.eq(until),
            dsl::leased_until.eq(None::<DateTime<Utc>>),
            dsl::last_status.eq(setback.status),
            dsl::last_error.eq(setback.reason),
        ))
        .execute(tx.conn())?;
    Ok(changed == 1)
}

/// As [`put_off`], for good.
pub(in crate::webhooks) fn give_up(
    tx: &mut Tx<'_>,
    claimed: &Claimed,
    setback: &Setback<'_>,
) -> Result<bool, db::Error> {
    let now = tx.now;
    let ours = dsl::webhook_deliveries.find(claimed.id).filter(unsent().and(dsl::attempts.eq(claimed.attempts)));
    let changed = diesel::update(ours)
        .set((
            dsl::gave_up_at.eq(now),
            dsl::leased_until.eq(None::<DateTime<Utc>>),
            dsl::last_status.eq(setback.status),
            dsl::last_error.eq(setback.reason),
        ))
        .execute(tx.conn())?;
    Ok(changed == 1)
}

/// The event itself, without where it came from: that is nobody else's business.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events, check_for_backend(diesel::pg::Pg))]
pub(in crate::webhooks) struct Event {
    pub at: DateTime<Utc>,
    pub kind: String,
    pub actor_id: Option<UserId>,
    pub organization_id: Option<OrganizationId>,
    pub hand: String,
    pub details: Value,
}

pub(in crate::webhooks) fn find_event(tx: &mut ReadTx<'_>, id: EventId) -> Result<Option<Event>, db::Error> {
    Ok(audit_events::table.find(id).select(Event::as_select()).first(tx.conn()).optional()?)
}

/// Their address, and whether they have proved that it is theirs.
pub(in crate::webhooks) type Known = (String, Option<DateTime<Utc>>);

pub(in crate::webhooks) fn find_person(tx: &mut ReadTx<'_>, id: UserId) -> Result<Option<Known>, db::Error> {
    let columns = (users::email, users::email_verified_at);
    Ok(users::table.find(id).select(columns).first(tx.conn()).optional()?)
}

/// The same of somebody who is a member.
pub(in crate::webhooks) fn find_member(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    id: UserId,
) -> Result<Option<Known>, db::Error> {
    let member = users::table
        .inner_join(members::table)
        .filter(users::id.eq(id).and(members::organization_id.eq(organization)))
        .select((users::email, users::email_verified_at));
    Ok(member.first(tx.conn()).optional()?)
}
