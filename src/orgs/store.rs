use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid};

use super::succession::Heir;
use super::{Cursor, Member, Membership, Organization, Person, Role, Slug};
use crate::db::schema::{
    connections, identities, members, organization_slugs as slugs, organizations, provider_sessions, second_factor_due,
    users,
};
use crate::db::{self, Change, ReadTx, Tx};
use crate::kernel::{EmailAddress, Label, OrganizationId, ProviderSessionId, UserId};

type OrganizationRow = (OrganizationId, String, String, DateTime<Utc>, Option<DateTime<Utc>>);

const ORGANIZATION: (
    organizations::id,
    organizations::slug,
    organizations::name,
    organizations::created_at,
    organizations::second_factor_from,
) = (
    organizations::id,
    organizations::slug,
    organizations::name,
    organizations::created_at,
    organizations::second_factor_from,
);

type PersonRow = (UserId, String, Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

const PERSON: (users::id, users::email, users::email_verified_at, users::disabled_at, users::deletes_at) =
    (users::id, users::email, users::email_verified_at, users::disabled_at, users::deletes_at);

/// Of the organization `$1`.
const MEMBERS: &str = "
    SELECT u.id AS \"user\", u.email, u.email_verified_at IS NOT NULL AS is_verified, u.name, m.role, m.joined_at,
        array_position(ARRAY['owner', 'admin', 'member'], m.role) AS rank,
        EXISTS (SELECT FROM totp_factors t WHERE t.user_id = u.id AND t.enabled_at IS NOT NULL)
        OR EXISTS (SELECT FROM passkeys p WHERE p.user_id = u.id) AS has_second_factor
    FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = $1";

/// `false` when somebody has it, or had it.
pub(super) fn take_slug(tx: &mut Tx<'_>, slug: &Slug) -> Result<bool, db::Error> {
    let now = tx.now;
    let taken = diesel::insert_into(slugs::table)
        .values((slugs::slug.eq(slug.as_str()), slugs::taken_at.eq(now)))
        .on_conflict_do_nothing()
        .execute(tx.conn())?;
    Ok(taken == 1)
}

pub(super) fn insert(tx: &mut Tx<'_>, new: &Organization) -> Result<(), db::Error> {
    diesel::insert_into(organizations::table)
        .values((
            organizations::id.eq(new.id),
            organizations::slug.eq(new.slug.as_str()),
            organizations::name.eq(&new.name),
            organizations::created_at.eq(new.created_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// In the order of their ids.
pub(super) fn lock_people(tx: &mut Tx<'_>, people: &[UserId]) -> Result<Vec<Person>, db::Error> {
    let rows: Vec<PersonRow> = users::table
        .filter(users::id.eq_any(people))
        .order(users::id)
        .select(PERSON)
        .for_no_key_update()
        .load(tx.conn())?;
    rows.into_iter().map(person).collect()
}

pub(super) fn lock(tx: &mut Tx<'_>, id: OrganizationId) -> Result<Option<Organization>, db::Error> {
    let row = organizations::table.find(id).select(ORGANIZATION).for_update();
    row.first::<OrganizationRow>(tx.conn()).optional()?.map(organization).transpose()
}

pub(super) fn find(tx: &mut ReadTx<'_>, slug: &Slug) -> Result<Option<Organization>, db::Error> {
    let row = organizations::table.filter(organizations::slug.eq(slug.as_str())).select(ORGANIZATION);
    row.first::<OrganizationRow>(tx.conn()).optional()?.map(organization).transpose()
}

pub(super) fn list(tx: &mut ReadTx<'_>) -> Result<Vec<Organization>, db::Error> {
    let rows = organizations::table.order((organizations::name, organizations::id)).select(ORGANIZATION);
    rows.load::<OrganizationRow>(tx.conn())?.into_iter().map(organization).collect()
}

type MembershipRow = (OrganizationRow, UserId, String, DateTime<Utc>);

pub(super) fn find_membership(tx: &mut ReadTx<'_>, user: UserId, slug: &Slug) -> Result<Option<Membership>, db::Error> {
    let row: Option<MembershipRow> = members::table
        .inner_join(organizations::table)
        .filter(members::user_id.eq(user).and(organizations::slug.eq(slug.as_str())))
        .select((ORGANIZATION, members::user_id, members::role, members::joined_at))
        .first(tx.conn())
        .optional()?;
    row.map(membership).transpose()
}

/// By name.
pub(super) fn list_of(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Membership>, db::Error> {
    let rows: Vec<MembershipRow> = members::table
        .inner_join(organizations::table)
        .filter(members::user_id.eq(user))
        .order((organizations::name, organizations::id))
        .select((ORGANIZATION, members::user_id, members::role, members::joined_at))
        .load(tx.conn())?;
    rows.into_iter().map(membership).collect()
}

pub(super) fn find_role(tx: &mut ReadTx<'_>, id: OrganizationId, user: UserId) -> Result<Option<Role>, db::Error> {
    let role: Option<String> = members::table.find((id, user)).select(members::role).first(tx.conn()).optional()?;
    role.as_deref().map(stored_role).transpose()
}

pub(super) fn count_owners(tx: &mut ReadTx<'_>, id: OrganizationId) -> Result<i64, db::Error> {
    let owners = members::table.filter(members::organization_id.eq(id).and(members::role.eq(Role::Owner.as_str())));
    Ok(owners.count().get_result(tx.conn())?)
}

/// Whether there is another owner, who is neither disabled nor leaving, and whose address is proved.
pub(super) fn has_other_owner(tx: &mut ReadTx<'_>, id: OrganizationId, than: UserId) -> Result<bool, db::Error> {
    let others = members::table
        .inner_join(users::table)
        .filter(members::organization_id.eq(id).and(members::role.eq(Role::Owner.as_str())))
        .filter(members::user_id.ne(than).and(users::email_verified_at.is_not_null()))
        .filter(users::disabled_at.is_null().and(users::deletes_at.is_null()));
    Ok(diesel::select(diesel::dsl::exists(others)).get_result(tx.conn())?)
}

pub(super) fn count_members(tx: &mut ReadTx<'_>, id: OrganizationId) -> Result<i64, db::Error> {
    Ok(members::table.filter(members::organization_id.eq(id)).count().get_result(tx.conn())?)
}

pub(super) fn count_owned(tx: &mut ReadTx<'_>, user: UserId) -> Result<i64, db::Error> {
    let owned = members::table.filter(members::user_id.eq(user).and(members::role.eq(Role::Owner.as_str())));
    Ok(owned.count().get_result(tx.conn())?)
}

/// Who is to own it when the one owner has gone.
pub(super) fn find_heir(tx: &mut ReadTx<'_>, id: OrganizationId, owner: UserId) -> Result<Option<Heir>, db::Error> {
    let others = members::table
        .inner_join(users::table)
        .filter(members::organization_id.eq(id).and(members::user_id.ne(owner)))
        .order((
            users::disabled_at.is_not_null().or(users::deletes_at.is_not_null()),
            users::email_verified_at.is_null(),
            members::role.ne(Role::Admin.as_str()),
            members::joined_at,
            members::user_id,
        ));
    let heir: Option<(PersonRow, String, String)> =
        others.select((PERSON, users::name, members::role)).first(tx.conn()).optional()?;
    heir.map(|(row, name, role)| Ok(Heir { person: person(row)?, name, role: stored_role(&role)? })).transpose()
}

/// In no order.
pub(super) fn list_people(tx: &mut ReadTx<'_>, id: OrganizationId) -> Result<Vec<Person>, db::Error> {
    let rows: Vec<PersonRow> = members::table
        .inner_join(users::table)
        .filter(members::organization_id.eq(id))
        .select(PERSON)
        .load(tx.conn())?;
    rows.into_iter().map(person).collect()
}

/// By role, the greatest first, and by when they have come.
pub(super) fn list_members(
    tx: &mut ReadTx<'_>,
    id: OrganizationId,
    after: Option<Cursor>,
    most: i64,
) -> Result<Vec<Member>, db::Error> {
    let statement = format!(
        "SELECT * FROM ({MEMBERS}) listed
        WHERE $2 IS NULL OR (rank, joined_at, \"user\") > (array_position(ARRAY['owner', 'admin', 'member'], $2), $3, $4)
        ORDER BY rank, joined_at, \"user\" LIMIT $5"
    );
    let rows: Vec<MemberRow> = sql_query(statement)
        .bind::<Uuid, _>(id)
        .bind::<Nullable<Text>, _>(after.map(|after| after.role.as_str()))
        .bind::<Nullable<Timestamptz>, _>(after.map(|after| after.joined_at))
        .bind::<Nullable<Uuid>, _>(after.map(|after| after.user))
        .bind::<BigInt, _>(most)
        .load(tx.conn())?;
    rows.into_iter().map(Member::try_from).collect()
}

pub(super) fn find_member(tx: &mut ReadTx<'_>, id: OrganizationId, user: UserId) -> Result<Option<Member>, db::Error> {
    let row: Option<MemberRow> = sql_query(format!("{MEMBERS} AND m.user_id = $2"))
        .bind::<Uuid, _>(id)
        .bind::<Uuid, _>(user)
        .get_result(tx.conn())
        .optional()?;
    row.map(Member::try_from).transpose()
}

pub(super) fn insert_member(tx: &mut Tx<'_>, id: OrganizationId, user: UserId, role: Role) -> Result<(), db::Error> {
    tx.tell(Change::Person(user));
    let now = tx.now;
    diesel::insert_into(members::table)
        .values((
            members::organization_id.eq(id),
            members::user_id.eq(user),
            members::role.eq(role.as_str()),
            members::joined_at.eq(now),
        ))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn set_role(tx: &mut Tx<'_>, id: OrganizationId, user: UserId, role: Role) -> Result<(), db::Error> {
    tx.tell(Change::Person(user));
    diesel::update(members::table.find((id, user))).set(members::role.eq(role.as_str())).execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete_member(tx: &mut Tx<'_>, id: OrganizationId, user: UserId) -> Result<(), db::Error> {
    tx.tell(Change::Person(user));
    diesel::delete(members::table.find((id, user))).execute(tx.conn())?;
    Ok(())
}

/// Who they are to the organization's providers.
pub(super) fn forget_identities(tx: &mut Tx<'_>, id: OrganizationId, user: UserId) -> Result<(), db::Error> {
    let own = connections::table.filter(connections::organization_id.eq(id)).select(connections::id);
    let theirs = identities::table.filter(identities::user_id.eq(user).and(identities::connection_id.eq_any(own)));
    diesel::delete(theirs).execute(tx.conn())?;
    Ok(())
}

/// Their sign-ins by the organization's providers.
pub(super) fn list_provider_sessions(
    tx: &mut ReadTx<'_>,
    id: OrganizationId,
    user: UserId,
) -> Result<Vec<ProviderSessionId>, db::Error> {
    Ok(provider_sessions::table
        .inner_join(connections::table)
        .filter(provider_sessions::user_id.eq(user).and(connections::organization_id.eq(id)))
        .select(provider_sessions::id)
        .load(tx.conn())?)
}

/// All sign-ins by its providers.
pub(super) fn list_all_provider_sessions(
    tx: &mut ReadTx<'_>,
    id: OrganizationId,
) -> Result<Vec<ProviderSessionId>, db::Error> {
    Ok(provider_sessions::table
        .inner_join(connections::table)
        .filter(connections::organization_id.eq(id))
        .select(provider_sessions::id)
        .load(tx.conn())?)
}

/// With whatever is half signed in by them.
pub(super) fn delete_provider_sessions(tx: &mut Tx<'_>, ids: &[ProviderSessionId]) -> Result<(), db::Error> {
    diesel::delete(provider_sessions::table.filter(provider_sessions::id.eq_any(ids))).execute(tx.conn())?;
    Ok(())
}

/// What apps are told of its members is made of the slug and their roles, so nobody is told of another name.
pub(super) fn set_name(tx: &mut Tx<'_>, id: OrganizationId, name: &Label) -> Result<(), db::Error> {
    diesel::update(organizations::table.find(id)).set(organizations::name.eq(name.as_str())).execute(tx.conn())?;
    Ok(())
}

/// Of its members those whom it lets wait for a second factor that they have not, in no order.
pub(super) fn list_unprotected(tx: &mut ReadTx<'_>, id: OrganizationId) -> Result<Vec<Person>, db::Error> {
    let rows: Vec<PersonRow> = members::table
        .inner_join(users::table)
        .filter(members::organization_id.eq(id).and(second_factor_due(users::id).is_not_null()))
        .select(PERSON)
        .load(tx.conn())?;
    rows.into_iter().map(person).collect()
}

/// Its members hear of it by the trigger; for this node the caller tells of them.
pub(super) fn set_second_factor_from(
    tx: &mut Tx<'_>,
    id: OrganizationId,
    from: Option<DateTime<Utc>>,
) -> Result<(), db::Error> {
    diesel::update(organizations::table.find(id)).set(organizations::second_factor_from.eq(from)).execute(tx.conn())?;
    Ok(())
}

/// `people` are its members.
pub(super) fn delete(tx: &mut Tx<'_>, id: OrganizationId, people: &[Person]) -> Result<(), db::Error> {
    for person in people {
        tx.tell(Change::Person(person.id));
    }
    diesel::delete(organizations::table.find(id)).execute(tx.conn())?;
    Ok(())
}

#[derive(QueryableByName)]
struct MemberRow {
    #[diesel(sql_type = Uuid)]
    user: UserId,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Bool)]
    is_verified: bool,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Timestamptz)]
    joined_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    has_second_factor: bool,
}

impl TryFrom<MemberRow> for Member {
    type Error = db::Error;

    fn try_from(row: MemberRow) -> Result<Self, db::Error> {
        Ok(Self {
            user: row.user,
            email: stored_address(row.user, &row.email)?,
            is_verified: row.is_verified,
            name: row.name,
            role: stored_role(&row.role)?,
            joined_at: row.joined_at,
            has_second_factor: row.has_second_factor,
        })
    }
}

pub(super) fn organization(
    (id, slug, name, created_at, second_factor_from): OrganizationRow,
) -> Result<Organization, db::Error> {
    let slug = Slug::parse(&slug).ok_or_else(|| db::Error::Internal(format!("the stored slug of {id}")))?;
    Ok(Organization { id, slug, name, created_at, second_factor_from })
}

fn membership((row, user, role, joined_at): MembershipRow) -> Result<Membership, db::Error> {
    Ok(Membership { organization: organization(row)?, user, role: stored_role(&role)?, joined_at })
}

fn person((id, email, verified_at, disabled_at, deletes_at): PersonRow) -> Result<Person, db::Error> {
    Ok(Person {
        id,
        email: stored_address(id, &email)?,
        is_verified: verified_at.is_some(),
        is_disabled: disabled_at.is_some(),
        is_leaving: deletes_at.is_some(),
    })
}

pub(super) fn stored_role(word: &str) -> Result<Role, db::Error> {
    Role::parse(word).ok_or_else(|| db::Error::Internal(format!("a stored role: {word}")))
}

pub(super) fn stored_address(user: UserId, text: &str) -> Result<EmailAddress, db::Error> {
    EmailAddress::parse(text).map_err(|error| db::Error::Internal(format!("the stored address of {user}: {error}")))
}
