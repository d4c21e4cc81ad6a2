use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz};

use super::ProviderSession;
use crate::db::schema::{provider_sessions as provided, saml_answers as answers};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, Digest, ProviderSessionId, UserId};
use crate::sso::saml::{Answer, NameId};

/// `false` when it is there.
pub(super) fn insert_answer(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    digest: &Digest,
    expires_at: DateTime<Utc>,
) -> Result<bool, db::Error> {
    let inserted = diesel::insert_into(answers::table)
        .values((
            answers::connection_id.eq(connection),
            answers::digest.eq(digest.as_bytes()),
            answers::expires_at.eq(expires_at),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())?;
    Ok(inserted == 1)
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    id: ProviderSessionId,
    (connection, user): (ConnectionId, UserId),
    answer: &Answer,
) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(provided::table)
        .values((
            provided::id.eq(id),
            provided::connection_id.eq(connection),
            provided::user_id.eq(user),
            provided::name_id.eq(&answer.name_id.value),
            provided::name_id_format.eq(&answer.name_id.format),
            provided::session_index.eq(&answer.session_index),
            provided::authn_instant.eq(answer.authn_instant),
            provided::authn_context.eq(&answer.authn_context),
            provided::ends_at.eq(answer.session_ends_at),
            provided::created_at.eq(now),
        ))
        .execute(tx.conn())?;
    Ok(())
}

type Row = (ConnectionId, UserId, String, Option<String>, Option<String>, Option<DateTime<Utc>>);

pub(super) fn list_of(tx: &mut ReadTx<'_>, connection: ConnectionId) -> Result<Vec<ProviderSessionId>, db::Error> {
    let own = provided::table.filter(provided::connection_id.eq(connection));
    Ok(own.select(provided::id).load(tx.conn())?)
}

pub(super) fn lock_all_of(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    user: UserId,
) -> Result<Vec<ProviderSessionId>, db::Error> {
    let theirs = provided::table.filter(provided::connection_id.eq(connection).and(provided::user_id.eq(user)));
    Ok(theirs.select(provided::id).order(provided::id).for_update().load(tx.conn())?)
}

pub(super) fn delete(tx: &mut Tx<'_>, ids: &[ProviderSessionId]) -> Result<(), db::Error> {
    diesel::delete(provided::table.filter(provided::id.eq_any(ids))).execute(tx.conn())?;
    Ok(())
}

pub(super) fn find(tx: &mut ReadTx<'_>, id: ProviderSessionId) -> Result<Option<ProviderSession>, db::Error> {
    let row: Option<Row> = provided::table
        .find(id)
        .select((
            provided::connection_id,
            provided::user_id,
            provided::name_id,
            provided::name_id_format,
            provided::session_index,
            provided::ends_at,
        ))
        .first(tx.conn())
        .optional()?;
    Ok(row.map(|(connection, user, value, format, index, ends_at)| ProviderSession {
        id,
        connection,
        user,
        name: NameId { value, format },
        index,
        ends_at,
    }))
}

pub(super) fn renew(tx: &mut Tx<'_>, id: ProviderSessionId, answer: &Answer) -> Result<(), db::Error> {
    let earlier = diesel::dsl::sql::<Nullable<Timestamptz>>("least(ends_at, ")
        .bind::<Nullable<Timestamptz>, _>(answer.session_ends_at)
        .sql(")");
    diesel::update(provided::table.find(id))
        .set((
            provided::name_id.eq(&answer.name_id.value),
            provided::session_index.eq(&answer.session_index),
            provided::authn_instant.eq(answer.authn_instant),
            provided::authn_context.eq(&answer.authn_context),
            provided::ends_at.eq(earlier),
        ))
        .execute(tx.conn())?;
    Ok(())
}
