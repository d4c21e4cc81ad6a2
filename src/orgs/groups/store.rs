use chrono::{DateTime, Utc};
use diesel::dsl::{count, exists};
use diesel::prelude::*;

use super::{Group, GroupMember, GroupName};
use crate::db::schema::{group_members, groups, members, users};
use crate::db::{self, Change, ReadTx, Tx};
use crate::kernel::{EmailAddress, GroupId, OrganizationId, UserId};

type Row = (GroupId, String, DateTime<Utc>, i64);

pub(super) fn list(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<Vec<Group>, db::Error> {
    let rows: Vec<Row> = groups::table
        .left_join(group_members::table)
        .filter(groups::organization_id.eq(organization))
        .group_by(groups::id)
        .order(groups::name_key)
        .select((groups::id, groups::name, groups::created_at, count(group_members::user_id.nullable())))
        .load(tx.conn())?;
    Ok(rows.into_iter().map(group).collect())
}

pub(super) fn find(tx: &mut ReadTx<'_>, organization: OrganizationId, id: GroupId) -> Result<Option<Group>, db::Error> {
    let row: Option<Row> = groups::table
        .left_join(group_members::table)
        .filter(groups::id.eq(id).and(groups::organization_id.eq(organization)))
        .group_by(groups::id)
        .select((groups::id, groups::name, groups::created_at, count(group_members::user_id.nullable())))
        .first(tx.conn())
        .optional()?;
    Ok(row.map(group))
}

pub(super) fn count_of(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<i64, db::Error> {
    Ok(groups::table.filter(groups::organization_id.eq(organization)).count().get_result(tx.conn())?)
}

pub(super) fn find_by_key(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    key: &str,
) -> Result<Option<GroupId>, db::Error> {
    let named = groups::table.filter(groups::organization_id.eq(organization).and(groups::name_key.eq(key)));
    Ok(named.select(groups::id).first(tx.conn()).optional()?)
}

/// `false` when another has this name.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: GroupId,
    name: &GroupName,
) -> Result<bool, db::Error> {
    let now = tx.now;
    let inserted = diesel::insert_into(groups::table)
        .values((
            groups::id.eq(id),
            groups::organization_id.eq(organization),
            groups::name.eq(name.as_str()),
            groups::name_key.eq(name.key()),
            groups::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())?;
    Ok(inserted == 1)
}

/// `people` are in it.
pub(super) fn set_name(tx: &mut Tx<'_>, id: GroupId, name: &GroupName, people: &[UserId]) -> Result<(), db::Error> {
    for user in people {
        tx.tell(Change::Person(*user));
    }
    diesel::update(groups::table.find(id))
        .set((groups::name.eq(name.as_str()), groups::name_key.eq(name.key())))
        .execute(tx.conn())?;
    Ok(())
}

/// `people` are in it.
pub(super) fn delete(tx: &mut Tx<'_>, id: GroupId, people: &[UserId]) -> Result<(), db::Error> {
    for user in people {
        tx.tell(Change::Person(*user));
    }
    diesel::delete(groups::table.find(id)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn list_people(tx: &mut ReadTx<'_>, id: GroupId) -> Result<Vec<UserId>, db::Error> {
    let people = group_members::table.filter(group_members::group_id.eq(id)).select(group_members::user_id);
    Ok(people.load(tx.conn())?)
}

pub(super) fn list_members(
    tx: &mut ReadTx<'_>,
    id: GroupId,
    after: Option<UserId>,
    most: i64,
) -> Result<Vec<GroupMember>, db::Error> {
    let mut people = group_members::table
        .inner_join(users::table.on(users::id.eq(group_members::user_id)))
        .filter(group_members::group_id.eq(id))
        .order(group_members::user_id)
        .limit(most)
        .select((users::id, users::email, users::name, group_members::added_at))
        .into_boxed();
    if let Some(after) = after {
        people = people.filter(group_members::user_id.gt(after));
    }
    let rows: Vec<(UserId, String, String, DateTime<Utc>)> = people.load(tx.conn())?;
    rows.into_iter().map(member).collect()
}

pub(super) fn is_member(tx: &mut ReadTx<'_>, organization: OrganizationId, user: UserId) -> Result<bool, db::Error> {
    Ok(diesel::select(exists(members::table.find((organization, user)))).get_result(tx.conn())?)
}

pub(super) fn find_member_by_key(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    key: &str,
) -> Result<Option<UserId>, db::Error> {
    let row = members::table
        .inner_join(users::table)
        .filter(members::organization_id.eq(organization).and(users::email_key.eq(key)))
        .select(users::id);
    Ok(row.first(tx.conn()).optional()?)
}

/// `false` when they are in it already.
pub(super) fn insert_member(
    tx: &mut Tx<'_>,
    (organization, id): (OrganizationId, GroupId),
    user: UserId,
) -> Result<bool, db::Error> {
    tx.tell(Change::Person(user));
    let now = tx.now;
    let inserted = diesel::insert_into(group_members::table)
        .values((
            group_members::group_id.eq(id),
            group_members::organization_id.eq(organization),
            group_members::user_id.eq(user),
            group_members::added_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())?;
    Ok(inserted == 1)
}

/// `false` when they were not in it.
pub(super) fn delete_member(tx: &mut Tx<'_>, id: GroupId, user: UserId) -> Result<bool, db::Error> {
    tx.tell(Change::Person(user));
    Ok(diesel::delete(group_members::table.find((id, user))).execute(tx.conn())? == 1)
}

fn group((id, name, created_at, members): Row) -> Group {
    Group { id, name, created_at, members }
}

fn member((user, email, name, added_at): (UserId, String, String, DateTime<Utc>)) -> Result<GroupMember, db::Error> {
    let email = EmailAddress::parse(&email)
        .map_err(|error| db::Error::Internal(format!("the stored address of {user}: {error}")))?;
    Ok(GroupMember { user, email, name, added_at })
}
