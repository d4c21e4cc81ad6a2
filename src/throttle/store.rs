use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Text, Timestamptz};

use super::{Count, Key};
use crate::db::schema::throttles::dsl;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::Digest;

/// When the wait of a key ends, or has ended; `None` when there is none.
pub(super) fn find_wait(tx: &mut ReadTx<'_>, key: &Key) -> Result<Option<DateTime<Utc>>, db::Error> {
    let row = dsl::throttles.find((key.scope, key.subject.as_bytes())).select(dsl::waits_until);
    Ok(row.first::<Option<DateTime<Utc>>>(tx.conn()).optional()?.flatten())
}

/// The count of a key, held until the transaction ends; made when there is none yet. One statement, so that
/// nobody can take the row away in between.
pub(super) fn lock(tx: &mut Tx<'_>, key: &Key) -> Result<Count, db::Error> {
    let now = tx.now;
    let (attempts, last_attempt_at, waits_until) = diesel::insert_into(dsl::throttles)
        .values((
            dsl::scope.eq(key.scope),
            dsl::subject.eq(key.subject.as_bytes()),
            dsl::attempts.eq(0),
            dsl::last_attempt_at.eq(now),
        ))
        .on_conflict((dsl::scope, dsl::subject))
        .do_update()
        .set(dsl::attempts.eq(dsl::attempts))
        .returning((dsl::attempts, dsl::last_attempt_at, dsl::waits_until))
        .get_result(tx.conn())?;
    Ok(Count { attempts, last_attempt_at, waits_until })
}

pub(super) fn save(tx: &mut Tx<'_>, key: &Key, count: &Count) -> Result<(), db::Error> {
    diesel::update(dsl::throttles.find((key.scope, key.subject.as_bytes())))
        .set((
            dsl::attempts.eq(count.attempts),
            dsl::last_attempt_at.eq(count.last_attempt_at),
            dsl::waits_until.eq(count.waits_until),
        ))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, key: &Key) -> Result<(), db::Error> {
    diesel::delete(dsl::throttles.find((key.scope, key.subject.as_bytes()))).execute(tx.conn())?;
    Ok(())
}

/// Passing over what others hold.
pub(super) fn delete_of(tx: &mut Tx<'_>, scopes: &[&str], subjects: &[Digest]) -> Result<(), db::Error> {
    let statement = "
        WITH theirs AS (
            SELECT scope, subject FROM throttles WHERE scope = ANY ($1) AND subject = ANY ($2) FOR UPDATE SKIP LOCKED
        )
        DELETE FROM throttles USING theirs
        WHERE throttles.scope = theirs.scope AND throttles.subject = theirs.subject";
    let subjects: Vec<&[u8]> = subjects.iter().map(Digest::as_bytes).collect();
    sql_query(statement).bind::<Array<Text>, _>(scopes).bind::<Array<Binary>, _>(subjects).execute(tx.conn())?;
    Ok(())
}

/// Those whose last attempt was at `before` or earlier, and of some scopes only those that are older; passing over what
/// others hold.
pub(super) fn delete_old(
    tx: &mut Tx<'_>,
    before: DateTime<Utc>,
    (scopes, before_of_those): (&[&str], DateTime<Utc>),
    most: usize,
) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT scope, subject FROM throttles
            WHERE last_attempt_at <= $1 AND (scope <> ALL($3) OR last_attempt_at <= $4)
            ORDER BY last_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM throttles USING old WHERE throttles.scope = old.scope AND throttles.subject = old.subject";
    let deleted = sql_query(statement)
        .bind::<Timestamptz, _>(before)
        .bind::<BigInt, _>(i64::try_from(most).unwrap_or(i64::MAX))
        .bind::<Array<Text>, _>(scopes)
        .bind::<Timestamptz, _>(before_of_those)
        .execute(tx.conn())?;
    Ok(deleted)
}
