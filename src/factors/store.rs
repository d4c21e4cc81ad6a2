use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Nullable, Timestamptz, Uuid};

use super::totp::Stored;
use crate::db::schema::{recovery_codes as codes, second_factor_due, totp_factors as totp, users};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Digest, UserId};

type StoredRow = (Vec<u8>, DateTime<Utc>, Option<DateTime<Utc>>);

const STORED: (totp::sealed_secret, totp::created_at, totp::enabled_at) =
    (totp::sealed_secret, totp::created_at, totp::enabled_at);

/// Holds a person against everybody else who changes what they have, and not against rows that only refer to them.
/// Before anything else of theirs is locked: so do all who lock a person.
pub(super) fn lock_person(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    let person = users::table.find(user).select(users::id).for_no_key_update();
    person.first::<UserId>(tx.conn()).optional()?;
    Ok(())
}

/// Whether an organization of theirs asks for a second factor, from whenever on. What is so stays so until the transaction
/// ends. The person must be locked.
pub(super) fn is_required(tx: &mut Tx<'_>, user: UserId) -> Result<bool, db::Error> {
    // An organization that is just changing is waited for, and read as it is then.
    let statement = "SELECT o.second_factor_from FROM organizations o JOIN members m ON m.organization_id = o.id
        WHERE m.user_id = $1 ORDER BY o.id FOR SHARE OF o";
    let asked: Vec<Asked> = sql_query(statement).bind::<Uuid, _>(user).load(tx.conn())?;
    Ok(asked.iter().any(|asked| asked.second_factor_from.is_some()))
}

/// From when on a second factor is asked of somebody who has none; `None` for whoever has one, or needs none.
pub fn due(tx: &mut ReadTx<'_>, user: UserId) -> Result<Option<DateTime<Utc>>, db::Error> {
    let due = users::table.find(user).select(second_factor_due(users::id));
    Ok(due.first::<Option<DateTime<Utc>>>(tx.conn()).optional()?.flatten())
}

#[derive(QueryableByName)]
struct Asked {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    second_factor_from: Option<DateTime<Utc>>,
}

/// In place of one that is not enabled. `false` when there is an enabled one.
pub(super) fn put_pending(tx: &mut Tx<'_>, user: UserId, sealed: &[u8]) -> Result<bool, db::Error> {
    use diesel::query_dsl::methods::FilterDsl as _;
    let now = tx.now;
    let fresh = (totp::sealed_secret.eq(sealed), totp::created_at.eq(now), totp::last_step.eq(0));
    let written = diesel::insert_into(totp::table)
        .values((totp::user_id.eq(user), fresh))
        .on_conflict(totp::user_id)
        .do_update()
        .set(fresh)
        .filter(totp::enabled_at.is_null())
        .execute(tx.conn())?;
    Ok(written == 1)
}

pub(super) fn find_totp(tx: &mut ReadTx<'_>, user: UserId) -> Result<Option<Stored>, db::Error> {
    let row: Option<StoredRow> = totp::table.find(user).select(STORED).first(tx.conn()).optional()?;
    Ok(row.map(stored))
}

pub(super) fn lock_totp(tx: &mut Tx<'_>, user: UserId) -> Result<Option<Stored>, db::Error> {
    let row: Option<StoredRow> = totp::table.find(user).select(STORED).for_update().first(tx.conn()).optional()?;
    Ok(row.map(stored))
}

pub(super) fn has_enabled_totp(tx: &mut ReadTx<'_>, user: UserId) -> Result<bool, db::Error> {
    let enabled = totp::table.filter(totp::user_id.eq(user).and(totp::enabled_at.is_not_null()));
    Ok(diesel::select(diesel::dsl::exists(enabled)).get_result(tx.conn())?)
}

pub(super) fn enable_totp(tx: &mut Tx<'_>, user: UserId, step: i64) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::update(totp::table.find(user))
        .set((totp::enabled_at.eq(now), totp::last_step.eq(step)))
        .execute(tx.conn())?;
    Ok(())
}

/// `false` when that step, or a later one, was taken before.
pub(super) fn take_step(tx: &mut Tx<'_>, user: UserId, step: i64) -> Result<bool, db::Error> {
    let untaken = totp::table.find(user).filter(totp::enabled_at.is_not_null().and(totp::last_step.lt(step)));
    Ok(diesel::update(untaken).set(totp::last_step.eq(step)).execute(tx.conn())? == 1)
}

/// Whether an enabled one was there.
pub(super) fn delete_totp(tx: &mut Tx<'_>, user: UserId) -> Result<bool, db::Error> {
    let enabled: Option<bool> = diesel::delete(totp::table.find(user))
        .returning(totp::enabled_at.is_not_null())
        .get_result(tx.conn())
        .optional()?;
    Ok(enabled.unwrap_or(false))
}

pub(super) fn delete_pending_totp(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    let pending = totp::table.find(user).filter(totp::enabled_at.is_null());
    diesel::delete(pending).execute(tx.conn())?;
    Ok(())
}

/// Of all people.
pub(super) fn count_enabled_totp(tx: &mut ReadTx<'_>) -> Result<i64, db::Error> {
    Ok(totp::table.filter(totp::enabled_at.is_not_null()).count().get_result(tx.conn())?)
}

/// Of all people.
pub(super) fn count_all_unused_codes(tx: &mut ReadTx<'_>) -> Result<i64, db::Error> {
    Ok(codes::table.filter(codes::used_at.is_null()).count().get_result(tx.conn())?)
}

/// Whether one was there that was enabled at that instant or later. One that waits for its first code goes as well.
pub(super) fn delete_totp_since(tx: &mut Tx<'_>, user: UserId, since: DateTime<Utc>) -> Result<bool, db::Error> {
    let enabled: Option<bool> = diesel::delete(totp::table.find(user))
        .filter(totp::enabled_at.is_null().or(totp::enabled_at.ge(since)))
        .returning(totp::enabled_at.is_not_null())
        .get_result(tx.conn())
        .optional()?;
    Ok(enabled.unwrap_or(false))
}

pub(super) fn insert_codes(tx: &mut Tx<'_>, user: UserId, digests: &[Vec<u8>]) -> Result<(), db::Error> {
    let now = tx.now;
    let rows: Vec<_> = digests
        .iter()
        .map(|digest| (codes::user_id.eq(user), codes::digest.eq(digest), codes::created_at.eq(now)))
        .collect();
    diesel::insert_into(codes::table).values(rows).execute(tx.conn())?;
    Ok(())
}

pub(super) fn list_unused_codes(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Digest>, db::Error> {
    let unused = codes::table.filter(codes::user_id.eq(user).and(codes::used_at.is_null()));
    let digests: Vec<Vec<u8>> = unused.select(codes::digest).load(tx.conn())?;
    Ok(digests.iter().filter_map(|digest| Digest::from_stored(digest)).collect())
}

pub(super) fn count_unused_codes(tx: &mut ReadTx<'_>, user: UserId) -> Result<u32, db::Error> {
    let unused = codes::table.filter(codes::user_id.eq(user).and(codes::used_at.is_null()));
    let count: i64 = unused.count().get_result(tx.conn())?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// `false` when it is gone or was used.
pub(super) fn take_code(tx: &mut Tx<'_>, user: UserId, digest: &Digest) -> Result<bool, db::Error> {
    let now = tx.now;
    let unused = codes::table.find((user, digest.as_bytes())).filter(codes::used_at.is_null());
    Ok(diesel::update(unused).set(codes::used_at.eq(now)).execute(tx.conn())? == 1)
}

pub(super) fn delete_codes(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    diesel::delete(codes::table.filter(codes::user_id.eq(user))).execute(tx.conn())?;
    Ok(())
}

/// Whether there were any that were made at that instant or later.
pub(super) fn delete_codes_since(tx: &mut Tx<'_>, user: UserId, since: DateTime<Utc>) -> Result<bool, db::Error> {
    let late = codes::table.filter(codes::user_id.eq(user).and(codes::created_at.ge(since)));
    Ok(diesel::delete(late).execute(tx.conn())? > 0)
}

fn stored((sealed, created_at, enabled_at): StoredRow) -> Stored {
    Stored { sealed, created_at, enabled_at }
}
