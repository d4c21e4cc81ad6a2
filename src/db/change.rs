//! What nodes tell each other: that something they may remember is not so any more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::kernel::{ApiKeyId, SessionId, UserId};

/// The channel that the triggers of the tables write to.
pub const CHANNEL: &str = "vestibule_live";

/// More than this waiting to be taken is told as [`Change::Everything`].
const MOST_KEPT: usize = 10_000;

/// What is not as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// The session has ended, has other cookies, or is otherwise not what it was.
    Session(SessionId),
    /// An API key has ended, or is otherwise not what it was.
    Key(ApiKeyId),
    /// Something about a person.
    Person(UserId),
    Everything,
}

impl Change {
    /// The payload of a notification: `s`, `k` or `u` and an id, or `*`.
    pub fn parse(payload: &str) -> Option<Self> {
        match payload.split_at_checked(1)? {
            ("s", id) => id.parse().ok().map(Self::Session),
            ("k", id) => id.parse().ok().map(Self::Key),
            ("u", id) => id.parse().ok().map(Self::Person),
            ("*", "") => Some(Self::Everything),
            _ => None,
        }
    }
}

/// The changes this node has committed itself, until they are taken: its own memory must not wait for its own word to
/// come back from PostgreSQL.
#[derive(Default)]
pub struct Told {
    count: AtomicU64,
    waiting: Mutex<Vec<Change>>,
    reload: Notify,
}

impl Told {
    /// How many times something was told. Whoever has seen this number has nothing to take.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// What was told since the last time it was taken.
    pub fn take(&self) -> Vec<Change> {
        std::mem::take(&mut *self.waiting())
    }

    /// The operator wants this node to read its configuration again.
    pub fn ask_to_reload(&self) {
        self.reload.notify_one();
    }

    /// Waits until the operator does.
    pub async fn reload_asked(&self) {
        self.reload.notified().await;
    }

    /// Nothing that is remembered holds any more, without anything having been committed.
    pub fn tell_of_everything(&self) {
        self.tell(vec![Change::Everything]);
    }

    pub(super) fn tell(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut waiting = self.waiting();
        waiting.extend(changes);
        if waiting.len() > MOST_KEPT {
            *waiting = vec![Change::Everything];
        }
        self.count.fetch_add(1, Ordering::Release);
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Change>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_says_what_has_changed() {
        let id = "0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f";
        assert_eq!(Change::parse(&format!("s{id}")), Some(Change::Session(id.parse().unwrap())));
        assert_eq!(Change::parse(&format!("k{id}")), Some(Change::Key(id.parse().unwrap())));
        assert_eq!(Change::parse(&format!("u{id}")), Some(Change::Person(id.parse().unwrap())));
        assert_eq!(Change::parse("*"), Some(Change::Everything));
        for strange in ["", "s", "x1", "é", "*s", &id[1..]] {
            assert_eq!(Change::parse(strange), None, "{strange}");
        }
    }

    #[test]
    fn what_nobody_takes_does_not_pile_up() {
        let told = Told::default();
        let id: SessionId = "0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f".parse().unwrap();
        told.tell(vec![Change::Session(id)]);
        assert_eq!((told.count(), told.take()), (1, vec![Change::Session(id)]));
        told.tell(vec![Change::Session(id); MOST_KEPT + 1]);
        assert_eq!(told.take(), [Change::Everything]);
        assert_eq!(told.take(), []);
    }
}
