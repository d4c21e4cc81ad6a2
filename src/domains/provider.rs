use super::store;
use crate::db::{self, ReadTx};
use crate::kernel::{ConnectionId, EmailAddress, OrganizationId};

/// By whom the people of a domain can sign in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Provider {
    pub connection: ConnectionId,
    pub organization: OrganizationId,
    /// What the organization calls the connection.
    pub name: String,
    pub enforcement: Enforcement,
}

/// Whether that is the only way, at this moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enforcement {
    Enforced,
    Optional,
}

/// Of an address in a domain that is proved and has a connection, whoever has the address, or nobody. A domain does not
/// speak for those below it.
pub fn provider_of(tx: &mut ReadTx<'_>, address: &EmailAddress) -> Result<Option<Provider>, db::Error> {
    store::find_provider(tx, address.domain())
}

/// Whether there is anybody who can sign in by a provider.
pub fn serves_anybody(tx: &mut ReadTx<'_>) -> Result<bool, db::Error> {
    store::has_providers(tx)
}
