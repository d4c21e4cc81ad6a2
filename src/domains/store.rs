use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::{sql_query, sql_types};

use super::provider::{Enforcement, Provider};
use super::{Domain, Name, Proof, ProvedBy};
use crate::db::schema::{break_glass, connections, domains, members, organizations, provider_sessions, users};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, DomainId, OrganizationId, ProviderSessionId, UserId};

/// After which the record is looked for again.
const USUAL_PAUSE: TimeDelta = TimeDelta::days(1);

pub(super) fn insert(tx: &mut Tx<'_>, domain: &Domain) -> Result<(), db::Error> {
    diesel::insert_into(domains::table)
        .values((
            domains::id.eq(domain.id),
            domains::organization_id.eq(domain.organization),
            domains::name.eq(domain.name.as_str()),
            domains::token.eq(&domain.token),
            domains::created_at.eq(domain.created_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn count(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<i64, db::Error> {
    Ok(domains::table.filter(domains::organization_id.eq(organization)).count().get_result(tx.conn())?)
}

/// By name.
pub(super) fn list(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<Vec<Domain>, db::Error> {
    let own = domains::table.filter(domains::organization_id.eq(organization)).order(domains::name);
    own.select(Row::as_select()).load(tx.conn())?.into_iter().map(Domain::try_from).collect()
}

/// By name.
pub(super) fn list_of_connection(tx: &mut ReadTx<'_>, connection: ConnectionId) -> Result<Vec<Domain>, db::Error> {
    let served = domains::table.filter(domains::connection_id.eq(connection)).order(domains::name);
    served.select(Row::as_select()).load(tx.conn())?.into_iter().map(Domain::try_from).collect()
}

pub(super) fn find(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    name: &Name,
) -> Result<Option<Domain>, db::Error> {
    let own = domains::table.filter(domains::organization_id.eq(organization).and(domains::name.eq(name.as_str())));
    own.select(Row::as_select()).first(tx.conn()).optional()?.map(Domain::try_from).transpose()
}

pub(super) fn lock(tx: &mut Tx<'_>, id: DomainId) -> Result<Option<Domain>, db::Error> {
    let row = domains::table.find(id).select(Row::as_select()).for_update();
    row.first(tx.conn()).optional()?.map(Domain::try_from).transpose()
}

pub(super) fn has_connection(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
) -> Result<bool, db::Error> {
    let own = connections::table.find(connection).filter(connections::organization_id.eq(organization));
    Ok(diesel::select(exists(own)).get_result(tx.conn())?)
}

pub(super) fn set_connection(tx: &mut Tx<'_>, id: DomainId, connection: Option<ConnectionId>) -> Result<(), db::Error> {
    diesel::update(domains::table.find(id)).set(domains::connection_id.eq(connection)).execute(tx.conn())?;
    Ok(())
}

/// What proves it is there, so nothing is missing. The operator's word is not looked up.
pub(super) fn set_proof(tx: &mut Tx<'_>, id: DomainId, proof: Proof) -> Result<(), db::Error> {
    let (checked_at, due) = match proof.by {
        ProvedBy::Dns => (Some(tx.now), Some(tx.now + USUAL_PAUSE)),
        ProvedBy::Operator => (None, None),
    };
    diesel::update(domains::table.find(id))
        .set((
            domains::proved_at.eq(proof.at),
            domains::proved_by.eq(proof.by.as_str()),
            domains::checked_at.eq(checked_at),
            domains::check_due.eq(due),
            domains::check_error.eq(None::<String>),
            domains::missing_since.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Looked for, and not seen. `due` is when to look again, if by ourselves.
pub(super) fn note_check(
    tx: &mut Tx<'_>,
    id: DomainId,
    why: &str,
    due: Option<DateTime<Utc>>,
) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::update(domains::table.find(id))
        .set((domains::checked_at.eq(now), domains::check_due.eq(due), domains::check_error.eq(why)))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn set_missing_since(tx: &mut Tx<'_>, id: DomainId, since: DateTime<Utc>) -> Result<(), db::Error> {
    diesel::update(domains::table.find(id)).set(domains::missing_since.eq(since)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn clear_proof(tx: &mut Tx<'_>, id: DomainId, why: &str) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::update(domains::table.find(id))
        .set((
            domains::proved_at.eq(None::<DateTime<Utc>>),
            domains::proved_by.eq(None::<String>),
            domains::checked_at.eq(now),
            domains::check_due.eq(None::<DateTime<Utc>>),
            domains::check_error.eq(why),
            domains::missing_since.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// One whose record is to be looked for by now, and that nobody else is at.
pub(super) fn lock_due(tx: &mut Tx<'_>) -> Result<Option<Domain>, db::Error> {
    let now = tx.now;
    let due = domains::table
        .filter(domains::check_due.le(now))
        .order(domains::check_due)
        .select(Row::as_select())
        .for_update()
        .skip_locked();
    due.first(tx.conn()).optional()?.map(Domain::try_from).transpose()
}

pub(super) fn set_check_due(tx: &mut Tx<'_>, id: DomainId, due: DateTime<Utc>) -> Result<(), db::Error> {
    diesel::update(domains::table.find(id)).set(domains::check_due.eq(due)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn find_by_id(tx: &mut ReadTx<'_>, id: DomainId) -> Result<Option<Domain>, db::Error> {
    let row = domains::table.find(id).select(Row::as_select());
    row.first(tx.conn()).optional()?.map(Domain::try_from).transpose()
}

pub(super) fn find_slug(tx: &mut ReadTx<'_>, id: OrganizationId) -> Result<Option<String>, db::Error> {
    Ok(organizations::table.find(id).select(organizations::slug).first(tx.conn()).optional()?)
}

/// As far as letters reach them.
pub(super) fn list_owners(tx: &mut ReadTx<'_>, id: OrganizationId) -> Result<Vec<(UserId, String)>, db::Error> {
    let owners = users::table
        .inner_join(members::table)
        .filter(members::organization_id.eq(id).and(members::role.eq("owner")))
        .filter(users::email_verified_at.is_not_null().and(users::disabled_at.is_null()))
        .order(users::id)
        .select((users::id, users::email));
    Ok(owners.load(tx.conn())?)
}

pub(super) fn delete(tx: &mut Tx<'_>, id: DomainId) -> Result<(), db::Error> {
    diesel::delete(domains::table.find(id)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn find_provider(tx: &mut ReadTx<'_>, domain: &str) -> Result<Option<Provider>, db::Error> {
    type Row = (ConnectionId, OrganizationId, String, Option<DateTime<Utc>>);
    let row: Option<Row> = domains::table
        .inner_join(connections::table)
        .filter(domains::name.eq(domain).and(domains::proved_at.is_not_null()))
        .select((connections::id, connections::organization_id, connections::name, connections::enforced_from))
        .first(tx.conn())
        .optional()?;
    let now = tx.now;
    Ok(row.map(|(connection, organization, name, from)| Provider {
        connection,
        organization,
        name,
        enforcement: match from {
            Some(from) if from <= now => Enforcement::Enforced,
            Some(_) | None => Enforcement::Optional,
        },
    }))
}

pub(super) fn is_break_glass(tx: &mut ReadTx<'_>, connection: ConnectionId, user: UserId) -> Result<bool, db::Error> {
    let owned = members::table
        .filter(members::user_id.eq(user).and(members::role.eq("owner")))
        .filter(members::organization_id.eq(connections::organization_id));
    let named = break_glass::table
        .inner_join(connections::table)
        .filter(break_glass::connection_id.eq(connection).and(break_glass::user_id.eq(user)))
        .filter(exists(owned));
    Ok(diesel::select(exists(named)).get_result(tx.conn())?)
}

/// Where a connection is the only way in already, it becomes that for the people of one more domain: their other sessions
/// are ended as those of the others were.
pub(super) fn enforce_anew(tx: &mut Tx<'_>, connection: ConnectionId) -> Result<(), db::Error> {
    let never: Option<DateTime<Utc>> = None;
    diesel::update(connections::table.find(connection))
        .set(connections::enforcement_done_at.eq(never))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn is_of(
    tx: &mut ReadTx<'_>,
    session: ProviderSessionId,
    connection: ConnectionId,
) -> Result<bool, db::Error> {
    let own = provider_sessions::table.find(session).filter(provider_sessions::connection_id.eq(connection));
    Ok(diesel::select(exists(own)).get_result(tx.conn())?)
}

/// Sign-ins by a connection of people with an address in this domain; where the connection has no other that is proved, of
/// all its people.
pub(super) fn list_sign_ins_of(
    tx: &mut ReadTx<'_>,
    connection: ConnectionId,
    domain: &Domain,
) -> Result<Vec<ProviderSessionId>, db::Error> {
    let statement = "SELECT p.id FROM provider_sessions p JOIN users u ON u.id = p.user_id
        WHERE p.connection_id = $1 AND (split_part(u.email_key, '@', 2) = $2 OR NOT EXISTS (
            SELECT 1 FROM domains o WHERE o.connection_id = $1 AND o.proved_at IS NOT NULL AND o.id <> $3))";
    let rows: Vec<SignIn> = sql_query(statement)
        .bind::<sql_types::Uuid, _>(connection)
        .bind::<sql_types::Text, _>(domain.name.as_str())
        .bind::<sql_types::Uuid, _>(domain.id)
        .load(tx.conn())?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct SignIn {
    #[diesel(sql_type = sql_types::Uuid)]
    id: ProviderSessionId,
}

/// With whatever is half signed in by them.
pub(super) fn delete_sign_ins(tx: &mut Tx<'_>, ids: &[ProviderSessionId]) -> Result<(), db::Error> {
    diesel::delete(provider_sessions::table.filter(provider_sessions::id.eq_any(ids))).execute(tx.conn())?;
    Ok(())
}

/// Whether one of these stands in what another organization is to prove the same domain by.
pub(super) fn is_anothers_token(tx: &mut ReadTx<'_>, domain: &Domain, tokens: &[String]) -> Result<bool, db::Error> {
    let anothers = domains::table
        .filter(domains::name.eq(domain.name.as_str()).and(domains::organization_id.ne(domain.organization)))
        .filter(domains::token.eq_any(tokens));
    Ok(diesel::select(exists(anothers)).get_result(tx.conn())?)
}

/// Looks for the record of whoever has proved it by one, as soon as may be.
pub(super) fn hasten(tx: &mut Tx<'_>, name: &Name) -> Result<(), db::Error> {
    let now = tx.now;
    let proved = domains::table.filter(domains::name.eq(name.as_str()).and(domains::proved_by.eq("dns")));
    diesel::update(proved).set(domains::check_due.eq(now)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn has_providers(tx: &mut ReadTx<'_>) -> Result<bool, db::Error> {
    let served = domains::table.filter(domains::proved_at.is_not_null().and(domains::connection_id.is_not_null()));
    Ok(diesel::select(exists(served)).get_result(tx.conn())?)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = domains, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: DomainId,
    organization_id: OrganizationId,
    name: String,
    token: String,
    connection_id: Option<ConnectionId>,
    proved_at: Option<DateTime<Utc>>,
    proved_by: Option<String>,
    checked_at: Option<DateTime<Utc>>,
    check_error: Option<String>,
    missing_since: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Domain {
    type Error = db::Error;

    fn try_from(row: Row) -> Result<Self, db::Error> {
        let name = Name::parse(&row.name);
        let by = |word: String| ProvedBy::ALL.into_iter().find(|by| by.as_str() == word);
        Ok(Self {
            id: row.id,
            organization: row.organization_id,
            name: name.map_err(|error| db::Error::Internal(format!("the stored name of {}: {error}", row.id)))?,
            token: row.token,
            connection: row.connection_id,
            proof: row.proved_at.zip(row.proved_by.and_then(by)).map(|(at, by)| Proof { at, by }),
            checked_at: row.checked_at,
            check_error: row.check_error,
            missing_since: row.missing_since,
            created_at: row.created_at,
        })
    }
}
