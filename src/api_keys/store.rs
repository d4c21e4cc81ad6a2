use std::net::IpAddr;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use ipnet::IpNet;

use super::{ApiKey, Issued, NewKey, Owner, Program, Scopes};
use crate::affiliations::{self, Affiliations};
use crate::config::settings::Organizations;
use crate::db::schema::{api_keys as keys, second_factor_due, users};
use crate::db::{self, Change, ReadTx, Tx};
use crate::kernel::{ApiKeyId, Digest, EmailAddress, UserId};

/// A row whose end may have come.
pub(super) struct Found {
    pub program: Program,
    /// Or leaving: programs of somebody who has asked to be deleted get no further.
    pub is_disabled: bool,
}

/// Held against everybody else who locks a person, and not against rows that only refer to one.
pub(super) fn lock_owner(tx: &mut Tx<'_>, user: UserId) -> Result<Option<Owner>, db::Error> {
    type Row = (UserId, String, Option<DateTime<Utc>>, Option<DateTime<Utc>>);
    let row: Option<Row> = users::table
        .find(user)
        .select((users::id, users::email, users::email_verified_at, users::disabled_at))
        .for_no_key_update()
        .first(tx.conn())
        .optional()?;
    let owner = row.map(|(id, email, verified_at, disabled_at)| {
        let email = stored_address(user, &email)?;
        Ok(Owner { id, email, is_verified: verified_at.is_some(), is_disabled: disabled_at.is_some() })
    });
    owner.transpose()
}

pub(super) fn count(tx: &mut ReadTx<'_>, user: UserId) -> Result<i64, db::Error> {
    Ok(keys::table.filter(keys::user_id.eq(user)).count().get_result(tx.conn())?)
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    user: UserId,
    digest: &Digest,
    new: &NewKey,
    issued: &Issued,
) -> Result<(), db::Error> {
    diesel::insert_into(keys::table)
        .values((
            keys::id.eq(issued.id),
            keys::user_id.eq(user),
            keys::digest.eq(digest.as_bytes()),
            keys::hint.eq(&issued.hint),
            keys::name.eq(new.name.as_str()),
            keys::scopes.eq(new.scopes.words()),
            keys::created_at.eq(issued.created_at),
            keys::expires_at.eq(issued.expires_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn find_by_digest(tx: &mut ReadTx<'_>, digest: &Digest) -> Result<Option<Found>, db::Error> {
    let row = keys::table
        .inner_join(users::table)
        .filter(keys::digest.eq(digest.as_bytes()))
        .select(ProgramRow::as_select())
        .first(tx.conn())
        .optional()?;
    row.map(Found::try_from).transpose()
}

/// With what apps are told of its holder's organizations.
pub(super) fn find_for_gate(
    tx: &mut ReadTx<'_>,
    digest: &Digest,
    told: &Organizations,
) -> Result<Option<(Found, Affiliations)>, db::Error> {
    let row: Option<(ProgramRow, Vec<String>)> = keys::table
        .inner_join(users::table)
        .filter(keys::digest.eq(digest.as_bytes()))
        .select((ProgramRow::as_select(), affiliations::column(told)))
        .first(tx.conn())
        .optional()?;
    row.map(|(row, words)| Ok((row.try_into()?, Affiliations::from_stored(words)))).transpose()
}

pub(super) fn list(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<ApiKey>, db::Error> {
    let rows: Vec<KeyRow> = keys::table
        .filter(keys::user_id.eq(user))
        .order(keys::id.desc())
        .select(KeyRow::as_select())
        .load(tx.conn())?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// Never backwards, and never a row that is gone.
pub(super) fn set_last_used(tx: &mut Tx<'_>, key: ApiKeyId, at: DateTime<Utc>, from: IpAddr) -> Result<(), db::Error> {
    let earlier = keys::table.find(key).filter(keys::last_used_at.is_null().or(keys::last_used_at.lt(at)));
    diesel::update(earlier)
        .set((keys::last_used_at.eq(at), keys::last_used_from.eq(IpNet::from(from))))
        .execute(tx.conn())?;
    Ok(())
}

/// What it was called, if it was there.
pub(super) fn delete_own(tx: &mut Tx<'_>, user: UserId, id: ApiKeyId) -> Result<Option<String>, db::Error> {
    tx.tell(Change::Key(id));
    let own = keys::table.find(id).filter(keys::user_id.eq(user));
    Ok(diesel::delete(own).returning(keys::name).get_result(tx.conn()).optional()?)
}

pub(super) fn delete_all(tx: &mut Tx<'_>, user: UserId) -> Result<usize, db::Error> {
    tx.tell(Change::Person(user));
    Ok(diesel::delete(keys::table.filter(keys::user_id.eq(user))).execute(tx.conn())?)
}

pub(super) fn delete_expired(tx: &mut Tx<'_>, before: DateTime<Utc>) -> Result<usize, db::Error> {
    Ok(diesel::delete(keys::table.filter(keys::expires_at.lt(before))).execute(tx.conn())?)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = keys, check_for_backend(diesel::pg::Pg))]
struct KeyRow {
    id: ApiKeyId,
    hint: String,
    name: String,
    scopes: Vec<String>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    last_used_from: Option<IpNet>,
}

impl From<KeyRow> for ApiKey {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.id,
            hint: row.hint,
            name: row.name,
            scopes: Scopes::from_stored(&row.scopes),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            last_used_from: row.last_used_from.map(|net| net.addr()),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct ProgramRow {
    #[diesel(select_expression = keys::id)]
    key: ApiKeyId,
    #[diesel(select_expression = users::id)]
    user: UserId,
    #[diesel(select_expression = users::email)]
    email: String,
    #[diesel(select_expression = users::email_verified_at)]
    email_verified_at: Option<DateTime<Utc>>,
    #[diesel(select_expression = users::name)]
    name: String,
    #[diesel(select_expression = users::disabled_at)]
    disabled_at: Option<DateTime<Utc>>,
    #[diesel(select_expression = users::deletes_at)]
    deletes_at: Option<DateTime<Utc>>,
    #[diesel(select_expression = second_factor_due(users::id))]
    second_factor_due: Option<DateTime<Utc>>,
    #[diesel(select_expression = keys::scopes)]
    scopes: Vec<String>,
    #[diesel(select_expression = keys::expires_at)]
    expires_at: DateTime<Utc>,
    #[diesel(select_expression = keys::last_used_at)]
    last_used_at: Option<DateTime<Utc>>,
}

impl TryFrom<ProgramRow> for Found {
    type Error = db::Error;

    fn try_from(row: ProgramRow) -> Result<Self, db::Error> {
        Ok(Self {
            is_disabled: row.disabled_at.is_some() || row.deletes_at.is_some(),
            program: Program {
                key: row.key,
                user: row.user,
                email: stored_address(row.user, &row.email)?,
                email_verified: row.email_verified_at.is_some(),
                name: row.name,
                scopes: Scopes::from_stored(&row.scopes),
                expires_at: row.expires_at,
                last_used_at: row.last_used_at,
                second_factor_due: row.second_factor_due,
            },
        })
    }
}

fn stored_address(user: UserId, text: &str) -> Result<EmailAddress, db::Error> {
    EmailAddress::parse(text).map_err(|error| db::Error::Internal(format!("the stored address of {user}: {error}")))
}
