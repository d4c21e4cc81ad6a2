use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz};

use crate::db::{self, Tx};

pub(super) fn delete_requests(tx: &mut Tx<'_>, most: i64) -> Result<usize, db::Error> {
    delete_ended(tx, "saml_requests", most)
}

pub(super) fn delete_answers(tx: &mut Tx<'_>, most: i64) -> Result<usize, db::Error> {
    delete_ended(tx, "saml_answers", most)
}

pub(super) fn delete_reports(tx: &mut Tx<'_>, most: i64) -> Result<usize, db::Error> {
    delete_ended(tx, "saml_reports", most)
}

pub(super) fn delete_pending_identities(tx: &mut Tx<'_>, most: i64) -> Result<usize, db::Error> {
    delete_ended(tx, "pending_identities", most)
}

/// It passes over rows that somebody else holds.
fn delete_ended(tx: &mut Tx<'_>, table: &'static str, most: i64) -> Result<usize, db::Error> {
    let statement = format!(
        "DELETE FROM {table} WHERE ctid IN (
            SELECT ctid FROM {table} WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )"
    );
    let now = tx.now;
    Ok(sql_query(statement).bind::<Timestamptz, _>(now).bind::<BigInt, _>(most).execute(tx.conn())?)
}

/// Those without a session, and without anybody who is half signed in. It passes over rows that somebody else holds.
pub(super) fn delete_provider_sessions(tx: &mut Tx<'_>, before: DateTime<Utc>, most: i64) -> Result<usize, db::Error> {
    let statement = "
        DELETE FROM provider_sessions WHERE id IN (
            SELECT id FROM provider_sessions p WHERE created_at <= $1
                AND NOT EXISTS (SELECT FROM sessions s WHERE s.provider_session_id = p.id)
                AND NOT EXISTS (SELECT FROM pending_sign_ins w WHERE w.provider_session_id = p.id)
            ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
        )";
    Ok(sql_query(statement).bind::<Timestamptz, _>(before).bind::<BigInt, _>(most).execute(tx.conn())?)
}
