use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Text, Timestamptz};
use serde_json::Value;

use super::Passkey;
use super::ceremony::Scope;
use crate::db::schema::{passkey_ceremonies as ceremonies, passkeys};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Digest, Label, PasskeyId, UserId};

type Row = (PasskeyId, String, bool, DateTime<Utc>, Option<DateTime<Utc>>);

const ROW: (passkeys::id, passkeys::name, passkeys::backed_up, passkeys::created_at, passkeys::last_used_at) =
    (passkeys::id, passkeys::name, passkeys::backed_up, passkeys::created_at, passkeys::last_used_at);

/// A key to be kept.
pub(super) struct NewPasskey<'a> {
    pub id: PasskeyId,
    pub user: UserId,
    pub credential_id: &'a [u8],
    pub credential: Value,
    pub name: &'a Label,
    pub backed_up: bool,
}

/// What an answer is checked against.
pub(super) struct Held {
    pub id: PasskeyId,
    pub user: UserId,
    pub credential: Value,
}

/// `false` when its id is taken, by whomever.
pub(super) fn insert(tx: &mut Tx<'_>, new: NewPasskey<'_>) -> Result<bool, db::Error> {
    let now = tx.now;
    let inserted = diesel::insert_into(passkeys::table)
        .values((
            passkeys::id.eq(new.id),
            passkeys::user_id.eq(new.user),
            passkeys::credential_id.eq(new.credential_id),
            passkeys::credential.eq(new.credential),
            passkeys::name.eq(new.name.as_str()),
            passkeys::backed_up.eq(new.backed_up),
            passkeys::created_at.eq(now),
        ))
        .on_conflict(passkeys::credential_id)
        .do_nothing()
        .execute(tx.conn())?;
    Ok(inserted == 1)
}

/// The oldest first.
pub(super) fn list(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Passkey>, db::Error> {
    let theirs =
        passkeys::table.filter(passkeys::user_id.eq(user)).order((passkeys::created_at, passkeys::id)).select(ROW);
    Ok(theirs.load::<Row>(tx.conn())?.into_iter().map(passkey).collect())
}

pub(super) fn find(tx: &mut ReadTx<'_>, user: UserId, id: PasskeyId) -> Result<Option<Passkey>, db::Error> {
    let row: Option<Row> =
        passkeys::table.find(id).filter(passkeys::user_id.eq(user)).select(ROW).first(tx.conn()).optional()?;
    Ok(row.map(passkey))
}

pub(super) fn count(tx: &mut ReadTx<'_>, user: UserId) -> Result<u32, db::Error> {
    let count: i64 = passkeys::table.filter(passkeys::user_id.eq(user)).count().get_result(tx.conn())?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Of all people.
pub(super) fn count_all(tx: &mut ReadTx<'_>) -> Result<i64, db::Error> {
    Ok(passkeys::table.count().get_result(tx.conn())?)
}

/// Ids and credentials of a person's keys.
pub(super) fn list_credentials(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<(Vec<u8>, Value)>, db::Error> {
    let theirs = passkeys::table.filter(passkeys::user_id.eq(user)).order((passkeys::created_at, passkeys::id));
    Ok(theirs.select((passkeys::credential_id, passkeys::credential)).load(tx.conn())?)
}

pub(super) fn find_holder(tx: &mut ReadTx<'_>, credential_id: &[u8]) -> Result<Option<UserId>, db::Error> {
    let holder = passkeys::table.filter(passkeys::credential_id.eq(credential_id)).select(passkeys::user_id);
    Ok(holder.first(tx.conn()).optional()?)
}

pub(super) fn lock_by_credential_id(tx: &mut Tx<'_>, credential_id: &[u8]) -> Result<Option<Held>, db::Error> {
    let row: Option<(PasskeyId, UserId, Value)> = passkeys::table
        .filter(passkeys::credential_id.eq(credential_id))
        .select((passkeys::id, passkeys::user_id, passkeys::credential))
        .for_update()
        .first(tx.conn())
        .optional()?;
    Ok(row.map(|(id, user, credential)| Held { id, user, credential }))
}

pub(super) fn set_used(tx: &mut Tx<'_>, id: PasskeyId, credential: Value, is_backed_up: bool) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::update(passkeys::table.find(id))
        .set((
            passkeys::credential.eq(credential),
            passkeys::backed_up.eq(is_backed_up),
            passkeys::last_used_at.eq(now),
        ))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn set_name(
    tx: &mut Tx<'_>,
    user: UserId,
    id: PasskeyId,
    name: &Label,
) -> Result<Option<Passkey>, db::Error> {
    let row: Option<Row> = diesel::update(passkeys::table.find(id).filter(passkeys::user_id.eq(user)))
        .set(passkeys::name.eq(name.as_str()))
        .returning(ROW)
        .get_result(tx.conn())
        .optional()?;
    Ok(row.map(passkey))
}

/// Its name; `None` when this person has no such key.
pub(super) fn delete(tx: &mut Tx<'_>, user: UserId, id: PasskeyId) -> Result<Option<String>, db::Error> {
    let name = diesel::delete(passkeys::table.find(id).filter(passkeys::user_id.eq(user)))
        .returning(passkeys::name)
        .get_result(tx.conn())
        .optional()?;
    Ok(name)
}

/// How many there were.
pub(super) fn delete_all(tx: &mut Tx<'_>, user: UserId) -> Result<usize, db::Error> {
    Ok(diesel::delete(passkeys::table.filter(passkeys::user_id.eq(user))).execute(tx.conn())?)
}

/// How many there were that were made at that instant or later.
pub(super) fn delete_since(tx: &mut Tx<'_>, user: UserId, since: DateTime<Utc>) -> Result<usize, db::Error> {
    let late = passkeys::table.filter(passkeys::user_id.eq(user).and(passkeys::created_at.ge(since)));
    Ok(diesel::delete(late).execute(tx.conn())?)
}

pub(super) fn insert_ceremony(
    tx: &mut Tx<'_>,
    digest: &Digest,
    scope: &Scope,
    state: Value,
    ttl: TimeDelta,
) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(ceremonies::table)
        .values((
            ceremonies::digest.eq(digest.as_bytes()),
            ceremonies::purpose.eq(scope.purpose),
            ceremonies::asker.eq(scope.asker.as_bytes()),
            ceremonies::user_id.eq(scope.user),
            ceremonies::state.eq(state),
            ceremonies::created_at.eq(now),
            ceremonies::expires_at.eq(now + ttl),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Keeps the latest of one asker. It passes over rows that somebody else holds, who is about to use them up.
pub(super) fn make_room(tx: &mut Tx<'_>, scope: &Scope, kept: i64) -> Result<(), db::Error> {
    let statement = "
        WITH surplus AS (
            SELECT digest FROM passkey_ceremonies WHERE purpose = $1 AND asker = $2
            ORDER BY created_at DESC, digest OFFSET $3 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM passkey_ceremonies USING surplus WHERE passkey_ceremonies.digest = surplus.digest";
    sql_query(statement)
        .bind::<Text, _>(scope.purpose)
        .bind::<Binary, _>(scope.asker.as_bytes())
        .bind::<BigInt, _>(kept)
        .execute(tx.conn())?;
    Ok(())
}

/// Of two who bring the same one at once, this lets one through.
pub(super) fn take_ceremony(tx: &mut Tx<'_>, digest: &Digest, purpose: &str) -> Result<Option<Value>, db::Error> {
    let now = tx.now;
    let open = ceremonies::table
        .find(digest.as_bytes())
        .filter(ceremonies::purpose.eq(purpose).and(ceremonies::expires_at.gt(now)));
    Ok(diesel::delete(open).returning(ceremonies::state).get_result(tx.conn()).optional()?)
}

pub(super) fn take_ceremony_of(
    tx: &mut Tx<'_>,
    digest: &Digest,
    purpose: &str,
    asker: &Digest,
) -> Result<Option<Value>, db::Error> {
    let now = tx.now;
    let open = ceremonies::table
        .find(digest.as_bytes())
        .filter(ceremonies::purpose.eq(purpose).and(ceremonies::expires_at.gt(now)))
        .filter(ceremonies::asker.eq(asker.as_bytes()));
    Ok(diesel::delete(open).returning(ceremonies::state).get_result(tx.conn()).optional()?)
}

pub(super) fn delete_ceremonies(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    diesel::delete(ceremonies::table.filter(ceremonies::user_id.eq(user))).execute(tx.conn())?;
    Ok(())
}

/// Those that nobody can answer any more. It passes over rows that somebody else holds.
pub(super) fn delete_old_ceremonies(tx: &mut Tx<'_>, most: i64) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT digest FROM passkey_ceremonies WHERE expires_at <= $1
            ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM passkey_ceremonies USING old WHERE passkey_ceremonies.digest = old.digest";
    let now = tx.now;
    Ok(sql_query(statement).bind::<Timestamptz, _>(now).bind::<BigInt, _>(most).execute(tx.conn())?)
}

fn passkey((id, name, is_backed_up, created_at, last_used_at): Row) -> Passkey {
    Passkey { id, name, is_backed_up, created_at, last_used_at }
}
