//! Who people are to providers: a connection and a `NameID` lead to one account.
//!
//! Tables: `identities`; `pending_identities`, for somebody whom a provider vouches for while nobody knows whose account
//! is meant: its owner signs in, in the same browser, and says so ([`keep_pending`], [`connect`]).

mod pending;
mod store;

use chrono::{DateTime, TimeDelta, Utc};

pub use pending::{Error, Pending, Waiting, connect, find_pending, keep_pending};

use super::saml::NameId;
use crate::audit::{self, Event};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, OrganizationId, UserId};

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

/// Remembers that somebody was here, and that this is who they are from now on. `Ok(false)` for a name that is
/// somebody else's by now.
pub fn link(
    tx: &mut Tx<'_>,
    of: (ConnectionId, OrganizationId),
    name: &NameId,
    user: UserId,
) -> Result<bool, db::Error> {
    let (connection, organization) = of;
    if !is_lasting(name) {
        return Ok(true);
    }
    if store::insert(tx, connection, name, user)? {
        let event = Event::about(user, "sso.identity_linked").within(organization);
        audit::record(tx, event.with("connection", connection.to_string()))?;
        return Ok(true);
    }
    store::touch(tx, connection, &name.value, user)
}

/// Each connection once, the first one first.
pub fn list_of(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Linked>, db::Error> {
    store::list_of(tx, user)
}

/// From now on somebody cannot come by this connection any more. `Ok(false)` when they could not before.
pub fn forget(tx: &mut Tx<'_>, user: UserId, connection: ConnectionId) -> Result<bool, db::Error> {
    if !store::delete(tx, user, connection)? {
        return Ok(false);
    }
    let event = Event::about(user, "sso.identity_unlinked");
    audit::record(tx, event.with("connection", connection.to_string()))?;
    Ok(true)
}

/// Whether another organization than this has proved the domain of an address: it alone speaks for it.
pub fn is_anothers(tx: &mut ReadTx<'_>, domain: &str, organization: OrganizationId) -> Result<bool, db::Error> {
    store::is_anothers_domain(tx, domain, organization)
}
