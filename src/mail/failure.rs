use crate::kernel::quote;

/// Why a letter was not taken, in a sentence for the operator that says what to change where that is known.
///
/// The sentence may be logged and stored: it holds no secret and no whole address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    pub(super) lasts: Lasts,
    pub(super) reason: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lasts {
    /// Another attempt may do better.
    ForNow,
    /// The same letter would be refused again.
    ForGood,
}

impl Failure {
    pub(super) fn for_now(reason: impl Into<String>) -> Self {
        Self { lasts: Lasts::ForNow, reason: reason.into() }
    }

    pub(super) fn for_good(reason: impl Into<String>) -> Self {
        Self { lasts: Lasts::ForGood, reason: reason.into() }
    }
}

/// What somebody else's server said, as much of it as is kept.
pub(super) fn quote(said: &str) -> String {
    quote::quote(said, 240)
}
