use super::{Error, Organization, Permission, Role, store};
use crate::db::{self, Tx};
use crate::kernel::{OrganizationId, UserId};

/// Somebody who acts in an organization that nobody else changes until the transaction ends.
#[derive(Clone, Debug)]
pub struct Acting {
    pub organization: Organization,
    pub user: UserId,
    pub role: Role,
}

impl Acting {
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        if self.role.may(permission) { Ok(()) } else { Err(Error::NotPermitted) }
    }
}

/// Holds the organization and looks at what the caller is in it now: that may have changed since they were let in. Whom
/// the step is about must be locked before ([`super::lock_people`]).
pub fn act(tx: &mut Tx<'_>, user: UserId, id: OrganizationId, permission: Permission) -> Result<Acting, Error> {
    let organization = store::lock(tx, id)?.ok_or(Error::NotAMember)?;
    let role = store::find_role(tx, id, user)?.ok_or(Error::NotAMember)?;
    let acting = Acting { organization, user, role };
    acting.require(permission)?;
    Ok(acting)
}

/// Holds an organization for whoever needs no membership: the operator, or the service itself. `None` when it is gone.
pub fn lock(tx: &mut Tx<'_>, id: OrganizationId) -> Result<Option<Organization>, db::Error> {
    store::lock(tx, id)
}
