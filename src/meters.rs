//! What is counted while the service runs, for the operator's metrics. Each node counts for itself, from its start on;
//! no label names a person, and none can be made up from outside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Cheap to clone; all clones count together.
#[derive(Clone, Default, Debug)]
pub struct Meters {
    attempts: Tally<(&'static str, Outcome)>,
    waits: Tally<&'static str>,
    challenges: Tally<&'static str>,
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

    pub fn attempts(&self) -> BTreeMap<(&'static str, Outcome), u64> {
        self.attempts.counts().clone()
    }

    pub fn waits(&self) -> BTreeMap<&'static str, u64> {
        self.waits.counts().clone()
    }

    pub fn challenges(&self) -> BTreeMap<&'static str, u64> {
        self.challenges.counts().clone()
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
        *self.counts().entry(what).or_default() += 1;
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<K, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
