//! What people are told about their memberships.

use super::{Error, Organization, Person};
use crate::crypto::Sealer;
use crate::db::Tx;
use crate::mail::{self, Letter, MembershipChange};

/// An address that nobody has proved may be a stranger's, who is not to get letters about it.
pub(super) fn tell(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    person: &Person,
    change: &MembershipChange,
    organization: &Organization,
) -> Result<(), Error> {
    if person.is_verified && !person.is_disabled {
        let letter = Letter::MembershipChanged { change: change.clone(), organization: organization.name.clone() };
        mail::enqueue(tx, sealer, &person.email, Some(person.id), letter)?;
    }
    Ok(())
}

pub(super) fn tell_all(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    people: &[Person],
    change: &MembershipChange,
    organization: &Organization,
) -> Result<(), Error> {
    people.iter().try_for_each(|person| tell(tx, sealer, person, change, organization))
}
