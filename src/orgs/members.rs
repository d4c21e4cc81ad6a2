//! Who belongs to an organization: added, listed, given another role, removed, gone.

use chrono::{DateTime, Utc};

use super::{Acting, Error, Member, Permission, Person, Role, act, letters, store};
use crate::audit::{self, Event};
use crate::crypto::Sealer;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{OrganizationId, UserId};
use crate::mail::MembershipChange;
use crate::sessions::{self, EndReason};

/// How somebody has become a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Joined {
    /// They have founded it.
    Created,
    Invited,
    /// By a command.
    Operator,
    /// The organization's identity provider vouches for them.
    Provider,
}

impl Joined {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Invited => "invited",
            Self::Operator => "operator",
            Self::Provider => "provider",
        }
    }
}

/// Whether the caller has confirmed a moment ago that it is them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Confirmation {
    Given,
    Missing,
}

/// After whom a page of a list begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    pub(super) role: Role,
    pub(super) joined_at: DateTime<Utc>,
    pub(super) user: UserId,
}

impl Cursor {
    /// What [`Self::text`] has written.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '_');
        let role = Role::parse(parts.next()?)?;
        let joined_at = DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?;
        Some(Self { role, joined_at, user: parts.next()?.parse().ok()? })
    }

    pub fn text(&self) -> String {
        format!("{}_{}_{}", self.role.as_str(), self.joined_at.timestamp_micros(), self.user)
    }
}

/// Owners first, then admins, then the others; each in the order in which they have come. At most `most`, and where the
/// next page begins, if there is one.
pub fn list_members(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    after: Option<Cursor>,
    most: usize,
) -> Result<(Vec<Member>, Option<Cursor>), db::Error> {
    let one_more = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let mut members = store::list_members(tx, organization, after, one_more)?;
    let has_more = members.len() > most;
    members.truncate(most);
    let last = members.last().filter(|_| has_more);
    let next = last.map(|last| Cursor { role: last.role, joined_at: last.joined_at, user: last.user });
    Ok((members, next))
}

/// Makes somebody a member. `Ok(false)` for somebody who is one already, whose role stays as it is. Whether they may
/// become one is for the caller to see to.
pub fn add(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
    role: Role,
    how: Joined,
) -> Result<bool, Error> {
    store::lock_people(tx, &[user])?;
    store::lock(tx, organization)?.ok_or(Error::NotAMember)?;
    if store::find_role(tx, organization, user)?.is_some() {
        return Ok(false);
    }
    put(tx, organization, user, role, how)?;
    Ok(true)
}

/// The same for somebody who is none for sure; all locks are held.
pub(super) fn put(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
    role: Role,
    how: Joined,
) -> Result<(), db::Error> {
    store::insert_member(tx, organization, user, role)?;
    let event = Event::about(user, "member.added").within(organization);
    audit::record(tx, event.with("how", how.as_str()).with("role", role.as_str()))
}

/// Gives a member another role. Whatever concerns owners takes a confirmation. Nothing happens when it is theirs already.
pub fn change_role(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    (caller, confirmation): (UserId, Confirmation),
    (organization, user): (OrganizationId, UserId),
    to: Role,
) -> Result<(), Error> {
    let (acting, person, from) = hold(tx, caller, organization, user)?;
    acting.require(Permission::ChangeRole { from, to })?;
    if from == to {
        return Ok(());
    }
    if from.max(to) == Role::Owner && confirmation == Confirmation::Missing {
        return Err(Error::NotConfirmed);
    }
    if to == Role::Owner && !can_own(&person) {
        return Err(Error::CannotOwn);
    }
    if from == Role::Owner {
        require_another_owner(tx, organization, user)?;
    }
    set_role(tx, organization, user, (from, to))?;
    if caller != user {
        let change = MembershipChange::RoleChanged(to.as_str());
        letters::tell(tx, sealer, &person, &change, &acting.organization)?;
    }
    Ok(())
}

/// Takes somebody else's membership away, who is told. Whatever concerns owners takes a confirmation.
pub fn remove(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    (caller, confirmation): (UserId, Confirmation),
    (organization, user): (OrganizationId, UserId),
) -> Result<(), Error> {
    let (acting, person, role) = hold(tx, caller, organization, user)?;
    acting.require(Permission::Remove(role))?;
    if role == Role::Owner {
        if confirmation == Confirmation::Missing {
            return Err(Error::NotConfirmed);
        }
        require_another_owner(tx, organization, user)?;
    }
    end(tx, organization, user, ("member.removed", role))?;
    letters::tell(tx, sealer, &person, &MembershipChange::Removed, &acting.organization)
}

/// Everybody may, but for the last owner.
pub fn leave(tx: &mut Tx<'_>, organization: OrganizationId, user: UserId) -> Result<(), Error> {
    store::lock_people(tx, &[user])?;
    let acting = act(tx, user, organization, Permission::See)?;
    if acting.role == Role::Owner {
        require_another_owner(tx, organization, user)?;
    }
    end(tx, organization, user, ("member.left", acting.role))
}

/// Holds the person it is done to and the organization, and says what they are in it.
fn hold(
    tx: &mut Tx<'_>,
    caller: UserId,
    organization: OrganizationId,
    user: UserId,
) -> Result<(Acting, Person, Role), Error> {
    let person = store::lock_people(tx, &[user])?.into_iter().next();
    let acting = act(tx, caller, organization, Permission::See)?;
    let person = person.ok_or(Error::NoSuchMember)?;
    let role = store::find_role(tx, organization, user)?.ok_or(Error::NoSuchMember)?;
    Ok((acting, person, role))
}

pub(super) fn can_own(person: &Person) -> bool {
    person.is_verified && !person.is_disabled && !person.is_leaving
}

/// This owner is about to be none: somebody else has to be one who can act as such. The organization must be locked.
fn require_another_owner(tx: &mut Tx<'_>, organization: OrganizationId, owner: UserId) -> Result<(), Error> {
    if store::has_other_owner(tx, organization, owner)? { Ok(()) } else { Err(Error::LastOwner) }
}

/// Whatever cookies there are of this person were given to somebody with other powers.
pub(super) fn set_role(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
    (from, to): (Role, Role),
) -> Result<(), Error> {
    store::set_role(tx, organization, user, to)?;
    sessions::rotate_all_at_next_visit(tx, user)?;
    let event = Event::about(user, "member.role_changed").within(organization);
    Ok(audit::record(tx, event.with("before", from.as_str()).with("role", to.as_str()))?)
}

fn end(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
    (how, role): (&'static str, Role),
) -> Result<(), Error> {
    store::delete_member(tx, organization, user)?;
    // Its provider has no say any more about somebody who has nothing to do with it.
    store::forget_identities(tx, organization, user)?;
    let sign_ins = store::list_provider_sessions(tx, organization, user)?;
    sessions::revoke_of_providers(tx, &sign_ins, EndReason::ProviderGone)?;
    store::delete_provider_sessions(tx, &sign_ins)?;
    sessions::rotate_all_at_next_visit(tx, user)?;
    Ok(audit::record(tx, Event::about(user, how).within(organization).with("role", role.as_str()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        let now = DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap();
        for role in Role::ALL {
            let cursor = Cursor { role, joined_at: now, user: UserId::new(now) };
            assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        }
        for strange in ["", "owner", "owner_1", "owner_1_x", "root_1_0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f", "owner__"] {
            assert_eq!(Cursor::parse(strange), None, "{strange}");
        }
    }
}
