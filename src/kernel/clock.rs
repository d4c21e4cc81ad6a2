//! The one place that asks the machine what time it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rustix::time::{ClockId, clock_gettime};

/// Time since the machine was started, which never goes back and goes on while it sleeps. For leases, not for dates.
pub fn steady() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::Boottime;
    // On macOS this one goes on as well.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::Monotonic;
    let now = clock_gettime(clock);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Where "now" comes from: the machine, or (in tests) a hand that can be moved.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// Microseconds since the Unix epoch, shared by every clone.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(at.timestamp_micros())))
    }

    /// The present instant, to the microsecond: what PostgreSQL keeps, so that an instant
    /// read back equals the one written.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the clock's home")]
            Self::System => Utc::now().trunc_subsecs(6),
            Self::Fixed(micros) => DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or_default(),
        }
    }

    /// Moves a fixed clock; the machine's own clock cannot be moved and is left alone.
    pub fn advance(&self, by: TimeDelta) {
        if let Self::Fixed(micros) = self {
            micros.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_for_every_clone() {
        let start = DateTime::from_timestamp_micros(1_700_000_000_000_001).unwrap();
        let clock = Clock::fixed(start);
        let other = clock.clone();
        clock.advance(TimeDelta::hours(25));
        assert_eq!(other.now(), start + TimeDelta::hours(25));
    }
}
