use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Inet, Integer, Nullable, Text, Timestamptz, Uuid};
use ipnet::IpNet;
use serde_json::Value;

use super::Event;
use super::batch::Window;
use super::search::{Range, Recorded, Words};
use crate::db::schema::audit_events::{self, dsl};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{EventId, Hand, OrganizationId, SessionId, UserId};

pub(super) fn insert(tx: &mut Tx<'_>, id: EventId, event: Event) -> Result<(), db::Error> {
    let origin = tx.origin.clone();
    let now = tx.now;
    diesel::insert_into(dsl::audit_events)
        .values((
            dsl::id.eq(id),
            dsl::at.eq(now),
            dsl::kind.eq(event.kind),
            dsl::actor_id.eq(origin.actor),
            dsl::subject_id.eq(event.subject),
            dsl::session_id.eq(origin.session),
            dsl::address.eq(origin.address.map(IpNet::from)),
            dsl::user_agent.eq(origin.user_agent),
            dsl::request_id.eq(origin.request_id),
            dsl::details.eq(event.details),
            dsl::organization_id.eq(event.organization),
            dsl::hand.eq(origin.hand.as_str()),
        ))
        .execute(tx.conn())?;
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_events)]
struct Row {
    id: EventId,
    at: chrono::DateTime<chrono::Utc>,
    kind: String,
    actor_id: Option<UserId>,
    subject_id: Option<UserId>,
    session_id: Option<SessionId>,
    address: Option<IpNet>,
    user_agent: Option<String>,
    request_id: String,
    details: Value,
    organization_id: Option<OrganizationId>,
    hand: String,
}

type Query<'a> = audit_events::BoxedQuery<'a, Pg>;

// Equal to a value, but said as a range, and the order with that column in front: so that nothing but the index of both
// columns will do. PostgreSQL would take any index on ids for an order by ids alone, read the newest events of everybody,
// and find those of somebody who has not been there for long after all others.

/// By the index of subjects.
pub(super) fn about(
    tx: &mut ReadTx<'_>,
    user: UserId,
    range: &Range,
    words: &Words,
) -> Result<Vec<Recorded>, db::Error> {
    let about = dsl::audit_events.filter(dsl::subject_id.ge(user).and(dsl::subject_id.le(user))).into_boxed();
    newest(tx, limited(about, range, words).order((dsl::subject_id.desc(), dsl::id.desc())))
}

/// By the index of actors that holds what happened in organizations, and nothing of the much that people do for
/// themselves.
pub(super) fn done_within_organizations(
    tx: &mut ReadTx<'_>,
    user: UserId,
    range: &Range,
    words: &Words,
) -> Result<Vec<Recorded>, db::Error> {
    let done = dsl::actor_id.ge(user).and(dsl::actor_id.le(user)).and(dsl::organization_id.is_not_null());
    let done = dsl::audit_events.filter(done).into_boxed();
    newest(tx, limited(done, range, words).order((dsl::actor_id.desc(), dsl::id.desc())))
}

/// By the index of organizations.
pub(super) fn within(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    range: &Range,
    words: &Words,
) -> Result<Vec<Recorded>, db::Error> {
    let within = dsl::organization_id.ge(organization).and(dsl::organization_id.le(organization));
    let within = dsl::audit_events.filter(within).into_boxed();
    newest(tx, limited(within, range, words).order((dsl::organization_id.desc(), dsl::id.desc())))
}

fn newest(tx: &mut ReadTx<'_>, query: Query<'_>) -> Result<Vec<Recorded>, db::Error> {
    let rows = query.select(Row::as_select()).load(tx.conn())?;
    Ok(rows.into_iter().map(recorded).collect())
}

/// The last of the next `count` events of a window, or of as many as there are.
pub(super) fn end_of_window(tx: &mut ReadTx<'_>, window: &Window, count: i64) -> Result<Option<EventId>, db::Error> {
    let next = windowed(window).select(dsl::id).limit(count).load::<EventId>(tx.conn())?;
    Ok(next.last().copied())
}

/// Those of a window up to `end`.
pub(super) fn oldest(
    tx: &mut ReadTx<'_>,
    window: &Window,
    end: EventId,
    words: &Words,
) -> Result<Vec<Recorded>, db::Error> {
    let wanted = worded(windowed(window).filter(dsl::id.le(end)), words);
    let rows = wanted.select(Row::as_select()).load(tx.conn())?;
    Ok(rows.into_iter().map(recorded).collect())
}

/// In the order of the ids.
fn windowed<'a>(window: &Window) -> Query<'a> {
    let mut query = dsl::audit_events.filter(dsl::id.lt(window.before)).into_boxed();
    if let Some(after) = window.after {
        query = query.filter(dsl::id.gt(after));
    }
    match window.organization {
        Some(organization) => query
            .filter(dsl::organization_id.ge(organization).and(dsl::organization_id.le(organization)))
            .order((dsl::organization_id, dsl::id)),
        None => query.order(dsl::id),
    }
}

fn limited<'a>(mut query: Query<'a>, range: &Range, words: &'a Words) -> Query<'a> {
    if let Some(from) = range.from {
        query = query.filter(dsl::id.ge(from));
    }
    if let Some(before) = range.before {
        query = query.filter(dsl::id.lt(before));
    }
    worded(query, words).limit(range.limit)
}

fn worded<'a>(query: Query<'a>, words: &'a Words) -> Query<'a> {
    match words {
        Words::Only(words) => query.filter(dsl::kind.eq_any(words)),
        Words::AllBut(words) => query.filter(dsl::kind.ne_all(words)),
    }
}

fn recorded(row: Row) -> Recorded {
    Recorded {
        id: row.id,
        at: row.at,
        kind: row.kind,
        actor: row.actor_id,
        subject: row.subject_id,
        session: row.session_id,
        address: row.address.map(|network| network.addr()),
        user_agent: row.user_agent,
        request_id: row.request_id,
        details: row.details,
        organization: row.organization_id,
        // The table allows no other.
        hand: Hand::from_stored(&row.hand).unwrap_or(Hand::Visitor),
    }
}

pub(super) fn has_more_than(tx: &mut ReadTx<'_>, user: UserId, most: i64) -> Result<bool, db::Error> {
    let about = dsl::audit_events.filter(dsl::subject_id.eq(user)).select(dsl::id).offset(most).limit(1);
    let by = dsl::audit_events.filter(dsl::actor_id.eq(user)).select(dsl::id).offset(most).limit(1);
    let is_there = |found: Option<EventId>| found.is_some();
    Ok(is_there(about.first(tx.conn()).optional()?) || is_there(by.first(tx.conn()).optional()?))
}

/// How many rows had to be changed.
pub(super) fn anonymise(
    tx: &mut Tx<'_>,
    (user, pseudonym): (UserId, UserId),
    harmless: &[&str],
    most: i32,
) -> Result<usize, db::Error> {
    diesel::define_sql_function! {
        fn anonymise_audit(person: Uuid, pseudonym: Uuid, harmless: Array<Text>, most: Integer) -> Integer;
    }
    let changed: i32 = diesel::select(anonymise_audit(user, pseudonym, harmless, most)).get_result(tx.conn())?;
    Ok(usize::try_from(changed).unwrap_or_default())
}

/// The same event for each of the subjects, without details.
pub(super) fn insert_for_each(
    tx: &mut Tx<'_>,
    ids: &[EventId],
    subjects: &[UserId],
    kind: &str,
) -> Result<(), db::Error> {
    let (now, origin) = (tx.now, tx.origin.clone());
    sql_query(
        "INSERT INTO audit_events (id, subject_id, at, kind, actor_id, session_id, address, user_agent, request_id, \
         hand, details) \
         SELECT own.id, own.subject, $3, $4, $5, $6, $7, $8, $9, $10, '{}' FROM unnest($1, $2) AS own (id, subject)",
    )
    .bind::<Array<Uuid>, _>(ids)
    .bind::<Array<Uuid>, _>(subjects)
    .bind::<Timestamptz, _>(now)
    .bind::<Text, _>(kind)
    .bind::<Nullable<Uuid>, _>(origin.actor)
    .bind::<Nullable<Uuid>, _>(origin.session)
    .bind::<Nullable<Inet>, _>(origin.address.map(IpNet::from))
    .bind::<Nullable<Text>, _>(origin.user_agent)
    .bind::<Text, _>(origin.request_id)
    .bind::<Text, _>(origin.hand.as_str())
    .execute(tx.conn())?;
    Ok(())
}
