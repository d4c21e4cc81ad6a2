use chrono::{DateTime, TimeDelta, Utc};

use crate::config::settings::{Action, StepUp};
use crate::sessions::Live;

/// How far the clocks of two nodes may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// Whether somebody may do this without proving again who they are.
pub fn is_fresh(rules: &StepUp, action: Action, live: &Live, now: DateTime<Utc>) -> bool {
    remaining(rules, action, live, now) > TimeDelta::zero()
}

/// For how much longer they may; zero when not, or no more.
pub fn remaining(rules: &StepUp, action: Action, live: &Live, now: DateTime<Utc>) -> TimeDelta {
    // A clock that was set back must not make a window longer.
    let confirmed_at = live.confirmed_at.filter(|at| *at - now <= SKEW);
    let ends_at = confirmed_at.map(|at| at + window(rules, action));
    ends_at.map_or(TimeDelta::zero(), |end| (end - now).max(TimeDelta::zero()))
}

/// For how long a confirmation counts.
pub fn window(rules: &StepUp, action: Action) -> TimeDelta {
    let own = rules.windows.iter().find(|(named, _)| *named == action);
    own.map_or(rules.window, |(_, window)| *window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{DeviceId, EmailAddress, SessionId, UserId};

    fn confirmed(confirmed_at: Option<DateTime<Utc>>) -> Live {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        Live {
            session: SessionId::new(now),
            device: DeviceId::new(now),
            user: UserId::new(now),
            email: EmailAddress::parse("ann@example.com").unwrap(),
            email_verified: true,
            name: String::new(),
            created_at: now,
            last_active_at: now,
            last_auth_at: now,
            confirmed_at,
            methods: Vec::new(),
            second_factor_at: None,
            passkey_at: None,
            expires_at: now,
            provider_session: None,
            is_remembered: false,
            is_rotation_due: false,
            deletes_at: None,
            second_factor_due: None,
        }
    }

    #[test]
    fn a_confirmation_counts_until_its_window_is_over() {
        let rules = StepUp { window: TimeDelta::minutes(5), windows: Vec::new(), login_counts: false };
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let table = [
            (None, at, 0),
            (Some(at), at, 300),
            (Some(at), at + TimeDelta::seconds(299), 1),
            (Some(at), at + TimeDelta::seconds(300), 0),
            (Some(at), at + TimeDelta::days(1), 0),
            // The node that took it is ahead by a second.
            (Some(at), at - TimeDelta::seconds(1), 301),
            // Its clock was wrong, and has been set right since.
            (Some(at), at - TimeDelta::hours(1), 0),
        ];
        for (confirmed_at, now, left) in table {
            let live = confirmed(confirmed_at);
            assert_eq!(remaining(&rules, Action::Other, &live, now), TimeDelta::seconds(left), "{now}");
            assert_eq!(is_fresh(&rules, Action::Other, &live, now), left > 0, "{now}");
        }
    }

    #[test]
    fn an_action_may_have_a_window_of_its_own() {
        let windows = vec![(Action::Password, TimeDelta::minutes(1)), (Action::Password, TimeDelta::minutes(9))];
        let rules = StepUp { window: TimeDelta::minutes(5), windows, login_counts: false };
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let (live, later) = (confirmed(Some(at)), at + TimeDelta::minutes(1));
        assert!(!is_fresh(&rules, Action::Password, &live, later));
        assert!(is_fresh(&rules, Action::Other, &live, later));
    }
}
