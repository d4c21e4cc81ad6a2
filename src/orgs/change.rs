use super::{Error, Organization, Permission, act, letters, store};
use crate::audit::{self, Event};
use crate::crypto::Sealer;
use crate::db::Tx;
use crate::kernel::{Label, OrganizationId, UserId};
use crate::mail::MembershipChange;

/// Gives it another name. The slug stays.
pub fn rename(tx: &mut Tx<'_>, user: UserId, id: OrganizationId, name: &Label) -> Result<Organization, Error> {
    let acting = act(tx, user, id, Permission::Rename)?;
    let before = acting.organization;
    if before.name == name.as_str() {
        return Ok(before);
    }
    store::set_name(tx, id, name)?;
    let event = Event::about(user, "organization.renamed").within(id);
    audit::record(tx, event.with("before", before.name.as_str()).with("name", name.as_str()))?;
    Ok(Organization { name: name.as_str().to_owned(), ..before })
}

/// Deletes it with all that belongs to it, but for its events. Its members are told, whoever deletes it too. That they
/// have just proved who they are is for the caller to see to.
pub fn delete(tx: &mut Tx<'_>, sealer: &Sealer, user: UserId, id: OrganizationId) -> Result<Organization, Error> {
    let organization = act(tx, user, id, Permission::Delete)?.organization;
    let people = store::list_people(tx, id)?;
    letters::tell_all(tx, sealer, &people, &MembershipChange::Deleted, &organization)?;
    store::delete(tx, id, &people)?;
    let event = Event::about(user, "organization.deleted").within(id);
    let event = event.with("slug", organization.slug.as_str()).with("name", organization.name.as_str());
    audit::record(tx, event.with("members", people.len()))?;
    Ok(organization)
}
