//! What the jobs have done, of all nodes together: one row a job.
//!
//! Jobs that run twice a second must not write twice a second. So a round is written down at once if it has done or
//! failed at something, or is the first good one after a failure, and else at most once in [`QUIETLY`], with all that
//! were not written down before it. What a node has not written down when it ends is lost: some rounds that found
//! nothing to do.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

pub use super::store::Ran;
use super::{Job, store};
use crate::app::App;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Origin, clock};

/// How often rounds that did nothing are written down.
const QUIETLY: Duration = Duration::from_mins(1);

/// Later than this by as much, a job is not merely waiting for its turn.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);

/// Characters of an error.
const LONGEST: usize = 500;

/// What became of a round.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// So much was done.
    Done(usize),
    /// Why. What was done before that stays done.
    Failed(String),
    /// A mistake of ours, and its words.
    Panicked(String),
}

impl Outcome {
    /// The stable word for metrics and audit.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Failed(_) => "failed",
            Self::Panicked(_) => "panicked",
        }
    }

    /// How much was done, as far as it is known.
    pub fn done(&self) -> i64 {
        match self {
            Self::Done(done) => i64::try_from(*done).unwrap_or(i64::MAX),
            Self::Failed(_) | Self::Panicked(_) => 0,
        }
    }

    pub fn error(&self) -> Option<String> {
        let error = match self {
            Self::Done(_) => return None,
            Self::Failed(error) => error.clone(),
            Self::Panicked(panic) => format!("it panicked: {panic}"),
        };
        Some(error.chars().take(LONGEST).collect())
    }
}

/// One run of a job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Round {
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
    pub took: Duration,
    pub outcome: Outcome,
}

/// Rounds that come into one row: the last one of them, and counts of all.
#[derive(Clone, Debug)]
pub(super) struct Rounds {
    pub last: Round,
    pub runs: i64,
    pub failures: i64,
    pub done: i64,
    /// When one of them last did not fail.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// When one of them last failed, and why.
    pub failed: Option<(DateTime<Utc>, String)>,
}

impl Rounds {
    fn add(before: Option<Self>, last: Round) -> Self {
        let (at, error) = (last.finished_at, last.outcome.error());
        let (succeeded_at, failed) = match (&before, error) {
            (before, Some(error)) => (before.as_ref().and_then(|rounds| rounds.succeeded_at), Some((at, error))),
            (before, None) => (Some(at), before.as_ref().and_then(|rounds| rounds.failed.clone())),
        };
        let (runs, failures, done) = before.map_or((0, 0, 0), |rounds| (rounds.runs, rounds.failures, rounds.done));
        let failures = failures + i64::from(last.outcome.error().is_some());
        Self { runs: runs + 1, failures, done: done + last.outcome.done(), succeeded_at, failed, last }
    }
}

/// What one node has still to write down of a job.
pub(super) struct Ledger {
    job: Job,
    unwritten: Option<Rounds>,
    /// When something was last written down, and whether the last round of it was good.
    written: Option<(Duration, bool)>,
}

impl Ledger {
    pub(super) fn of(job: Job) -> Self {
        Self { job, unwritten: None, written: None }
    }

    /// What cannot be written down now is written down with a later round.
    pub(super) async fn note(&mut self, app: &App, round: Round) {
        let is_good = round.outcome.error().is_none();
        let rounds = Rounds::add(self.unwritten.take(), round);
        let now = clock::steady();
        if !self.is_worth_it(&rounds, now) {
            self.unwritten = Some(rounds);
            return;
        }
        let (job, written) = (self.job, rounds.clone());
        let origin = Origin::system(job.card().name);
        match app.db.write(&origin, move |tx| store::add(tx, job, &written)).await {
            Ok(()) => self.written = Some((now, is_good)),
            Err(error) => {
                log::debug!(job = job.card().name; "a round was not written down: {error}");
                self.unwritten = Some(rounds);
            }
        }
    }

    fn is_worth_it(&self, rounds: &Rounds, now: Duration) -> bool {
        match self.written {
            None | Some((_, false)) => true,
            Some((at, true)) => rounds.done > 0 || rounds.failures > 0 || now >= at + QUIETLY,
        }
    }
}

/// One round by itself.
pub(super) fn write_down(tx: &mut Tx<'_>, job: Job, round: &Round) -> Result<(), db::Error> {
    store::add(tx, job, &Rounds::add(None, round.clone()))
}

/// What is known of a job. "Last" is that of any node.
#[derive(Clone, Debug)]
pub struct Entry {
    pub job: Job,
    /// `None` for one that has never run.
    pub ran: Option<Ran>,
}

/// How a job is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    NeverRun,
    Fine,
    /// The last round has failed.
    Failing,
    /// It should have run long ago: no service runs on this database, or it hangs.
    Overdue,
}

impl Standing {
    /// The stable word for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeverRun => "never_run",
            Self::Fine => "fine",
            Self::Failing => "failing",
            Self::Overdue => "overdue",
        }
    }
}

impl Entry {
    /// When the next round is written down at the latest, if a service runs; `None` for a job that has never run.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        let every = TimeDelta::from_std(self.job.card().every.max(QUIETLY)).unwrap_or(TimeDelta::MAX);
        self.ran.as_ref().map(|ran| ran.last_finished_at + every)
    }

    pub fn standing(&self, now: DateTime<Utc>) -> Standing {
        let (Some(ran), Some(due)) = (&self.ran, self.due_at()) else { return Standing::NeverRun };
        match (ran.last_failed_at, ran.last_succeeded_at) {
            _ if due + PATIENCE < now => Standing::Overdue,
            (Some(failed), Some(succeeded)) if failed > succeeded => Standing::Failing,
            (Some(_), None) => Standing::Failing,
            (Some(_) | None, _) => Standing::Fine,
        }
    }
}

/// All jobs, whether they have ever run or not.
pub fn list(tx: &mut ReadTx<'_>) -> Result<Vec<Entry>, db::Error> {
    let mut rows = store::list(tx)?;
    Ok(Job::ALL.map(|job| Entry { job, ran: rows.remove(job.card().name) }).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn round(second: i64, outcome: Outcome) -> Round {
        let took = Duration::from_millis(5);
        Round { started_at: at(second), finished_at: at(second), took, outcome }
    }

    #[test]
    fn idle_rounds_are_written_down_once_a_minute_and_anything_else_at_once() {
        let is_worth_it = |written, outcome, seconds| {
            let ledger = Ledger { job: Job::SendLetters, unwritten: None, written };
            ledger.is_worth_it(&Rounds::add(None, round(0, outcome)), Duration::from_secs(seconds))
        };
        let after = |is_good| Some((Duration::from_secs(100), is_good));
        assert!(is_worth_it(None, Outcome::Done(0), 0), "the first");
        assert!(!is_worth_it(after(true), Outcome::Done(0), 159));
        assert!(is_worth_it(after(true), Outcome::Done(0), 160));
        assert!(is_worth_it(after(true), Outcome::Done(1), 101));
        assert!(is_worth_it(after(true), Outcome::Failed("no".to_owned()), 101));
        assert!(is_worth_it(after(false), Outcome::Done(0), 101), "the first good one after a failure");
    }

    #[test]
    fn what_was_not_written_down_is_not_lost() {
        let rounds = Rounds::add(None, round(1, Outcome::Done(0)));
        let rounds = Rounds::add(Some(rounds), round(2, Outcome::Failed("no".to_owned())));
        let rounds = Rounds::add(Some(rounds), round(3, Outcome::Done(7)));
        assert_eq!((rounds.runs, rounds.failures, rounds.done), (3, 1, 7));
        assert_eq!((rounds.succeeded_at, rounds.failed), (Some(at(3)), Some((at(2), "no".to_owned()))));
        assert_eq!(rounds.last.started_at, at(3));
    }

    #[test]
    fn a_job_is_failing_until_a_round_is_good_and_overdue_when_nobody_runs_it() {
        let ran = |failed: Option<i64>, succeeded: Option<i64>| {
            let ran = Ran {
                last_started_at: at(0),
                last_finished_at: at(0),
                last_milliseconds: 1,
                last_done: 0,
                last_succeeded_at: succeeded.map(at),
                last_failed_at: failed.map(at),
                last_error: failed.map(|_| "no".to_owned()),
                runs: 1,
                failures: 0,
                done: 0,
            };
            Entry { job: Job::SendLetters, ran: Some(ran) }
        };
        assert_eq!(Entry { job: Job::SendLetters, ran: None }.standing(at(0)), Standing::NeverRun);
        assert_eq!(ran(None, Some(0)).standing(at(1)), Standing::Fine);
        assert_eq!(ran(Some(-9), Some(0)).standing(at(1)), Standing::Fine);
        assert_eq!(ran(Some(0), Some(-9)).standing(at(1)), Standing::Failing);
        assert_eq!(ran(Some(0), None).standing(at(1)), Standing::Failing);
        assert_eq!(ran(None, Some(0)).standing(at(360)), Standing::Fine);
        assert_eq!(ran(None, Some(0)).standing(at(361)), Standing::Overdue);
    }
}
