use diesel::prelude::*;

use super::{Member, Organization};
use crate::db::schema::{members, organizations, users};
use crate::db::{self, ReadTx};
use crate::kernel::{OrganizationId, UserId};

pub(super) fn organizations_of(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<OrganizationId>, db::Error> {
    let theirs = members::table.filter(members::user_id.eq(user)).select(members::organization_id);
    Ok(theirs.load(tx.conn())?)
}

pub(super) fn organizations(tx: &mut ReadTx<'_>, ids: &[OrganizationId]) -> Result<Vec<Organization>, db::Error> {
    let columns = (organizations::id, organizations::slug, organizations::name);
    let rows: Vec<(OrganizationId, String, String)> =
        organizations::table.filter(organizations::id.eq_any(ids)).select(columns).load(tx.conn())?;
    Ok(rows.into_iter().map(|(id, slug, name)| Organization { id, slug, name }).collect())
}

type InOrganization = ((OrganizationId, UserId), Member);

/// Those of the people who are members today, by organization.
pub(super) fn members(
    tx: &mut ReadTx<'_>,
    organizations: &[OrganizationId],
    people: &[UserId],
) -> Result<Vec<InOrganization>, db::Error> {
    let rows: Vec<(OrganizationId, UserId, String, String)> = members::table
        .inner_join(users::table)
        .filter(members::organization_id.eq_any(organizations).and(members::user_id.eq_any(people)))
        .select((members::organization_id, members::user_id, users::name, users::email))
        .load(tx.conn())?;
    let member = |name, email| Member { name, email: Some(email) };
    Ok(rows.into_iter().map(|(place, user, name, email)| ((place, user), member(name, email))).collect())
}
