//! What is counted while the service runs, for the operator's metrics. Each node counts for itself, from its start on;
//! no label names a person, and none can be made up from outside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Cheap to clone; all clones count together.
#[derive(Clone, Default, Debug)]
pub struct Meters {
    attempts: Tally<(&'static str, Outcome)>,
    waits: Tally<&'static str>,
    challenges: Tally<&'static str>,
    deliveries: Tally<&'static str>,
    runs: Tally<(&'static str, &'static str)>,
    reloads: Tally<&'static str>,
    shadows: Tally<&'static str>,
    records: Tally<&'static str>,
    last_runs: Arc<Mutex<BTreeMap<&'static str, LastRun>>>,
}

/// Of a job, on this node.
#[derive(Clone, Copy, Debug)]
pub struct LastRun {
    /// When a round last ended well; `None` before the first one.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// How long the last round took, whatever became of it.
    pub took: Duration,
}

/// What became of an attempt to sign in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    Success,
    /// Right, and something more is asked for.
    SecondFactorAsked,
    Failure,
    /// Not looked at: too many came before.
    Waits,
    /// Not looked at for a reason of ours.
    Error,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::SecondFactorAsked => "second_factor_asked",
            Self::Failure => "failure",
            Self::Waits => "waits",
            Self::Error => "error",
        }
    }
}

impl Meters {
    /// Somebody has tried to sign in, by this kind of proof.
    pub fn attempted(&self, method: &'static str, outcome: Outcome) {
        self.attempts.add((method, outcome));
    }

    /// An attempt has met a wait.
    pub fn waited(&self, scope: &'static str) {
        self.waits.add(scope);
    }

    /// Somebody signed in was asked to prove again who they are.
    pub fn challenged(&self, reason: &'static str) {
        self.challenges.add(reason);
    }

    /// A job has run, and this became of it; `succeeded_at` is `None` for a round that has failed.
    pub fn ran(&self, job: &'static str, outcome: &'static str, succeeded_at: Option<DateTime<Utc>>, took: Duration) {
        self.runs.add((job, outcome));
        let mut last_runs = self.last_runs.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last_runs.get(job).and_then(|last| last.succeeded_at);
        last_runs.insert(job, LastRun { succeeded_at: succeeded_at.or(before), took });
    }

    /// An event was sent to a webhook, or was not.
    pub fn delivered(&self, outcome: &'static str) {
        self.deliveries.add(outcome);
    }

    /// The configuration was read again, and this became of it.
    pub fn reloaded(&self, outcome: &'static str) {
        self.reloads.add(outcome);
    }

    /// A rule that is only tried out would have changed a decision of the gate to this.
    pub fn rehearsed(&self, decision: &'static str) {
        self.shadows.add(decision);
    }

    /// So many decisions of the gate were to be kept, and this became of them.
    pub fn recorded(&self, outcome: &'static str, count: usize) {
        self.records.add_many(outcome, count);
    }

    pub fn records(&self) -> BTreeMap<&'static str, u64> {
        self.records.counts().clone()
    }

    pub fn reloads(&self) -> BTreeMap<&'static str, u64> {
        self.reloads.counts().clone()
    }

    pub fn shadows(&self) -> BTreeMap<&'static str, u64> {
        self.shadows.counts().clone()
    }

    pub fn attempts(&self) -> BTreeMap<(&'static str, Outcome), u64> {
        self.attempts.counts().clone()
    }

    pub fn waits(&self) -> BTreeMap<&'static str, u64> {
        self.waits.counts().clone()
    }

    pub fn deliveries(&self) -> BTreeMap<&'static str, u64> {
        self.deliveries.counts().clone()
    }

    pub fn challenges(&self) -> BTreeMap<&'static str, u64> {
        self.challenges.counts().clone()
    }

    /// By job and outcome.
    pub fn runs(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        self.runs.counts().clone()
    }

    pub fn last_runs(&self) -> BTreeMap<&'static str, LastRun> {
        self.last_runs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How often each of a few things has happened.
#[derive(Clone, Debug)]
struct Tally<K>(Arc<Mutex<BTreeMap<K, u64>>>);

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Ord> Tally<K> {
    fn add(&self, what: K) {
        self.add_many(what, 1);
    }

    fn add_many(&self, what: K, count: usize) {
        *self.counts().entry(what).or_default() += u64::try_from(count).unwrap_or(u64::MAX);
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<K, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
