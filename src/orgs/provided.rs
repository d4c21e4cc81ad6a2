use super::members::{can_own, put, set_role};
use super::{Error, Joined, Role, store};
use crate::db::Tx;
use crate::kernel::{OrganizationId, UserId};

/// Gives somebody the role that the organization's identity provider says they have; whoever is no member becomes one.
/// There is always an owner, whatever a provider says: the last one stays it. The role they have from now on.
pub fn follow(tx: &mut Tx<'_>, organization: OrganizationId, user: UserId, to: Role) -> Result<Role, Error> {
    let person = store::lock_people(tx, &[user])?.into_iter().next().ok_or(Error::Ended)?;
    store::lock(tx, organization)?.ok_or(Error::NotAMember)?;
    let before = store::find_role(tx, organization, user)?;
    let to = if to == Role::Owner && !can_own(&person) { before.unwrap_or(Role::Admin) } else { to };
    let Some(from) = before else {
        put(tx, organization, user, to, Joined::Provider)?;
        return Ok(to);
    };
    let is_last = from == Role::Owner && !store::has_other_owner(tx, organization, user)?;
    if from == to || is_last {
        return Ok(from);
    }
    set_role(tx, organization, user, (from, to))?;
    Ok(to)
}
