use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;

use super::undo::WayBack;
use crate::accounts::User;
use crate::accounts::store::stored_address;
use crate::db::schema::{email_undos as undos, users};
use crate::db::{self, Change, ReadTx, Tx};
use crate::kernel::{Digest, EmailAddress, UserId};

type Row = (UserId, i64, String, DateTime<Utc>);

const WAY_BACK: (undos::user_id, undos::number, undos::email, undos::created_at) =
    (undos::user_id, undos::number, undos::email, undos::created_at);

pub(super) struct NewUndo<'a> {
    pub digest: Digest,
    /// Who leaves, and which address.
    pub before: &'a User,
    pub expires_at: DateTime<Utc>,
}

/// [`db::Error::Duplicate`] when somebody else has it.
pub(super) fn set_address(
    tx: &mut Tx<'_>,
    user: UserId,
    email: &EmailAddress,
    verified_at: Option<DateTime<Utc>>,
) -> Result<(), db::Error> {
    tx.tell(Change::Person(user));
    diesel::update(users::table.find(user))
        .set((
            users::email.eq(email.as_str()),
            users::email_key.eq(email.key()),
            users::email_verified_at.eq(verified_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// The same address, written otherwise.
pub(super) fn set_spelling(tx: &mut Tx<'_>, user: UserId, email: &EmailAddress) -> Result<(), db::Error> {
    tx.tell(Change::Person(user));
    let theirs = users::table.find(user).filter(users::email_key.eq(email.key()));
    diesel::update(theirs).set(users::email.eq(email.as_str())).execute(tx.conn())?;
    Ok(())
}

pub(super) fn insert(tx: &mut Tx<'_>, new: &NewUndo<'_>) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(undos::table)
        .values((
            undos::digest.eq(new.digest.as_bytes()),
            undos::user_id.eq(new.before.id),
            undos::email.eq(new.before.email.as_str()),
            undos::email_key.eq(new.before.email.key()),
            undos::created_at.eq(now),
            undos::expires_at.eq(new.expires_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// One that still holds, for somebody who is not disabled or gone.
pub(super) fn find(tx: &mut ReadTx<'_>, digest: &Digest) -> Result<Option<WayBack>, db::Error> {
    let now = tx.now;
    let row: Option<Row> = undos::table
        .inner_join(users::table)
        .filter(undos::digest.eq(digest.as_bytes()).and(undos::expires_at.gt(now)))
        .filter(users::disabled_at.is_null())
        .filter(users::deletes_at.is_null().or(users::deletes_at.gt(now)))
        .select(WAY_BACK)
        .first(tx.conn())
        .optional()?;
    row.map(way_back).transpose()
}

/// Of the addresses that are kept for a person, the one that they left last.
pub(super) fn find_last(tx: &mut ReadTx<'_>, user: UserId) -> Result<Option<WayBack>, db::Error> {
    let now = tx.now;
    let row: Option<Row> = undos::table
        .inner_join(users::table)
        .filter(undos::user_id.eq(user).and(undos::expires_at.gt(now).or(users::email_verified_at.is_null())))
        .order(undos::number.desc())
        .select(WAY_BACK)
        .first(tx.conn())
        .optional()?;
    row.map(way_back).transpose()
}

/// When the last of a person's ends.
pub(super) fn find_last_end(tx: &mut ReadTx<'_>, user: UserId) -> Result<Option<DateTime<Utc>>, db::Error> {
    let now = tx.now;
    let theirs = undos::table.filter(undos::user_id.eq(user).and(undos::expires_at.gt(now)));
    Ok(theirs.select(diesel::dsl::max(undos::expires_at)).first(tx.conn())?)
}

/// For whom an address is kept: while its link holds, and until the one that came after it is proved.
pub(super) fn find_keeper(tx: &mut ReadTx<'_>, key: &str) -> Result<Option<UserId>, db::Error> {
    let now = tx.now;
    let kept = undos::table
        .inner_join(users::table)
        .filter(undos::email_key.eq(key).and(undos::expires_at.gt(now).or(users::email_verified_at.is_null())));
    Ok(kept.select(undos::user_id).first(tx.conn()).optional()?)
}

/// Those of the addresses that are kept for somebody, as [`find_keeper`] has it.
pub(super) fn list_kept(tx: &mut ReadTx<'_>, keys: &[String]) -> Result<Vec<String>, db::Error> {
    let now = tx.now;
    let kept = undos::table
        .inner_join(users::table)
        .filter(undos::email_key.eq_any(keys))
        .filter(undos::expires_at.gt(now).or(users::email_verified_at.is_null()));
    Ok(kept.select(undos::email_key).load(tx.conn())?)
}

/// Whether there is any, whether or not its link still holds.
pub(super) fn has_any(tx: &mut ReadTx<'_>, user: UserId) -> Result<bool, db::Error> {
    Ok(diesel::select(exists(undos::table.filter(undos::user_id.eq(user)))).get_result(tx.conn())?)
}

/// This one and those of all later changes of its person.
pub(super) fn delete_from(tx: &mut Tx<'_>, first: &WayBack) -> Result<(), db::Error> {
    let later = undos::table.filter(undos::user_id.eq(first.user).and(undos::number.ge(first.number)));
    diesel::delete(later).execute(tx.conn())?;
    Ok(())
}

/// Those of people who have proved the address that they have now.
pub(super) fn delete_expired(tx: &mut Tx<'_>) -> Result<usize, db::Error> {
    let now = tx.now;
    let settled = users::table.filter(users::email_verified_at.is_not_null()).select(users::id);
    let expired = undos::table.filter(undos::expires_at.le(now).and(undos::user_id.eq_any(settled)));
    Ok(diesel::delete(expired).execute(tx.conn())?)
}

fn way_back((user, number, email, left_at): Row) -> Result<WayBack, db::Error> {
    Ok(WayBack { user, number, email: stored_address(&email)?, left_at })
}
