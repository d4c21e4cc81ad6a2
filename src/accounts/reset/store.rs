use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz};

use crate::db::schema::{password_resets as links, users};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Digest, EmailAddress, UserId};

pub(super) struct NewLink {
    pub digest: Digest,
    pub user: UserId,
    pub email: EmailAddress,
    pub expires_at: DateTime<Utc>,
}

pub(super) fn insert_link(tx: &mut Tx<'_>, link: &NewLink) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(links::table)
        .values((
            links::digest.eq(link.digest.as_bytes()),
            links::user_id.eq(link.user),
            links::email_key.eq(link.email.key()),
            links::created_at.eq(now),
            links::expires_at.eq(link.expires_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Whose password a link is for, while it holds: for the address that its person has now, and not for somebody
/// disabled or gone.
pub(super) fn find_holder(tx: &mut ReadTx<'_>, digest: &Digest) -> Result<Option<UserId>, db::Error> {
    let now = tx.now;
    let holder = links::table
        .inner_join(users::table)
        .filter(links::digest.eq(digest.as_bytes()).and(links::expires_at.gt(now)))
        .filter(links::email_key.eq(users::email_key).and(users::disabled_at.is_null()))
        .filter(users::deletes_at.is_null().or(users::deletes_at.gt(now)))
        .select(users::id)
        .first(tx.conn())
        .optional()?;
    Ok(holder)
}

pub(super) fn delete_links(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    diesel::delete(links::table.filter(links::user_id.eq(user))).execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete_expired_links(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    let now = tx.now;
    let expired = links::table.filter(links::user_id.eq(user).and(links::expires_at.le(now)));
    diesel::delete(expired).execute(tx.conn())?;
    Ok(())
}

/// So many at most, whosever they are, passing over those that somebody holds.
pub(super) fn delete_expired(tx: &mut Tx<'_>, most: usize) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT digest FROM password_resets WHERE expires_at <= $1
            ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM password_resets USING old WHERE password_resets.digest = old.digest";
    let (now, most) = (tx.now, i64::try_from(most).unwrap_or(i64::MAX));
    Ok(sql_query(statement).bind::<Timestamptz, _>(now).bind::<BigInt, _>(most).execute(tx.conn())?)
}
