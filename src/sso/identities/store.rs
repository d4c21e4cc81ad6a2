use chrono::{DateTime, Utc};
use diesel::dsl::{exists, max, min};
use diesel::prelude::*;

use super::pending::Pending;
use super::{Linked, PENDING_FOR};
use crate::db::schema::{connections, domains, identities, organizations, pending_identities as pending};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, Digest, EmailAddress, OrganizationId, UserId};
use crate::sso::saml::NameId;

pub(super) fn find(tx: &mut ReadTx<'_>, connection: ConnectionId, name: &str) -> Result<Option<UserId>, db::Error> {
    Ok(identities::table.find((connection, name)).select(identities::user_id).first(tx.conn()).optional()?)
}

/// `false` when the name is somebody's already.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    name: &NameId,
    user: UserId,
) -> Result<bool, db::Error> {
    let now = tx.now;
    let inserted = diesel::insert_into(identities::table)
        .values((
            identities::connection_id.eq(connection),
            identities::name_id.eq(&name.value),
            identities::name_id_format.eq(&name.format),
            identities::user_id.eq(user),
            identities::linked_at.eq(now),
            identities::last_seen_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())?;
    Ok(inserted == 1)
}

/// `false` when it is not theirs.
pub(super) fn touch(tx: &mut Tx<'_>, connection: ConnectionId, name: &str, user: UserId) -> Result<bool, db::Error> {
    let now = tx.now;
    let theirs = identities::table.find((connection, name)).filter(identities::user_id.eq(user));
    Ok(diesel::update(theirs).set(identities::last_seen_at.eq(now)).execute(tx.conn())? == 1)
}

/// The one they came as last.
pub(super) fn find_name_of(
    tx: &mut ReadTx<'_>,
    connection: ConnectionId,
    user: UserId,
) -> Result<Option<String>, db::Error> {
    let theirs = identities::table.filter(identities::user_id.eq(user).and(identities::connection_id.eq(connection)));
    let last = theirs.order((identities::last_seen_at.desc(), identities::name_id)).select(identities::name_id);
    Ok(last.first(tx.conn()).optional()?)
}

pub(super) fn find_organization_name(tx: &mut ReadTx<'_>, id: OrganizationId) -> Result<String, db::Error> {
    Ok(organizations::table.find(id).select(organizations::name).first(tx.conn())?)
}

type LinkedRow = (ConnectionId, String, OrganizationId, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

pub(super) fn list_of(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Linked>, db::Error> {
    let rows: Vec<LinkedRow> = identities::table
        .inner_join(connections::table)
        .filter(identities::user_id.eq(user))
        .group_by(connections::id)
        .order(min(identities::linked_at))
        .select((
            connections::id,
            connections::name,
            connections::organization_id,
            min(identities::linked_at),
            max(identities::last_seen_at),
        ))
        .load(tx.conn())?;
    let linked = rows.into_iter().filter_map(|(connection, provider, organization, linked_at, last_seen_at)| {
        Some(Linked { connection, provider, organization, linked_at: linked_at?, last_seen_at: last_seen_at? })
    });
    Ok(linked.collect())
}

/// `false` when there was none.
pub(super) fn delete(tx: &mut Tx<'_>, user: UserId, connection: ConnectionId) -> Result<bool, db::Error> {
    let theirs = identities::table.filter(identities::user_id.eq(user).and(identities::connection_id.eq(connection)));
    Ok(diesel::delete(theirs).execute(tx.conn())? > 0)
}

pub(super) fn is_anothers_domain(
    tx: &mut ReadTx<'_>,
    domain: &str,
    organization: OrganizationId,
) -> Result<bool, db::Error> {
    let anothers = domains::table
        .filter(domains::name.eq(domain).and(domains::proved_at.is_not_null()))
        .filter(domains::organization_id.ne(organization));
    Ok(diesel::select(exists(anothers)).get_result(tx.conn())?)
}

/// In the place of the one before, of this browser and this connection.
pub(super) fn put_pending(tx: &mut Tx<'_>, browser: &Digest, new: &Pending) -> Result<(), db::Error> {
    let now = tx.now;
    let row = (
        pending::name_id.eq(&new.name.value),
        pending::name_id_format.eq(&new.name.format),
        pending::email.eq(new.email.as_ref().map(EmailAddress::as_str)),
        pending::created_at.eq(now),
        pending::expires_at.eq(now + PENDING_FOR),
    );
    diesel::insert_into(pending::table)
        .values((pending::browser.eq(browser.as_bytes()), pending::connection_id.eq(new.connection), row))
        .on_conflict((pending::browser, pending::connection_id))
        .do_update()
        .set(row)
        .execute(tx.conn())?;
    Ok(())
}

type PendingRow = (ConnectionId, String, Option<String>, Option<String>, DateTime<Utc>);

/// The last one of this browser, and since when it waits.
pub(super) fn find_pending(
    tx: &mut ReadTx<'_>,
    browser: &Digest,
) -> Result<Option<(Pending, DateTime<Utc>)>, db::Error> {
    let now = tx.now;
    let row: Option<PendingRow> = pending::table
        .filter(pending::browser.eq(browser.as_bytes()).and(pending::expires_at.gt(now)))
        .order(pending::created_at.desc())
        .select((
            pending::connection_id,
            pending::name_id,
            pending::name_id_format,
            pending::email,
            pending::created_at,
        ))
        .first(tx.conn())
        .optional()?;
    Ok(row.map(|(connection, value, format, email, since)| {
        let email = email.and_then(|email| EmailAddress::parse(&email).ok());
        (Pending { connection, name: NameId { value, format }, email }, since)
    }))
}

/// `false` when somebody else was faster.
pub(super) fn delete_pending(tx: &mut Tx<'_>, browser: &Digest, connection: ConnectionId) -> Result<bool, db::Error> {
    Ok(diesel::delete(pending::table.find((browser.as_bytes(), connection))).execute(tx.conn())? == 1)
}
