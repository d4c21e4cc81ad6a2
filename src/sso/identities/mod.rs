//! Who people are to providers: a connection and a `NameID` lead to one account.
//!
//! Tables: `identities`; `pending_identities`, for somebody whom a provider vouches for while nobody knows whose account
//! is meant: its owner signs in, in the same browser, and says so ([`keep_pending`], [`connect`]).

mod pending;
mod store;

use chrono::{DateTime, TimeDelta, Utc};

pub use pending::{Error, Pending, Waiting, connect, find_pending, keep_pending};

use super::connections::Connection;
use super::provider_sessions;
use super::saml::NameId;
use crate::accounts::{self, by_provider};
use crate::audit::{self, Event};
use crate::crypto::Sealer;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, EmailAddress, OrganizationId, UserId};
use crate::mail::{self, Letter};

/// How long the owner of an account may take to say that it is theirs.
pub const PENDING_FOR: TimeDelta = TimeDelta::minutes(10);

/// A name that is another one at every sign-in (SAML core, 8.3.8) says nothing of who they are.
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/// By which connection somebody can come, as they are shown it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Linked {
    pub connection: ConnectionId,
    /// The connection's name.
    pub provider: String,
    pub organization: OrganizationId,
    pub linked_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
}

/// Whether it is the same name next time.
pub fn is_lasting(name: &NameId) -> bool {
    name.format.as_deref() != Some(TRANSIENT)
}

/// Whose account it leads to.
pub fn find(tx: &mut ReadTx<'_>, connection: ConnectionId, name: &NameId) -> Result<Option<UserId>, db::Error> {
    if is_lasting(name) { store::find(tx, connection, &name.value) } else { Ok(None) }
}

/// What came of somebody's being here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// This is who they are from now on.
    New,
    /// They were this before, or are called something else every time.
    Known,
    /// The name is somebody else's by now.
    Anothers,
}

/// Remembers that somebody was here, and that this is who they are from now on.
pub fn link(
    tx: &mut Tx<'_>,
    of: (ConnectionId, OrganizationId),
    name: &NameId,
    user: UserId,
) -> Result<Link, db::Error> {
    let (connection, organization) = of;
    if !is_lasting(name) {
        return Ok(Link::Known);
    }
    if store::insert(tx, connection, name, user)? {
        let event = Event::about(user, "sso.identity_linked").within(organization);
        audit::record(tx, event.with("connection", connection.to_string()))?;
        return Ok(Link::New);
    }
    Ok(if store::touch(tx, connection, &name.value, user)? { Link::Known } else { Link::Anothers })
}

/// Each connection once, the first one first.
pub fn list_of(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Linked>, db::Error> {
    store::list_of(tx, user)
}

/// As what somebody comes by a connection, where it is the same next time. Of several, one.
pub fn find_name_of(tx: &mut ReadTx<'_>, connection: ConnectionId, user: UserId) -> Result<Option<String>, db::Error> {
    store::find_name_of(tx, connection, user)
}

/// Tells somebody that a provider lets them into the account which they had.
pub fn tell(tx: &mut Tx<'_>, sealer: &Sealer, connection: &Connection, user: UserId) -> Result<(), db::Error> {
    let Some(account) = accounts::find(tx, user)? else { return Ok(()) };
    let organization = store::find_organization_name(tx, connection.organization)?;
    let letter = Letter::ProviderConnected { organization, provider: connection.name.clone() };
    match mail::enqueue(tx, sealer, &account.email, Some(user), letter) {
        Ok(_) => Ok(()),
        Err(mail::Error::Db(error)) => Err(error),
        Err(mail::Error::Unsealable(error)) => Err(db::Error::Internal(error.to_string())),
    }
}

/// From now on somebody cannot come by this connection any more, and what came by it ends: perhaps it was somebody else's
/// way in. `Ok(false)` when they could not before.
pub fn forget(tx: &mut Tx<'_>, user: UserId, connection: ConnectionId) -> Result<bool, db::Error> {
    if !store::delete(tx, user, connection)? {
        return Ok(false);
    }
    provider_sessions::end_all_of(tx, connection, user)?;
    let event = Event::about(user, "sso.identity_unlinked");
    audit::record(tx, event.with("connection", connection.to_string()))?;
    Ok(true)
}

/// The same for whoever looks after the connection, and by the address of an account. Whoever it is comes as anything the
/// provider calls them the next time.
pub fn forget_by_address(tx: &mut Tx<'_>, connection: ConnectionId, address: &EmailAddress) -> Result<bool, db::Error> {
    match by_provider::find(tx, address)? {
        Some(user) => forget(tx, user, connection),
        None => Ok(false),
    }
}

/// Whether another organization than this has proved the domain of an address: it alone speaks for it.
pub fn is_anothers(tx: &mut ReadTx<'_>, domain: &str, organization: OrganizationId) -> Result<bool, db::Error> {
    store::is_anothers_domain(tx, domain, organization)
}
