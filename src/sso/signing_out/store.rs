use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::schema::{provider_sessions as provided, saml_answers as used};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, Digest, ProviderSessionId};
use crate::sso::saml::NameId;

/// `false` when it is there.
pub(super) fn insert_used(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    digest: &Digest,
    expires_at: DateTime<Utc>,
) -> Result<bool, db::Error> {
    let inserted = diesel::insert_into(used::table)
        .values((
            used::connection_id.eq(connection),
            used::digest.eq(digest.as_bytes()),
            used::expires_at.eq(expires_at),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())?;
    Ok(inserted == 1)
}

/// With what the provider calls each, in the order of their ids.
pub(super) fn lock_provider_sessions(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    name: &str,
) -> Result<Vec<(ProviderSessionId, Option<String>)>, db::Error> {
    let theirs = provided::table
        .filter(provided::connection_id.eq(connection).and(provided::name_id.eq(name)))
        .select((provided::id, provided::session_index))
        .order(provided::id)
        .for_update();
    Ok(theirs.load(tx.conn())?)
}

pub(super) fn delete_provider_sessions(tx: &mut Tx<'_>, ids: &[ProviderSessionId]) -> Result<(), db::Error> {
    diesel::delete(provided::table.filter(provided::id.eq_any(ids))).execute(tx.conn())?;
    Ok(())
}

type Row = (ConnectionId, String, Option<String>, Option<String>);

pub(super) fn find_provider_session(
    tx: &mut ReadTx<'_>,
    id: ProviderSessionId,
) -> Result<Option<(ConnectionId, NameId, Option<String>)>, db::Error> {
    let row: Option<Row> = provided::table
        .find(id)
        .select((provided::connection_id, provided::name_id, provided::name_id_format, provided::session_index))
        .first(tx.conn())
        .optional()?;
    Ok(row.map(|(connection, value, format, index)| (connection, NameId { value, format }, index)))
}
