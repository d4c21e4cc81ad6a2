use super::store;
use crate::crypto::Sealer;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, EmailAddress, OrganizationId, ProviderSessionId, UserId};
use crate::mail::{self, Letter};

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

/// By whom people with this address have to sign in, whoever has it, or nobody: there is no other way for them.
pub fn enforced(tx: &mut ReadTx<'_>, address: &EmailAddress) -> Result<Option<Provider>, db::Error> {
    let provider = provider_of(tx, address)?;
    Ok(provider.filter(|provider| provider.enforcement == Enforcement::Enforced))
}

/// The same of somebody who has the address. `None` for those who were named for the case that the provider is out of
/// order.
pub fn enforced_on(tx: &mut ReadTx<'_>, address: &EmailAddress, user: UserId) -> Result<Option<Provider>, db::Error> {
    match enforced(tx, address)? {
        Some(provider) if store::is_break_glass(tx, provider.connection, user)? => Ok(None),
        provider => Ok(provider),
    }
}

/// Whether somebody has signed in by this very connection.
pub fn is_of(tx: &mut ReadTx<'_>, session: ProviderSessionId, connection: ConnectionId) -> Result<bool, db::Error> {
    store::is_of(tx, session, connection)
}

/// One of those has signed in without the provider: all owners of its organization are told.
pub fn tell_of_break_glass(tx: &mut Tx<'_>, sealer: &Sealer, provider: &Provider) -> Result<(), mail::Error> {
    let Some(slug) = store::find_slug(tx, provider.organization)? else { return Ok(()) };
    for (owner, address) in store::list_owners(tx, provider.organization)? {
        let Ok(address) = EmailAddress::parse(&address) else { continue };
        let letter = Letter::BreakGlassUsed { organization: slug.clone() };
        mail::enqueue(tx, sealer, &address, Some(owner), letter)?;
    }
    Ok(())
}

/// Whether there is anybody who can sign in by a provider.
pub fn serves_anybody(tx: &mut ReadTx<'_>) -> Result<bool, db::Error> {
    store::has_providers(tx)
}
