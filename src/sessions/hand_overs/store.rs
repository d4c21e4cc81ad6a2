use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text, Uuid};

use super::HandOver;
use crate::db::schema::hand_overs::dsl;
use crate::db::schema::{gate_tokens, sessions};
use crate::db::{self, Change, ReadTx, Tx};
use crate::kernel::{Digest, SessionId};

/// What a code stood for.
pub(super) struct Taken {
    pub host: String,
    pub binding: Digest,
    pub return_to: String,
    pub expires_at: DateTime<Utc>,
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    code: &Digest,
    hand_over: &HandOver<'_>,
    expires_at: DateTime<Utc>,
) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(dsl::hand_overs)
        .values((
            dsl::code_digest.eq(code.as_bytes()),
            dsl::session_id.eq(hand_over.session),
            dsl::host.eq(hand_over.host),
            dsl::binding_digest.eq(hand_over.binding.as_bytes()),
            dsl::return_to.eq(hand_over.return_to),
            dsl::created_at.eq(now),
            dsl::expires_at.eq(expires_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

type Row = (String, Vec<u8>, String, DateTime<Utc>);

pub(super) fn find_session(tx: &mut ReadTx<'_>, code: &Digest) -> Result<Option<SessionId>, db::Error> {
    Ok(dsl::hand_overs.find(code.as_bytes()).select(dsl::session_id).first(tx.conn()).optional()?)
}

/// Of two at once, one gets it.
pub(super) fn take(tx: &mut Tx<'_>, code: &Digest) -> Result<Option<Taken>, db::Error> {
    let columns = (dsl::host, dsl::binding_digest, dsl::return_to, dsl::expires_at);
    let row: Option<Row> =
        diesel::delete(dsl::hand_overs.find(code.as_bytes())).returning(columns).get_result(tx.conn()).optional()?;
    Ok(row.and_then(|(host, binding, return_to, expires_at)| {
        let binding = Digest::from_stored(&binding)?;
        Some(Taken { host, binding, return_to, expires_at })
    }))
}

/// Those of a session, but for so many of the newest.
pub(super) fn delete_all_but(tx: &mut Tx<'_>, session: SessionId, kept: i64) -> Result<(), db::Error> {
    let statement = "DELETE FROM hand_overs WHERE code_digest IN (
        SELECT code_digest FROM hand_overs WHERE session_id = $1 ORDER BY created_at DESC OFFSET $2)";
    sql_query(statement).bind::<Uuid, _>(session).bind::<BigInt, _>(kept).execute(tx.conn())?;
    Ok(())
}

pub(super) fn write_down_visit(tx: &mut Tx<'_>, session: SessionId) -> Result<(), db::Error> {
    let now = tx.now;
    let before = sessions::table.find(session).filter(sessions::last_active_at.lt(now));
    diesel::update(before).set(sessions::last_active_at.eq(now)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn insert_token(tx: &mut Tx<'_>, session: SessionId, host: &str, digest: &Digest) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(gate_tokens::table)
        .values((
            gate_tokens::digest.eq(digest.as_bytes()),
            gate_tokens::session_id.eq(session),
            gate_tokens::domain.eq(""),
            gate_tokens::host.eq(host),
            gate_tokens::created_at.eq(now),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Of a session's tokens that were handed over, the newest are kept: so many at `host`, and so many in all.
pub(super) fn delete_tokens_but(
    tx: &mut Tx<'_>,
    session: SessionId,
    host: &str,
    [kept_at_host, kept]: [i64; 2],
) -> Result<(), db::Error> {
    let statement = "
        WITH ranked AS (
            SELECT digest, host,
                row_number() OVER (PARTITION BY host ORDER BY created_at DESC) AS at_host,
                row_number() OVER (ORDER BY created_at DESC) AS in_all
            FROM gate_tokens WHERE session_id = $1 AND host <> ''
        )
        DELETE FROM gate_tokens USING ranked
        WHERE gate_tokens.digest = ranked.digest AND (ranked.host = $2 AND at_host > $3 OR in_all > $4)";
    let deleted = sql_query(statement)
        .bind::<Uuid, _>(session)
        .bind::<Text, _>(host)
        .bind::<BigInt, _>(kept_at_host)
        .bind::<BigInt, _>(kept)
        .execute(tx.conn())?;
    if deleted > 0 {
        tx.tell(Change::Session(session));
    }
    Ok(())
}
