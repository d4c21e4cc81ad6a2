use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::LEASE;
use crate::kernel::clock::steady;

/// Until when the memory may be believed. Instants are those of [`steady`].
#[derive(Default)]
pub(super) struct Trust {
    /// Nanoseconds.
    until: AtomicU64,
    round_trip: AtomicU64,
}

impl Trust {
    pub(super) fn holds(&self) -> bool {
        self.holds_at(steady())
    }

    fn holds_at(&self, now: Duration) -> bool {
        nanos(now) < self.until.load(Ordering::Acquire)
    }

    /// A heartbeat has come back that was sent at `sent`.
    pub(super) fn renew(&self, sent: Duration) {
        self.until.fetch_max(nanos(sent + LEASE), Ordering::Release);
        self.round_trip.store(nanos(steady().saturating_sub(sent)), Ordering::Relaxed);
    }

    /// The connection has broken.
    pub(super) fn end(&self) {
        self.until.store(0, Ordering::Release);
    }

    pub(super) fn round_trip(&self) -> Duration {
        Duration::from_nanos(self.round_trip.load(Ordering::Relaxed))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_runs_out_a_lease_after_the_heartbeat_was_sent() {
        let trust = Trust::default();
        assert!(!trust.holds(), "nothing is believed before the first heartbeat");
        let sent = steady();
        trust.renew(sent);
        assert!(trust.holds_at((sent + LEASE).saturating_sub(Duration::from_nanos(1))));
        assert!(!trust.holds_at(sent + LEASE));
    }

    #[test]
    fn an_old_heartbeat_takes_nothing_away_and_a_broken_connection_everything() {
        let trust = Trust::default();
        let sent = steady();
        trust.renew(sent);
        trust.renew(sent.saturating_sub(LEASE));
        assert!(trust.holds_at(sent));
        trust.end();
        assert!(!trust.holds_at(sent));
    }
}
