use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::{sql_query, sql_types};

use super::{Attributes, Connection, Fetched, Idp, Key, Source};
use crate::db::schema::{connection_certificates as certificates, connection_groups as mapped_groups};
use crate::db::schema::{
    connection_keys as keys, connection_roles as roles, connections, members, organizations, users,
};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, ConnectionKeyId, GroupId, OrganizationId, UserId};
use crate::orgs::Role;
use crate::sso::saml::{Binding, Certificate, Endpoint};

pub(super) fn count(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<i64, db::Error> {
    Ok(connections::table.filter(connections::organization_id.eq(organization)).count().get_result(tx.conn())?)
}

pub(super) fn insert(tx: &mut Tx<'_>, new: &Connection) -> Result<(), db::Error> {
    diesel::insert_into(connections::table)
        .values((
            connections::id.eq(new.id),
            connections::organization_id.eq(new.organization),
            Provider::from(&new.idp),
            Origin::from(&new.source),
            Rules::from(new),
            connections::created_at.eq(new.created_at),
            connections::changed_at.eq(new.changed_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// The oldest first.
pub(super) fn list_of(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<Vec<Connection>, db::Error> {
    let rows = connections::table
        .filter(connections::organization_id.eq(organization))
        .order(connections::id)
        .select(Row::as_select());
    rows.load(tx.conn())?.into_iter().map(Connection::try_from).collect()
}

pub(super) fn find(tx: &mut ReadTx<'_>, id: ConnectionId) -> Result<Option<Connection>, db::Error> {
    let row = connections::table.find(id).select(Row::as_select()).first(tx.conn()).optional()?;
    row.map(Connection::try_from).transpose()
}

/// Nobody else changes it until the transaction ends.
pub(super) fn lock(tx: &mut Tx<'_>, id: ConnectionId) -> Result<Option<Connection>, db::Error> {
    let row = connections::table.find(id).select(Row::as_select()).for_no_key_update().first(tx.conn()).optional()?;
    row.map(Connection::try_from).transpose()
}

/// What can be changed of it.
pub(super) fn update(tx: &mut Tx<'_>, connection: &Connection) -> Result<(), db::Error> {
    diesel::update(connections::table.find(connection.id))
        .set((Provider::from(&connection.idp), Origin::from(&connection.source), Rules::from(connection)))
        .execute(tx.conn())?;
    Ok(())
}

/// A test from before shows nothing any more.
pub(super) fn touch(tx: &mut Tx<'_>, id: ConnectionId) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::update(connections::table.find(id)).set(connections::changed_at.eq(now)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, id: ConnectionId) -> Result<(), db::Error> {
    diesel::delete(connections::table.find(id)).execute(tx.conn())?;
    Ok(())
}

/// `false` where it was changed since.
pub(super) fn set_tested(tx: &mut Tx<'_>, tested: &Connection, by: UserId) -> Result<bool, db::Error> {
    let now = tx.now;
    let unchanged = connections::table.find(tested.id).filter(connections::changed_at.eq(tested.changed_at));
    let set = (connections::tested_at.eq(now), connections::tested_by.eq(by));
    Ok(diesel::update(unchanged).set(set).execute(tx.conn())? == 1)
}

#[derive(QueryableByName)]
struct Claimed {
    #[diesel(sql_type = sql_types::Uuid)]
    id: ConnectionId,
}

/// The one that has been due for the longest time, which other nodes leave alone until `lease` is over.
pub(super) fn claim_due(tx: &mut Tx<'_>, lease: TimeDelta) -> Result<Option<ConnectionId>, db::Error> {
    let until = tx.now + lease;
    let statement = "UPDATE connections SET metadata_due = $2 WHERE id = (
            SELECT id FROM connections WHERE metadata_due <= $1 ORDER BY metadata_due LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
        ) RETURNING id";
    let now = tx.now;
    let claimed: Option<Claimed> = sql_query(statement)
        .bind::<sql_types::Timestamptz, _>(now)
        .bind::<sql_types::Timestamptz, _>(until)
        .get_result(tx.conn())
        .optional()?;
    Ok(claimed.map(|claimed| claimed.id))
}

pub(super) fn count_failing(tx: &mut ReadTx<'_>) -> Result<i64, db::Error> {
    Ok(connections::table.filter(connections::metadata_error.is_not_null()).count().get_result(tx.conn())?)
}

pub(super) fn first_end(tx: &mut ReadTx<'_>) -> Result<Option<DateTime<Utc>>, db::Error> {
    Ok(certificates::table.select(diesel::dsl::min(certificates::not_after)).first(tx.conn())?)
}

/// One for which the time of a warning has come since the last one, and that no other node is busy with.
pub(super) fn lock_unwarned(
    tx: &mut Tx<'_>,
    warnings: &[TimeDelta],
) -> Result<Option<(ConnectionId, Certificate)>, db::Error> {
    let now = tx.now;
    for before in warnings.iter().rev() {
        // From then on there is this warning; one from before it does not count.
        let from = certificates::not_after
            - diesel::dsl::sql::<sql_types::Interval>("").bind::<sql_types::Interval, _>(*before);
        let due = certificates::table
            .filter(certificates::not_after.le(now + *before))
            .filter(certificates::warned_at.is_null().or(certificates::warned_at.assume_not_null().lt(from)))
            .order(certificates::not_after)
            .select((certificates::connection_id, CertificateRow::as_select()))
            .for_no_key_update()
            .skip_locked();
        let found: Option<(ConnectionId, CertificateRow)> = due.first(tx.conn()).optional()?;
        if let Some((id, row)) = found {
            return Ok(Some((id, row.try_into()?)));
        }
    }
    Ok(None)
}

pub(super) fn set_warned(tx: &mut Tx<'_>, id: ConnectionId, sha256: &[u8; 32]) -> Result<(), db::Error> {
    let now = tx.now;
    let row = certificates::table.find((id, sha256.to_vec()));
    diesel::update(row).set(certificates::warned_at.eq(now)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn find_slug(tx: &mut ReadTx<'_>, id: OrganizationId) -> Result<String, db::Error> {
    Ok(organizations::table.find(id).select(organizations::slug).first(tx.conn())?)
}

/// Its owners and admins, as far as letters reach them.
pub(super) fn list_admins(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
) -> Result<Vec<(UserId, String)>, db::Error> {
    let admins = users::table
        .inner_join(members::table)
        .filter(members::organization_id.eq(organization).and(members::role.eq_any(["owner", "admin"])))
        .filter(users::email_verified_at.is_not_null().and(users::disabled_at.is_null()))
        .order(users::id)
        .select((users::id, users::email));
    Ok(admins.load(tx.conn())?)
}

/// What ends first comes first.
pub(super) fn list_certificates(tx: &mut ReadTx<'_>, id: ConnectionId) -> Result<Vec<Certificate>, db::Error> {
    let rows = certificates::table
        .filter(certificates::connection_id.eq(id))
        .order((certificates::not_after, certificates::sha256))
        .select(CertificateRow::as_select());
    rows.load(tx.conn())?.into_iter().map(Certificate::try_from).collect()
}

/// How many went.
pub(super) fn delete_certificates_but(
    tx: &mut Tx<'_>,
    id: ConnectionId,
    kept: &[Certificate],
) -> Result<usize, db::Error> {
    let kept: Vec<Vec<u8>> = kept.iter().map(|certificate| certificate.sha256.to_vec()).collect();
    let others =
        certificates::table.filter(certificates::connection_id.eq(id)).filter(certificates::sha256.ne_all(kept));
    Ok(diesel::delete(others).execute(tx.conn())?)
}

/// What is there already stays as it is. How many were new.
pub(super) fn insert_certificates(tx: &mut Tx<'_>, id: ConnectionId, new: &[Certificate]) -> Result<usize, db::Error> {
    let now = tx.now;
    let row = |certificate: &Certificate| {
        (
            certificates::connection_id.eq(id),
            certificates::sha256.eq(certificate.sha256.to_vec()),
            certificates::der.eq(certificate.der.clone()),
            certificates::subject.eq(certificate.subject.clone()),
            certificates::not_before.eq(certificate.not_before),
            certificates::not_after.eq(certificate.not_after),
            certificates::added_at.eq(now),
        )
    };
    let rows: Vec<_> = new.iter().map(row).collect();
    Ok(diesel::insert_into(certificates::table).values(rows).on_conflict_do_nothing().execute(tx.conn())?)
}

type KeyRow = (ConnectionKeyId, Vec<u8>, bool, DateTime<Utc>, DateTime<Utc>);

/// The one that signs first, then the oldest.
pub(super) fn list_keys(tx: &mut ReadTx<'_>, id: ConnectionId) -> Result<Vec<Key>, db::Error> {
    let rows = keys::table.filter(keys::connection_id.eq(id)).order((keys::signs.desc(), keys::id)).select((
        keys::id,
        keys::certificate,
        keys::signs,
        keys::created_at,
        keys::not_after,
    ));
    let rows: Vec<KeyRow> = rows.load(tx.conn())?;
    let key = |(id, certificate, signs, created_at, not_after)| Key { id, certificate, signs, created_at, not_after };
    Ok(rows.into_iter().map(key).collect())
}

/// The one that signs first, then the oldest.
pub(super) fn list_sealed_keys(
    tx: &mut ReadTx<'_>,
    id: ConnectionId,
) -> Result<Vec<(ConnectionKeyId, Vec<u8>)>, db::Error> {
    let rows = keys::table
        .filter(keys::connection_id.eq(id))
        .order((keys::signs.desc(), keys::id))
        .select((keys::id, keys::sealed_key));
    Ok(rows.load(tx.conn())?)
}

pub(super) fn insert_key(tx: &mut Tx<'_>, id: ConnectionId, key: &Key, sealed: &[u8]) -> Result<(), db::Error> {
    diesel::insert_into(keys::table)
        .values((
            keys::id.eq(key.id),
            keys::connection_id.eq(id),
            keys::sealed_key.eq(sealed),
            keys::certificate.eq(&key.certificate),
            keys::signs.eq(key.signs),
            keys::created_at.eq(key.created_at),
            keys::not_after.eq(key.not_after),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// The one that does.
pub(super) fn stop_signing(tx: &mut Tx<'_>, id: ConnectionId) -> Result<(), db::Error> {
    let signing = keys::table.filter(keys::connection_id.eq(id).and(keys::signs));
    diesel::update(signing).set(keys::signs.eq(false)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn start_signing(tx: &mut Tx<'_>, key: ConnectionKeyId) -> Result<(), db::Error> {
    diesel::update(keys::table.find(key)).set(keys::signs.eq(true)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete_key(tx: &mut Tx<'_>, key: ConnectionKeyId) -> Result<(), db::Error> {
    diesel::delete(keys::table.find(key)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete_roles(tx: &mut Tx<'_>, id: ConnectionId) -> Result<(), db::Error> {
    diesel::delete(roles::table.filter(roles::connection_id.eq(id))).execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete_groups(tx: &mut Tx<'_>, id: ConnectionId) -> Result<(), db::Error> {
    diesel::delete(mapped_groups::table.filter(mapped_groups::connection_id.eq(id))).execute(tx.conn())?;
    Ok(())
}

pub(super) fn list_roles(tx: &mut ReadTx<'_>, id: ConnectionId) -> Result<BTreeMap<String, Role>, db::Error> {
    let rows: Vec<(String, String)> =
        roles::table.filter(roles::connection_id.eq(id)).select((roles::idp_group, roles::role)).load(tx.conn())?;
    rows.into_iter().map(|(group, role)| Ok((group, stored_role(&role)?))).collect()
}

pub(super) fn insert_roles(tx: &mut Tx<'_>, id: ConnectionId, new: &BTreeMap<String, Role>) -> Result<(), db::Error> {
    let row = |(group, role): (&String, &Role)| {
        (roles::connection_id.eq(id), roles::idp_group.eq(group.clone()), roles::role.eq(role.as_str()))
    };
    let rows: Vec<_> = new.iter().map(row).collect();
    diesel::insert_into(roles::table).values(rows).execute(tx.conn())?;
    Ok(())
}

pub(super) fn list_groups(tx: &mut ReadTx<'_>, id: ConnectionId) -> Result<BTreeMap<String, Vec<GroupId>>, db::Error> {
    let rows: Vec<(String, GroupId)> = mapped_groups::table
        .filter(mapped_groups::connection_id.eq(id))
        .order((mapped_groups::idp_group, mapped_groups::group_id))
        .select((mapped_groups::idp_group, mapped_groups::group_id))
        .load(tx.conn())?;
    let mut groups: BTreeMap<String, Vec<GroupId>> = BTreeMap::new();
    for (name, group) in rows {
        groups.entry(name).or_default().push(group);
    }
    Ok(groups)
}

pub(super) fn insert_groups(
    tx: &mut Tx<'_>,
    id: ConnectionId,
    new: &BTreeMap<String, Vec<GroupId>>,
) -> Result<(), db::Error> {
    let pairs = new.iter().flat_map(|(name, groups)| groups.iter().map(move |group| (name.clone(), *group)));
    let row = |(name, group): (String, GroupId)| {
        (mapped_groups::connection_id.eq(id), mapped_groups::idp_group.eq(name), mapped_groups::group_id.eq(group))
    };
    let rows: Vec<_> = pairs.map(row).collect();
    diesel::insert_into(mapped_groups::table).values(rows).on_conflict_do_nothing().execute(tx.conn())?;
    Ok(())
}

fn stored_role(word: &str) -> Result<Role, db::Error> {
    Role::parse(word).ok_or_else(|| db::Error::Internal(format!("the stored role {word}")))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = connections, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: ConnectionId,
    organization_id: OrganizationId,
    #[diesel(embed)]
    provider: Provider,
    #[diesel(embed)]
    origin: Origin,
    #[diesel(embed)]
    rules: Rules,
    enforced_from: Option<DateTime<Utc>>,
    tested_at: Option<DateTime<Utc>>,
    tested_by: Option<UserId>,
    created_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = connections, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
struct Provider {
    idp_entity_id: String,
    sso_url: String,
    sso_binding: String,
    slo_url: Option<String>,
    slo_binding: Option<String>,
    slo_answer_url: Option<String>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = connections, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
#[expect(clippy::struct_field_names, reason = "columns are called so")]
struct Origin {
    metadata_from: String,
    metadata_url: Option<String>,
    metadata_at: Option<DateTime<Utc>>,
    metadata_error: Option<String>,
    metadata_due: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = connections, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
struct Rules {
    name: String,
    email_attribute: Option<String>,
    name_attribute: Option<String>,
    groups_attribute: Option<String>,
    default_role: Option<String>,
    sign_requests: bool,
    allow_idp_initiated: bool,
}

impl From<&Idp> for Provider {
    fn from(idp: &Idp) -> Self {
        Self {
            idp_entity_id: idp.entity_id.clone(),
            sso_url: idp.sso.url.clone(),
            sso_binding: idp.sso.binding.as_str().to_owned(),
            slo_url: idp.slo.as_ref().map(|slo| slo.url.clone()),
            slo_binding: idp.slo.as_ref().map(|slo| slo.binding.as_str().to_owned()),
            slo_answer_url: idp.slo_answer_url.clone(),
        }
    }
}

impl From<&Source> for Origin {
    fn from(source: &Source) -> Self {
        let nothing = Self {
            metadata_from: "hand".to_owned(),
            metadata_url: None,
            metadata_at: None,
            metadata_error: None,
            metadata_due: None,
        };
        match source {
            Source::Hand => nothing,
            Source::Xml { read_at } => Self { metadata_from: "xml".to_owned(), metadata_at: Some(*read_at), ..nothing },
            Source::Url(fetched) => Self {
                metadata_from: "url".to_owned(),
                metadata_url: Some(fetched.url.clone()),
                metadata_at: Some(fetched.at),
                metadata_error: fetched.error.clone(),
                metadata_due: Some(fetched.due),
            },
        }
    }
}

impl From<&Connection> for Rules {
    fn from(connection: &Connection) -> Self {
        Self {
            name: connection.name.clone(),
            email_attribute: connection.attributes.email.clone(),
            name_attribute: connection.attributes.name.clone(),
            groups_attribute: connection.attributes.groups.clone(),
            default_role: connection.default_role.map(|role| role.as_str().to_owned()),
            sign_requests: connection.signs_requests,
            allow_idp_initiated: connection.allows_idp_initiated,
        }
    }
}

impl TryFrom<Row> for Connection {
    type Error = db::Error;

    fn try_from(row: Row) -> Result<Self, db::Error> {
        let strange = |what: &str| db::Error::Internal(format!("{what} stored with connection {}", row.id));
        let rules = row.rules;
        Ok(Self {
            id: row.id,
            organization: row.organization_id,
            idp: idp(row.provider).ok_or_else(|| strange("the provider"))?,
            source: source(row.origin, row.created_at).ok_or_else(|| strange("the source"))?,
            name: rules.name,
            attributes: Attributes {
                email: rules.email_attribute,
                name: rules.name_attribute,
                groups: rules.groups_attribute,
            },
            default_role: rules.default_role.as_deref().map(stored_role).transpose()?,
            signs_requests: rules.sign_requests,
            allows_idp_initiated: rules.allow_idp_initiated,
            enforced_from: row.enforced_from,
            tested_at: row.tested_at,
            tested_by: row.tested_by,
            created_at: row.created_at,
            changed_at: row.changed_at,
        })
    }
}

fn idp(row: Provider) -> Option<Idp> {
    let slo = match (row.slo_url, row.slo_binding) {
        (Some(url), Some(binding)) => Some(Endpoint { url, binding: Binding::parse(&binding)? }),
        (_, _) => None,
    };
    Some(Idp {
        entity_id: row.idp_entity_id,
        sso: Endpoint { url: row.sso_url, binding: Binding::parse(&row.sso_binding)? },
        slo,
        slo_answer_url: row.slo_answer_url,
    })
}

fn source(row: Origin, created_at: DateTime<Utc>) -> Option<Source> {
    let at = row.metadata_at.unwrap_or(created_at);
    match row.metadata_from.as_str() {
        "hand" => Some(Source::Hand),
        "xml" => Some(Source::Xml { read_at: at }),
        "url" => {
            let url = row.metadata_url?;
            Some(Source::Url(Fetched { url, at, error: row.metadata_error, due: row.metadata_due.unwrap_or(at) }))
        }
        _ => None,
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = certificates, check_for_backend(diesel::pg::Pg))]
struct CertificateRow {
    sha256: Vec<u8>,
    der: Vec<u8>,
    subject: String,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
}

impl TryFrom<CertificateRow> for Certificate {
    type Error = db::Error;

    fn try_from(row: CertificateRow) -> Result<Self, db::Error> {
        let strange = |_| db::Error::Internal("the stored digest of a certificate".to_owned());
        Ok(Self {
            sha256: row.sha256.try_into().map_err(strange)?,
            der: row.der,
            subject: row.subject,
            not_before: row.not_before,
            not_after: row.not_after,
        })
    }
}
