//! Who asks, as far as rules care.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Decision, Proof, Reason, Wanted};
use crate::affiliations::Affiliations;
use crate::kernel::EmailAddress;
use crate::sessions::Live;

/// How far the clocks of two nodes may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(1);

#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    Stranger,
    /// Somebody who has asked to be deleted.
    Leaving,
    /// Somebody, or a program of theirs, who has not the second factor that an organization of theirs asks for.
    Unprotected,
    Person(Holder<'a>, Proofs),
    /// With a key of somebody.
    Program(Holder<'a>),
}

/// Whose session or key it is.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// Their address, where it is verified.
    pub verified: Option<&'a EmailAddress>,
    pub affiliations: &'a Affiliations,
}

/// When somebody last proved what in this session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proofs {
    /// In whatever way.
    pub anything: DateTime<Utc>,
    pub second_factor: Option<DateTime<Utc>>,
    pub passkey: Option<DateTime<Utc>>,
}

impl<'a> Subject<'a> {
    /// Somebody with a live session.
    pub fn of(live: &'a Live, affiliations: &'a Affiliations, now: DateTime<Utc>) -> Self {
        if live.is_leaving() {
            return Self::Leaving;
        }
        if live.lacks_second_factor(now) {
            return Self::Unprotected;
        }
        Self::Person(Holder { verified: live.email_verified.then_some(&live.email), affiliations }, Proofs::of(live))
    }

    /// `None` for whoever is nobody to rules that name people.
    pub(super) fn holder(&self) -> Option<&Holder<'a>> {
        match self {
            Self::Stranger | Self::Leaving | Self::Unprotected => None,
            Self::Person(holder, _) | Self::Program(holder) => Some(holder),
        }
    }

    /// What stands between them and a place that is not for everybody.
    pub(super) fn turned_away(&self) -> Decision {
        match self {
            Self::Leaving => Decision::Deny(Reason::Leaving),
            Self::Unprotected => Decision::Deny(Reason::Unprotected),
            Self::Stranger | Self::Person(..) | Self::Program(_) => Decision::SignIn,
        }
    }
}

impl Holder<'_> {
    pub(super) fn is_among(&self, groups: &[String], users: &[EmailAddress]) -> bool {
        let is_named = self.verified.is_some_and(|address| users.iter().any(|user| user.is_same(address)));
        is_named || self.affiliations.words().any(|word| groups.iter().any(|group| group == word))
    }

    /// Whether nobody can say that they are in none of `groups`.
    pub(super) fn may_be_in(&self, groups: &[String]) -> bool {
        !groups.is_empty() && self.affiliations.may_lack_some()
    }
}

impl Proofs {
    pub fn of(live: &Live) -> Self {
        Self { anything: live.last_auth_at, second_factor: live.second_factor_at, passkey: live.passkey_at }
    }

    /// As they are once somebody has proved this much now.
    #[must_use]
    pub fn after(self, proved: Wanted, now: DateTime<Utc>) -> Self {
        let second_factor = if proved == Wanted::Anything { self.second_factor } else { Some(now) };
        let passkey = if proved == Wanted::Passkey { Some(now) } else { self.passkey };
        Self { anything: now, second_factor, passkey }
    }

    /// A passkey that is wanted is wanted recently as well; otherwise whatever came last counts, so that nobody is asked
    /// twice in a row.
    pub fn suffice(&self, wanted: Proof, now: DateTime<Utc>) -> bool {
        let (shown, last) = match wanted.factor {
            Wanted::Anything => (Some(self.anything), self.anything),
            Wanted::SecondFactor => (self.second_factor, self.anything),
            Wanted::Passkey => (self.passkey, self.passkey.unwrap_or(self.anything)),
        };
        let is_recent = |max_age: TimeDelta| last - now <= SKEW && now < last + max_age;
        shown.is_some() && wanted.max_age.is_none_or(is_recent)
    }
}
