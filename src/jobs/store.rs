use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};

use super::Job;
use super::ledger::Rounds;
use crate::db::schema::jobs::dsl;
use crate::db::{self, ReadTx, Tx};

/// What is written down of a job that has run.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::jobs, check_for_backend(diesel::pg::Pg))]
pub struct Ran {
    pub last_started_at: DateTime<Utc>,
    pub last_finished_at: DateTime<Utc>,
    pub last_milliseconds: i64,
    pub last_done: i64,
    pub last_succeeded_at: Option<DateTime<Utc>>,
    pub last_failed_at: Option<DateTime<Utc>>,
    /// Of the last round that failed, however many were good since.
    pub last_error: Option<String>,
    pub runs: i64,
    pub failures: i64,
    pub done: i64,
}

/// To what all nodes have written down before.
pub(super) fn add(tx: &mut Tx<'_>, job: Job, rounds: &Rounds) -> Result<(), db::Error> {
    let (failed_at, error) = rounds.failed.clone().unzip();
    let milliseconds = i64::try_from(rounds.last.took.as_millis()).unwrap_or(i64::MAX);
    sql_query(
        "INSERT INTO jobs AS known (name, last_started_at, last_finished_at, last_milliseconds, last_done,
             last_succeeded_at, last_failed_at, last_error, runs, failures, done)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (name) DO UPDATE SET
             last_started_at = EXCLUDED.last_started_at,
             last_finished_at = EXCLUDED.last_finished_at,
             last_milliseconds = EXCLUDED.last_milliseconds,
             last_done = EXCLUDED.last_done,
             last_succeeded_at = COALESCE(EXCLUDED.last_succeeded_at, known.last_succeeded_at),
             last_failed_at = COALESCE(EXCLUDED.last_failed_at, known.last_failed_at),
             last_error = COALESCE(EXCLUDED.last_error, known.last_error),
             runs = known.runs + EXCLUDED.runs,
             failures = known.failures + EXCLUDED.failures,
             done = known.done + EXCLUDED.done",
    )
    .bind::<Text, _>(job.card().name)
    .bind::<Timestamptz, _>(rounds.last.started_at)
    .bind::<Timestamptz, _>(rounds.last.finished_at)
    .bind::<BigInt, _>(milliseconds)
    .bind::<BigInt, _>(rounds.last.outcome.done())
    .bind::<Nullable<Timestamptz>, _>(rounds.succeeded_at)
    .bind::<Nullable<Timestamptz>, _>(failed_at)
    .bind::<Nullable<Text>, _>(error)
    .bind::<BigInt, _>(rounds.runs)
    .bind::<BigInt, _>(rounds.failures)
    .bind::<BigInt, _>(rounds.done)
    .execute(tx.conn())?;
    Ok(())
}

/// By name.
pub(super) fn list(tx: &mut ReadTx<'_>) -> Result<BTreeMap<String, Ran>, db::Error> {
    let rows: Vec<(String, Ran)> = dsl::jobs.select((dsl::name, Ran::as_select())).load(tx.conn())?;
    Ok(rows.into_iter().collect())
}
