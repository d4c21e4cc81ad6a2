//! Every statement passes over rows that somebody else holds, and looks again at a row that was changed before it was
//! locked. Ending a session writes down why, which holds its person too: that row is passed over as well, since whoever
//! has it may be about to ask for the session.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::{EndReason, Remember};
use crate::db::schema::sessions;
use crate::db::{self, Change, Tx};
use crate::kernel::SessionId;

/// Who may have been idle for too long: a stretch of ids, and since when.
pub(super) struct IdleIn {
    /// Not itself.
    pub after: Uuid,
    pub up_to: Uuid,
    pub last_active: DateTime<Utc>,
    pub last_active_if_remembered: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = SqlUuid)]
    id: SessionId,
}

/// Given rows `ended`, which are locked.
const DELETE_ENDED: &str = "
    gone AS (
        DELETE FROM sessions USING ended WHERE sessions.id = ended.id
        RETURNING sessions.id, sessions.user_id, sessions.token_digest, sessions.remember
    ), reasons AS (
        INSERT INTO ended_sessions (token_digest, user_id, reason, ended_at)
        SELECT token_digest, user_id, CASE WHEN remember THEN $4 ELSE $1 END, $2 FROM gone ON CONFLICT DO NOTHING
    )
    SELECT id FROM gone";

/// Ends sessions that have reached their absolute end.
pub(super) fn end_too_old(tx: &mut Tx<'_>, most: usize, reason: fn(Remember) -> EndReason) -> Result<usize, db::Error> {
    let statement = format!(
        "WITH ended AS (
            SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id
            WHERE s.expires_at <= $2
            ORDER BY s.expires_at LIMIT $3
            FOR UPDATE OF s SKIP LOCKED FOR KEY SHARE OF u SKIP LOCKED
        ), {DELETE_ENDED}"
    );
    let now = tx.now;
    let gone: Vec<Gone> = sql_query(statement)
        .bind::<Text, _>(reason(Remember::No).as_str())
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(limit(most))
        .bind::<Text, _>(reason(Remember::Yes).as_str())
        .load(tx.conn())?;
    Ok(tell(tx, &gone))
}

/// Ends those of a stretch that were idle for too long.
pub(super) fn end_idle(
    tx: &mut Tx<'_>,
    slice: &IdleIn,
    most: usize,
    reason: fn(Remember) -> EndReason,
) -> Result<usize, db::Error> {
    let statement = format!(
        "WITH ended AS (
            SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id
            WHERE s.id > $5 AND s.id <= $6
            AND s.last_active_at <= CASE WHEN s.remember THEN $8 ELSE $7 END
            ORDER BY s.id LIMIT $3
            FOR UPDATE OF s SKIP LOCKED FOR KEY SHARE OF u SKIP LOCKED
        ), {DELETE_ENDED}"
    );
    let now = tx.now;
    let gone: Vec<Gone> = sql_query(statement)
        .bind::<Text, _>(reason(Remember::No).as_str())
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(limit(most))
        .bind::<Text, _>(reason(Remember::Yes).as_str())
        .bind::<SqlUuid, _>(slice.after)
        .bind::<SqlUuid, _>(slice.up_to)
        .bind::<Timestamptz, _>(slice.last_active)
        .bind::<Timestamptz, _>(slice.last_active_if_remembered)
        .load(tx.conn())?;
    Ok(tell(tx, &gone))
}

/// The id of the last of that many rows; `None` when there are fewer.
pub(super) fn find_end_of_slice(tx: &mut Tx<'_>, after: Uuid, rows: usize) -> Result<Option<Uuid>, db::Error> {
    let end = sessions::table
        .filter(sessions::id.gt(after))
        .order(sessions::id)
        .offset(limit(rows) - 1)
        .select(sessions::id)
        .first(tx.conn())
        .optional()?;
    Ok(end)
}

/// Why sessions ended, for those that ended at `before` or earlier.
pub(super) fn delete_ends(tx: &mut Tx<'_>, before: DateTime<Utc>, most: usize) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT token_digest FROM ended_sessions WHERE ended_at <= $1
            ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM ended_sessions USING old WHERE ended_sessions.token_digest = old.token_digest";
    delete_old(tx, statement, before, most)
}

/// Places last seen at `before` or earlier.
pub(super) fn delete_places(tx: &mut Tx<'_>, before: DateTime<Utc>, most: usize) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT user_id, network FROM places WHERE last_seen_at <= $1
            ORDER BY last_seen_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM places USING old WHERE places.user_id = old.user_id AND places.network = old.network";
    delete_old(tx, statement, before, most)
}

/// Browsers in which somebody has last signed in at `before` or earlier.
pub(super) fn delete_known(tx: &mut Tx<'_>, before: DateTime<Utc>, most: usize) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT id FROM known_devices WHERE last_seen_at <= $1
            ORDER BY last_seen_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM known_devices USING old WHERE known_devices.id = old.id";
    delete_old(tx, statement, before, most)
}

/// Links of letters about new places that no longer work at `before`.
pub(super) fn delete_links(tx: &mut Tx<'_>, before: DateTime<Utc>, most: usize) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT digest FROM not_me_links WHERE expires_at <= $1
            ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM not_me_links USING old WHERE not_me_links.digest = old.digest";
    delete_old(tx, statement, before, most)
}

/// Sign-ins that wait for a second proof no longer at `before`.
pub(super) fn delete_pending(tx: &mut Tx<'_>, before: DateTime<Utc>, most: usize) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT token_digest FROM pending_sign_ins WHERE expires_at <= $1
            ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM pending_sign_ins USING old WHERE pending_sign_ins.token_digest = old.token_digest";
    delete_old(tx, statement, before, most)
}

/// Ways to an app's host that lead nowhere any more at `before`.
pub(super) fn delete_hand_overs(tx: &mut Tx<'_>, before: DateTime<Utc>, most: usize) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT code_digest FROM hand_overs WHERE expires_at <= $1
            ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM hand_overs USING old WHERE hand_overs.code_digest = old.code_digest";
    delete_old(tx, statement, before, most)
}

fn delete_old(tx: &mut Tx<'_>, statement: &str, before: DateTime<Utc>, most: usize) -> Result<usize, db::Error> {
    let deleted =
        sql_query(statement).bind::<Timestamptz, _>(before).bind::<BigInt, _>(limit(most)).execute(tx.conn())?;
    Ok(deleted)
}

fn tell(tx: &mut Tx<'_>, gone: &[Gone]) -> usize {
    for session in gone {
        tx.tell(Change::Session(session.id));
    }
    gone.len()
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
