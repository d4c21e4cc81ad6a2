use super::members::{can_own, set_role};
use super::{Error, Permission, Role, act, letters, store};
use crate::audit::{self, Event};
use crate::crypto::Sealer;
use crate::db::Tx;
use crate::kernel::{OrganizationId, UserId};
use crate::mail::MembershipChange;

/// An owner makes another member an owner and becomes an admin themselves; both are told. That they have just proved who
/// they are is for the caller to see to.
pub fn hand_over(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    caller: UserId,
    organization: OrganizationId,
    heir: UserId,
) -> Result<(), Error> {
    let people = store::lock_people(tx, &[caller, heir])?;
    let acting = act(tx, caller, organization, Permission::HandOver)?;
    let before = store::find_role(tx, organization, heir)?.ok_or(Error::NoSuchMember)?;
    if caller == heir || people.iter().any(|person| person.id == heir && !can_own(person)) {
        return Err(Error::CannotOwn);
    }
    if before != Role::Owner {
        set_role(tx, organization, heir, (before, Role::Owner))?;
    }
    set_role(tx, organization, caller, (Role::Owner, Role::Admin))?;
    let event = Event::about(heir, "organization.ownership_passed").within(organization);
    audit::record(tx, event.with("before", caller.to_string()))?;
    for person in &people {
        let role = if person.id == heir { Role::Owner } else { Role::Admin };
        let change = MembershipChange::RoleChanged(role.as_str());
        letters::tell(tx, sealer, person, &change, &acting.organization)?;
    }
    Ok(())
}
