use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Text};

use crate::accounts::store::stored_address;
use crate::db::schema::{email_undos, invitations, restore_links as links, users};
use crate::db::{self, Change, ReadTx, Tx};
use crate::kernel::{Digest, EmailAddress, UserId};

pub(super) fn set_leaving(tx: &mut Tx<'_>, user: UserId, deletes_at: DateTime<Utc>) -> Result<(), db::Error> {
    tx.tell(Change::Person(user));
    let now = tx.now;
    diesel::update(users::table.find(user))
        .set((users::deletion_asked_at.eq(now), users::deletes_at.eq(deletes_at)))
        .execute(tx.conn())?;
    Ok(())
}

/// `false` for somebody who was not leaving.
pub(super) fn set_staying(tx: &mut Tx<'_>, user: UserId) -> Result<bool, db::Error> {
    tx.tell(Change::Person(user));
    let never = None::<DateTime<Utc>>;
    let leaving = users::table.find(user).filter(users::deletes_at.is_not_null());
    let changed = diesel::update(leaving)
        .set((users::deletion_asked_at.eq(never), users::deletes_at.eq(never)))
        .execute(tx.conn())?;
    Ok(changed == 1)
}

pub(super) fn insert_link(tx: &mut Tx<'_>, user: UserId, digest: &Digest) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(links::table)
        .values((links::digest.eq(digest.as_bytes()), links::user_id.eq(user), links::created_at.eq(now)))
        .execute(tx.conn())?;
    Ok(())
}

/// Who can come back by it: while they are leaving and not gone, and not disabled.
pub(super) fn find_holder(tx: &mut ReadTx<'_>, digest: &Digest) -> Result<Option<UserId>, db::Error> {
    let now = tx.now;
    let holder = links::table
        .inner_join(users::table)
        .filter(links::digest.eq(digest.as_bytes()))
        .filter(users::deletes_at.gt(now).and(users::disabled_at.is_null()))
        .select(users::id)
        .first(tx.conn())
        .optional()?;
    Ok(holder)
}

pub(super) fn delete_links(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    diesel::delete(links::table.filter(links::user_id.eq(user))).execute(tx.conn())?;
    Ok(())
}

/// People who are gone, those first whose time came first.
pub(super) fn list_due(tx: &mut ReadTx<'_>, most: i64) -> Result<Vec<UserId>, db::Error> {
    let now = tx.now;
    let due = users::table.filter(users::deletes_at.le(now)).order(users::deletes_at);
    Ok(due.select(users::id).limit(most).load(tx.conn())?)
}

/// Whether this person is gone and nobody else is at it; held until the transaction ends.
pub(super) fn claim_due(tx: &mut Tx<'_>, user: UserId) -> Result<bool, db::Error> {
    let now = tx.now;
    let due = users::table.find(user).filter(users::deletes_at.le(now)).select(users::id);
    Ok(due.for_no_key_update().skip_locked().first::<UserId>(tx.conn()).optional()?.is_some())
}

/// Theirs, and those that they may go back to.
pub(super) fn list_addresses(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<EmailAddress>, db::Error> {
    let now: Vec<String> = users::table.find(user).select(users::email).load(tx.conn())?;
    let before = email_undos::table.filter(email_undos::user_id.eq(user)).select(email_undos::email);
    let before: Vec<String> = before.load(tx.conn())?;
    now.iter().chain(&before).map(|text| stored_address(text)).collect()
}

pub(super) fn delete_invitations_to(tx: &mut Tx<'_>, keys: &[String]) -> Result<(), db::Error> {
    diesel::delete(invitations::table.filter(invitations::email_key.eq_any(keys))).execute(tx.conn())?;
    Ok(())
}

/// Wishes for letters that somebody has expressed by typing one of these addresses. One that is being granted just now
/// waits for this person, and is gone after that.
pub(super) fn delete_requests_of(tx: &mut Tx<'_>, keys: &[String]) -> Result<(), db::Error> {
    let statement = "
        WITH theirs AS (SELECT id FROM letter_requests WHERE lower(email) = ANY ($1) FOR UPDATE SKIP LOCKED)
        DELETE FROM letter_requests USING theirs WHERE letter_requests.id = theirs.id";
    sql_query(statement).bind::<Array<Text>, _>(keys).execute(tx.conn())?;
    Ok(())
}

/// With everything that hangs on them.
pub(super) fn delete(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    tx.tell(Change::Person(user));
    diesel::delete(users::table.find(user)).execute(tx.conn())?;
    Ok(())
}
