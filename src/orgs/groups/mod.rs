//! Groups within an organization: names for some of its members, for rules and for apps.
//!
//! Tables: `groups`, and `group_members`, whose rows refer to those of `members`, so that nobody is in a group of an
//! organization that they do not belong to. Admins make, rename and delete groups and say who is in them; every member sees
//! them. No member's session gets another id by it, since nothing in here depends on groups; apps are told at once
//! ([`crate::affiliations`]).
//!
//! Each step holds the organization ([`super::act`]), so that nothing changes beneath it.

mod name;
mod store;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

pub use name::{GroupName, InvalidName};

use super::{Permission, act};
use crate::audit::{self, Event};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{EmailAddress, GroupId, OrganizationId, UserId};

/// How many one organization can have.
pub const MOST: i64 = 200;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    pub id: GroupId,
    pub name: String,
    pub created_at: DateTime<Utc>,
    /// How many people are in it.
    pub members: i64,
}

/// Somebody in a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupMember {
    pub user: UserId,
    pub email: EmailAddress,
    /// Of the person; may be empty.
    pub name: String,
    pub added_at: DateTime<Utc>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Organization(#[from] super::Error),
    #[error("no such group in this organization")]
    NoSuchGroup,
    #[error("another group has this name")]
    NameTaken,
    #[error("there are {MOST} groups already")]
    TooMany,
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// All groups of an organization, by name.
pub fn list(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<Vec<Group>, db::Error> {
    store::list(tx, organization)
}

pub fn find(tx: &mut ReadTx<'_>, organization: OrganizationId, id: GroupId) -> Result<Option<Group>, db::Error> {
    store::find(tx, organization, id)
}

/// In the order of their ids; at most `most` after this one, and where the next page begins, if there is one.
pub fn list_members(
    tx: &mut ReadTx<'_>,
    id: GroupId,
    after: Option<UserId>,
    most: usize,
) -> Result<(Vec<GroupMember>, Option<UserId>), db::Error> {
    let one_more = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let mut members = store::list_members(tx, id, after, one_more)?;
    let has_more = members.len() > most;
    members.truncate(most);
    let next = members.last().filter(|_| has_more).map(|last| last.user);
    Ok((members, next))
}

/// The member of an organization who has this address, for whoever knows people by that.
pub fn find_member_by_address(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    email: &EmailAddress,
) -> Result<Option<UserId>, db::Error> {
    store::find_member_by_key(tx, organization, &email.key())
}

pub fn create(tx: &mut Tx<'_>, caller: UserId, organization: OrganizationId, name: &GroupName) -> Result<Group, Error> {
    act(tx, caller, organization, Permission::ManageGroups)?;
    if store::count_of(tx, organization)? >= MOST {
        return Err(Error::TooMany);
    }
    let group = Group { id: GroupId::new(tx.now), name: name.as_str().to_owned(), created_at: tx.now, members: 0 };
    if !store::insert(tx, organization, group.id, name)? {
        return Err(Error::NameTaken);
    }
    let event = Event::about_nobody("group.created").within(organization);
    audit::record(tx, event.with("group", group.id.to_string()).with("name", name.as_str()))?;
    Ok(group)
}

pub fn rename(
    tx: &mut Tx<'_>,
    caller: UserId,
    (organization, id): (OrganizationId, GroupId),
    name: &GroupName,
) -> Result<Group, Error> {
    act(tx, caller, organization, Permission::ManageGroups)?;
    let before = store::find(tx, organization, id)?.ok_or(Error::NoSuchGroup)?;
    if before.name == name.as_str() {
        return Ok(before);
    }
    if store::find_by_key(tx, organization, &name.key())?.is_some_and(|other| other != id) {
        return Err(Error::NameTaken);
    }
    let people = store::list_people(tx, id)?;
    store::set_name(tx, id, name, &people)?;
    let event = Event::about_nobody("group.renamed").within(organization).with("group", id.to_string());
    audit::record(tx, event.with("before", before.name.as_str()).with("name", name.as_str()))?;
    Ok(Group { name: name.as_str().to_owned(), ..before })
}

/// Its members stay members of the organization.
pub fn delete(tx: &mut Tx<'_>, caller: UserId, organization: OrganizationId, id: GroupId) -> Result<(), Error> {
    act(tx, caller, organization, Permission::ManageGroups)?;
    let before = store::find(tx, organization, id)?.ok_or(Error::NoSuchGroup)?;
    let people = store::list_people(tx, id)?;
    store::delete(tx, id, &people)?;
    let event = Event::about_nobody("group.deleted").within(organization).with("group", id.to_string());
    Ok(audit::record(tx, event.with("name", before.name.as_str()).with("members", people.len()))?)
}

/// Nothing happens when they are in it already.
pub fn add(
    tx: &mut Tx<'_>,
    caller: UserId,
    (organization, id): (OrganizationId, GroupId),
    user: UserId,
) -> Result<(), Error> {
    let group = hold(tx, caller, organization, id)?;
    if !store::is_member(tx, organization, user)? {
        return Err(super::Error::NoSuchMember.into());
    }
    if !store::insert_member(tx, (organization, id), user)? {
        return Ok(());
    }
    Ok(audit::record(tx, of_member("group.member_added", organization, user, &group))?)
}

pub fn remove(
    tx: &mut Tx<'_>,
    caller: UserId,
    (organization, id): (OrganizationId, GroupId),
    user: UserId,
) -> Result<(), Error> {
    let group = hold(tx, caller, organization, id)?;
    if !store::delete_member(tx, id, user)? {
        return Err(super::Error::NoSuchMember.into());
    }
    Ok(audit::record(tx, of_member("group.member_removed", organization, user, &group))?)
}

/// Puts a member into those of the `mapped` groups that are `wanted`, and takes them out of the others of these: as the
/// organization's identity provider says. The organization must be held.
pub fn follow(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
    (mapped, wanted): (&BTreeSet<GroupId>, &BTreeSet<GroupId>),
) -> Result<(), db::Error> {
    for id in mapped {
        let Some(group) = store::find(tx, organization, *id)? else { continue };
        let (kind, has_changed) = if wanted.contains(id) {
            ("group.member_added", store::insert_member(tx, (organization, *id), user)?)
        } else {
            ("group.member_removed", store::delete_member(tx, *id, user)?)
        };
        if has_changed {
            audit::record(tx, of_member(kind, organization, user, &group).with("how", "provider"))?;
        }
    }
    Ok(())
}

fn hold(tx: &mut Tx<'_>, caller: UserId, organization: OrganizationId, id: GroupId) -> Result<Group, Error> {
    act(tx, caller, organization, Permission::ManageGroups)?;
    store::find(tx, organization, id)?.ok_or(Error::NoSuchGroup)
}

fn of_member(kind: &'static str, organization: OrganizationId, user: UserId, group: &Group) -> Event {
    let event = Event::about(user, kind).within(organization);
    event.with("group", group.id.to_string()).with("name", group.name.as_str())
}
