use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid};

use super::Newcomer;
use crate::crypto::PasswordHash;
use crate::db::schema::users;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::UserId;

/// Those among `ids` who have got an account. In the order of their addresses: two imports at once must not wait for each
/// other.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    ids: &[UserId],
    keys: &[String],
    people: &[Newcomer],
) -> Result<HashSet<UserId>, db::Error> {
    #[derive(QueryableByName)]
    struct Made {
        #[diesel(sql_type = Uuid)]
        id: UserId,
    }
    let now = tx.now;
    let emails: Vec<&str> = people.iter().map(|person| person.email.as_str()).collect();
    let names: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
    let hashes: Vec<_> = people.iter().map(|person| person.password.as_ref().map(PasswordHash::as_str)).collect();
    let verified: Vec<_> = people.iter().map(|person| person.is_verified.then_some(now)).collect();
    let created: Vec<_> = people.iter().map(|person| person.created_at.unwrap_or(now)).collect();
    let disabled: Vec<_> = people.iter().map(|person| person.is_disabled.then_some(now)).collect();
    let made: Vec<Made> = sql_query(
        "INSERT INTO users (id, email, email_key, name, password_hash, email_verified_at, created_at, disabled_at, came_by) \
         SELECT people.*, 'operator' FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS people (id, email, email_key) \
         ORDER BY email_key \
         ON CONFLICT (email_key) WHERE email_key IS NOT NULL DO NOTHING RETURNING id",
    )
    .bind::<Array<Uuid>, _>(ids)
    .bind::<Array<Text>, _>(emails)
    .bind::<Array<Text>, _>(keys)
    .bind::<Array<Text>, _>(names)
    .bind::<Array<Nullable<Text>>, _>(hashes)
    .bind::<Array<Nullable<Timestamptz>>, _>(verified)
    .bind::<Array<Timestamptz>, _>(created)
    .bind::<Array<Nullable<Timestamptz>>, _>(disabled)
    .load(tx.conn())?;
    Ok(made.into_iter().map(|made| made.id).collect())
}

/// Takes back what was inserted a moment ago.
pub(super) fn delete(tx: &mut Tx<'_>, ids: &[UserId]) -> Result<(), db::Error> {
    diesel::delete(users::table.filter(users::id.eq_any(ids))).execute(tx.conn())?;
    Ok(())
}

/// Those of the addresses that have accounts.
pub(super) fn list_taken(tx: &mut ReadTx<'_>, keys: &[String]) -> Result<HashSet<String>, db::Error> {
    let taken: Vec<String> =
        users::table.filter(users::email_key.eq_any(keys)).select(users::email_key).load(tx.conn())?;
    Ok(taken.into_iter().collect())
}
