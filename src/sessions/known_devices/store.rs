use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary};
use diesel::upsert::excluded;

use crate::db::schema::{known_devices as known, users};
use crate::db::{self, Tx};
use crate::kernel::{DeviceId, Digest, KnownDeviceId, UserId};

/// Somebody who has just signed in there.
pub(super) struct Seen {
    pub digest: Digest,
    pub user: UserId,
    pub device: DeviceId,
}

/// Last seen after `since`.
pub(super) fn find_by_email(
    tx: &mut Tx<'_>,
    digest: &Digest,
    email_key: &str,
    since: DateTime<Utc>,
) -> Result<Option<KnownDeviceId>, db::Error> {
    let id = known::table
        .inner_join(users::table)
        .filter(known::token_digest.eq(digest.as_bytes()).and(users::email_key.eq(email_key)))
        .filter(known::last_seen_at.gt(since))
        .select(known::id)
        .first(tx.conn())
        .optional()?;
    Ok(id)
}

/// The same of an account whose address is proved.
pub(super) fn find_by_proved_email(
    tx: &mut Tx<'_>,
    digest: &Digest,
    email_key: &str,
    since: DateTime<Utc>,
) -> Result<Option<KnownDeviceId>, db::Error> {
    let id = known::table
        .inner_join(users::table)
        .filter(known::token_digest.eq(digest.as_bytes()).and(users::email_key.eq(email_key)))
        .filter(known::last_seen_at.gt(since).and(users::email_verified_at.is_not_null()))
        .select(known::id)
        .first(tx.conn())
        .optional()?;
    Ok(id)
}

pub(super) fn find(
    tx: &mut Tx<'_>,
    digest: &Digest,
    user: UserId,
    since: DateTime<Utc>,
) -> Result<Option<KnownDeviceId>, db::Error> {
    let id = known::table
        .filter(known::token_digest.eq(digest.as_bytes()).and(known::user_id.eq(user)))
        .filter(known::last_seen_at.gt(since))
        .select(known::id)
        .first(tx.conn())
        .optional()?;
    Ok(id)
}

/// Everybody known by one token is known by another from now on, `most` of them. Who is being changed by somebody else
/// at this moment is left behind: two who sign in at once in one browser must not wait for each other.
pub(super) fn renew(tx: &mut Tx<'_>, before: &Digest, after: &Digest, most: i64) -> Result<(), db::Error> {
    let statement = "
        WITH held AS (
            SELECT id FROM known_devices WHERE token_digest = $1
            ORDER BY last_seen_at DESC LIMIT $3 FOR UPDATE SKIP LOCKED
        )
        UPDATE known_devices SET token_digest = $2 FROM held WHERE known_devices.id = held.id";
    sql_query(statement)
        .bind::<Binary, _>(before.as_bytes())
        .bind::<Binary, _>(after.as_bytes())
        .bind::<BigInt, _>(most)
        .execute(tx.conn())?;
    Ok(())
}

/// Keeps the id where this person is known by that token already.
pub(super) fn put(tx: &mut Tx<'_>, id: KnownDeviceId, seen: &Seen) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(known::table)
        .values((
            known::id.eq(id),
            known::token_digest.eq(seen.digest.as_bytes()),
            known::user_id.eq(seen.user),
            known::device_id.eq(seen.device),
            known::created_at.eq(now),
            known::last_seen_at.eq(now),
        ))
        .on_conflict((known::token_digest, known::user_id))
        .do_update()
        .set((known::device_id.eq(excluded(known::device_id)), known::last_seen_at.eq(excluded(known::last_seen_at))))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, user: UserId, device: DeviceId) -> Result<(), db::Error> {
    diesel::delete(known::table.filter(known::user_id.eq(user).and(known::device_id.eq(device)))).execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete_all(tx: &mut Tx<'_>, user: UserId, except: Option<DeviceId>) -> Result<(), db::Error> {
    let theirs = known::table.filter(known::user_id.eq(user));
    match except {
        Some(kept) => diesel::delete(theirs.filter(known::device_id.ne(kept))).execute(tx.conn())?,
        None => diesel::delete(theirs).execute(tx.conn())?,
    };
    Ok(())
}
