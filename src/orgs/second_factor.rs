use chrono::{DateTime, TimeDelta, Utc};

use super::{Confirmation, Error, Organization, Permission, Person, act, letters, store};
use crate::audit::{self, Event};
use crate::crypto::Sealer;
use crate::db::{Change, Tx};
use crate::factors;
use crate::kernel::{OrganizationId, UserId};
use crate::mail::MembershipChange;

/// How long members have who are given no other time.
pub const USUAL_GRACE: TimeDelta = TimeDelta::days(7);

pub const LONGEST_GRACE: TimeDelta = TimeDelta::days(90);

/// Whether members need a second factor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Requirement {
    Optional,
    Required {
        /// How long whoever has none may do without, from now on and up to [`LONGEST_GRACE`]. Without it a day that is set
        /// stays, and a new one comes after [`USUAL_GRACE`].
        grace: Option<TimeDelta>,
    },
}

/// Asks the members for a second factor, or no longer. Those who have none are told until when they need one. Asking for
/// less than before takes a confirmation.
pub fn ask_for_second_factor(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    (user, confirmation): (UserId, Confirmation),
    id: OrganizationId,
    wanted: Requirement,
) -> Result<Organization, Error> {
    let before = act(tx, user, id, Permission::RequireSecondFactor)?.organization;
    let from = from(wanted, before.second_factor_from, tx.now);
    if from == before.second_factor_from {
        return Ok(before);
    }
    if is_less(before.second_factor_from, from) && confirmation == Confirmation::Missing {
        return Err(Error::NotConfirmed);
    }
    if from.is_some() && !factors::list(tx, user)?.are_asked_for() {
        return Err(Error::NoSecondFactor);
    }
    let after = Organization { second_factor_from: from, ..before };
    tell_this_node(tx, &after)?;
    store::set_second_factor_from(tx, id, from)?;
    let waiting = tell_this_node(tx, &after)?;
    match from {
        Some(from) => {
            let event = Event::about(user, "organization.second_factor_required").within(id);
            audit::record(tx, event.with("from", from.to_rfc3339()))?;
            letters::tell_all(tx, sealer, &waiting, &MembershipChange::SecondFactorRequired(from), &after)?;
        }
        None => audit::record(tx, Event::about(user, "organization.second_factor_optional").within(id))?,
    }
    Ok(after)
}

fn from(wanted: Requirement, before: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match wanted {
        Requirement::Optional => None,
        Requirement::Required { grace: Some(grace) } => Some(now + grace),
        Requirement::Required { grace: None } => Some(before.unwrap_or(now + USUAL_GRACE)),
    }
}

/// Later is less, and never is least.
fn is_less(before: Option<DateTime<Utc>>, after: Option<DateTime<Utc>>) -> bool {
    match (before, after) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(before), Some(after)) => after > before,
    }
}

/// Of those for whom it makes a difference, as things stand at this moment.
fn tell_this_node(tx: &mut Tx<'_>, organization: &Organization) -> Result<Vec<Person>, Error> {
    let waiting = store::list_unprotected(tx, organization.id)?;
    for person in &waiting {
        tx.tell(Change::Person(person.id));
    }
    Ok(waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_is_set_stays_unless_another_is_asked_for() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let days = |days| Some(now + TimeDelta::days(days));
        let required = |grace: Option<i64>| Requirement::Required { grace: grace.map(TimeDelta::days) };
        let table = [
            (required(None), None, days(7), false),
            (required(None), days(3), days(3), false),
            (required(None), days(-3), days(-3), false),
            (required(Some(0)), None, days(0), false),
            (required(Some(1)), days(3), days(1), false),
            (required(Some(5)), days(3), days(5), true),
            (required(Some(1)), days(-3), days(1), true),
            (Requirement::Optional, days(3), None, true),
            (Requirement::Optional, None, None, false),
        ];
        for (wanted, before, after, less) in table {
            assert_eq!(from(wanted, before, now), after, "{wanted:?} {before:?}");
            assert_eq!(is_less(before, after), less, "{wanted:?} {before:?}");
        }
    }
}
