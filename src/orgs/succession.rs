//! What becomes of organizations whose last owner goes for good.
//!
//! One passes to the admin who has been there longest, where there is none to the member; to somebody who can be an owner
//! if there is such a one, and to nobody who is disabled or goes as well as long as there are others. One that nobody else
//! belongs to is removed, and its slug stays taken. Who it will be is told beforehand ([`foresee`], [`announce`]) and
//! decided when it happens ([`pass_on`]): people come and go meanwhile.

use chrono::{DateTime, Utc};

use super::change::end_sign_ins;
use super::members::set_role;
use super::{Error, Membership, Organization, Person, Role, letters, store};
use crate::audit::{self, Event};
use crate::crypto::Sealer;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::UserId;
use crate::mail::MembershipChange;

/// An organization that somebody owns alone.
#[derive(Clone, Debug)]
pub struct Succession {
    pub organization: Organization,
    /// `None` where it is removed.
    pub heir: Option<Heir>,
}

/// Who is to own it next.
#[derive(Clone, Debug)]
pub struct Heir {
    pub person: Person,
    /// Of the person; may be empty.
    pub name: String,
    /// What they are until then.
    pub role: Role,
}

/// What would become of the organizations that a person owns alone, as things are now. By name.
pub fn foresee(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Succession>, db::Error> {
    let mut foreseen = Vec::new();
    for membership in store::list_of(tx, user)? {
        if is_last_owner(tx, &membership)? {
            let heir = store::find_heir(tx, membership.organization.id, user)?;
            foreseen.push(Succession { organization: membership.organization, heir });
        }
    }
    Ok(foreseen)
}

fn is_last_owner(tx: &mut ReadTx<'_>, membership: &Membership) -> Result<bool, db::Error> {
    Ok(membership.role == Role::Owner && store::count_owners(tx, membership.organization.id)? == 1)
}

/// Tells the heirs of somebody who goes at this instant.
pub fn announce(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    foreseen: &[Succession],
    goes_at: DateTime<Utc>,
) -> Result<(), Error> {
    tell_heirs(tx, sealer, foreseen, &MembershipChange::WillOwn(goes_at))
}

/// Tells the heirs of somebody who stays after all.
pub fn call_off(tx: &mut Tx<'_>, sealer: &Sealer, user: UserId) -> Result<(), Error> {
    let foreseen = foresee(tx, user)?;
    tell_heirs(tx, sealer, &foreseen, &MembershipChange::OwnerStays)
}

fn tell_heirs(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    foreseen: &[Succession],
    change: &MembershipChange,
) -> Result<(), Error> {
    for Succession { organization, heir } in foreseen {
        if let Some(heir) = heir {
            letters::tell(tx, sealer, &heir.person, change, organization)?;
        }
    }
    Ok(())
}

/// Takes a person out of all their organizations, who goes for good at this moment. Those that they own alone pass to
/// their heirs, who are told, or are removed.
///
/// The person and the heirs that were foreseen are locked by the caller, in the order of their ids.
pub fn pass_on(tx: &mut Tx<'_>, sealer: &Sealer, user: UserId) -> Result<(), Error> {
    let mut memberships = store::list_of(tx, user)?;
    memberships.sort_unstable_by_key(|membership| membership.organization.id);
    for Membership { organization, .. } in memberships {
        let Some(organization) = store::lock(tx, organization.id)? else { continue };
        let Some(role) = store::find_role(tx, organization.id, user)? else { continue };
        let is_last = role == Role::Owner && store::count_owners(tx, organization.id)? == 1;
        let heir = if is_last { store::find_heir(tx, organization.id, user)? } else { None };
        let event = Event::about(user, "member.left").within(organization.id);
        audit::record(tx, event.with("role", role.as_str()))?;
        store::delete_member(tx, organization.id, user)?;
        match heir {
            Some(heir) => inherit(tx, sealer, &heir, &organization)?,
            None if is_last => remove(tx, &organization)?,
            None => {}
        }
    }
    Ok(())
}

fn inherit(tx: &mut Tx<'_>, sealer: &Sealer, heir: &Heir, organization: &Organization) -> Result<(), Error> {
    set_role(tx, organization.id, heir.person.id, (heir.role, Role::Owner))?;
    audit::record(tx, Event::about(heir.person.id, "organization.ownership_passed").within(organization.id))?;
    letters::tell(tx, sealer, &heir.person, &MembershipChange::RoleChanged(Role::Owner.as_str()), organization)
}

/// Nobody belongs to it any more.
fn remove(tx: &mut Tx<'_>, organization: &Organization) -> Result<(), Error> {
    end_sign_ins(tx, organization.id)?;
    store::delete(tx, organization.id, &[])?;
    let event = Event::about_nobody("organization.deleted").within(organization.id);
    Ok(audit::record(tx, event.with("slug", organization.slug.as_str()).with("members", 0))?)
}
