use super::members::{can_own, put, set_role};
use super::{Error, Joined, Role, store};
use crate::db::Tx;
use crate::kernel::{OrganizationId, UserId};

/// Gives somebody the role that the organization's identity provider says they have; whoever is no member becomes one.
/// There is always an owner, whatever a provider says: the last one stays it. Whoever is about to leave the service becomes
/// no member: they can only stay. The role they have from now on;
/// none, if they are no member.
pub fn follow(tx: &mut Tx<'_>, organization: OrganizationId, user: UserId, to: Role) -> Result<Option<Role>, Error> {
    let person = store::lock_people(tx, &[user])?.into_iter().next().ok_or(Error::Ended)?;
    store::lock(tx, organization)?.ok_or(Error::NotAMember)?;
    let before = store::find_role(tx, organization, user)?;
    let to = if to == Role::Owner && !can_own(&person) { before.unwrap_or(Role::Admin) } else { to };
    let Some(from) = before else {
        if person.is_leaving {
            return Ok(None);
        }
        put(tx, organization, user, to, Joined::Provider)?;
        return Ok(Some(to));
    };
    let is_last = from == Role::Owner && !store::has_other_owner(tx, organization, user)?;
    if from == to || is_last {
        return Ok(Some(from));
    }
    set_role(tx, organization, user, (from, to))?;
    Ok(Some(to))
}
