use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long it is believed that a connection leads to a server which takes writes.
const BELIEVED_FOR: Duration = Duration::from_secs(1);

/// Which server the connections of all pools lead to, and for how long that is believed.
///
/// libpq chooses the server when it connects (`target_session_attrs`) and never again. After a fail-over an old
/// connection may still be answered by a server that was made read-only and hears of nothing new: whoever signed
/// in since would be a stranger there. So every connection is asked again after a second, and all of them before
/// their next use as soon as one sees a sign of change.
#[derive(Default)]
pub(super) struct Watch {
    /// Grows with every sign of change.
    epoch: AtomicU64,
    /// What the last new connection called the server it had come to.
    server: Mutex<Option<String>>,
    is_out_of_reach: AtomicBool,
}

/// When a connection was last known to lead where it should.
#[derive(Clone, Copy, Debug)]
pub(super) struct Belief {
    at: Instant,
    epoch: u64,
}

impl Watch {
    pub(super) fn belief(&self) -> Belief {
        Belief { at: Instant::now(), epoch: self.epoch.load(Ordering::SeqCst) }
    }

    pub(super) fn is_current(&self, belief: Belief) -> bool {
        belief.epoch == self.epoch.load(Ordering::SeqCst) && belief.at.elapsed() < BELIEVED_FOR
    }

    /// A connection is dead, or leads to a server that takes no writes.
    pub(super) fn distrust_all(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// A new connection has been made, to the server of this name.
    pub(super) fn has_reached(&self, server: String) -> Belief {
        self.is_out_of_reach.store(false, Ordering::SeqCst);
        let mut known = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_some_and(|known| *known != server) {
            self.distrust_all();
        }
        *known = Some(server);
        self.belief()
    }

    /// Whether this is the name of the server that the last new connection came to.
    pub(super) fn leads_to(&self, server: &str) -> bool {
        let known = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().is_some_and(|known| known == server)
    }

    /// No connection could be made.
    pub(super) fn has_missed(&self) {
        self.is_out_of_reach.store(true, Ordering::SeqCst);
        self.distrust_all();
    }

    pub(super) fn is_out_of_reach(&self) -> bool {
        self.is_out_of_reach.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_to_another_server_casts_doubt_on_all_that_were_made_before() {
        let watch = Watch::default();
        let first = watch.has_reached("one".to_owned());
        let second = watch.has_reached("one".to_owned());
        assert!(watch.is_current(first) && watch.is_current(second));
        let third = watch.has_reached("other".to_owned());
        assert!(!watch.is_current(first) && !watch.is_current(second) && watch.is_current(third));
        watch.distrust_all();
        assert!(!watch.is_current(third) && watch.is_current(watch.belief()));
    }

    #[test]
    fn a_server_is_out_of_reach_until_it_is_reached() {
        let watch = Watch::default();
        let before = watch.has_reached("one".to_owned());
        watch.has_missed();
        assert!(watch.is_out_of_reach() && !watch.is_current(before));
        watch.has_reached("one".to_owned());
        assert!(!watch.is_out_of_reach());
    }
}
