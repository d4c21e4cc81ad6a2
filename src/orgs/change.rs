use super::{Error, Organization, Permission, act, letters, store};
use crate::audit::{self, Event};
use crate::crypto::Sealer;
use crate::db::Tx;
use crate::kernel::{Label, OrganizationId, UserId};
use crate::mail::MembershipChange;
use crate::sessions::{self, EndReason};

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
    end_sign_ins(tx, id)?;
    store::delete(tx, id, &people)?;
    let event = Event::about(user, "organization.deleted").within(id);
    let event = event.with("slug", organization.slug.as_str()).with("name", organization.name.as_str());
    audit::record(tx, event.with("members", people.len()))?;
    Ok(organization)
}

/// Its providers vouch for nobody any more, and perhaps it is deleted because one of them has vouched for whom it should not
/// have. Connections go with the organization, and then nothing says any more who came by them.
pub(super) fn end_sign_ins(tx: &mut Tx<'_>, id: OrganizationId) -> Result<(), Error> {
    let sign_ins = store::list_all_provider_sessions(tx, id)?;
    sessions::revoke_of_providers(tx, &sign_ins, EndReason::ProviderGone)?;
    Ok(())
}
