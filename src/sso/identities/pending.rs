use super::store;
use crate::accounts;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, Digest, EmailAddress, UserId};
use crate::orgs;
use crate::sso::connections::{self, Connection};
use crate::sso::saml::NameId;

/// Somebody whom a provider vouches for, and nobody knows whose account is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pending {
    pub connection: ConnectionId,
    pub name: NameId,
    /// What the provider says it is; nobody has proved that it is theirs.
    pub email: Option<EmailAddress>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// In this browser, not long ago.
    #[error("nobody waits to be connected")]
    Gone,
    #[error("the person does not belong to the organization")]
    NotAMember,
    /// To another account.
    #[error("the identity was connected meanwhile")]
    Taken,
    #[error("the session has ended")]
    Ended,
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// In the place of the one before, of this browser and this connection.
pub fn keep_pending(tx: &mut Tx<'_>, browser: &Digest, pending: &Pending) -> Result<(), db::Error> {
    store::put_pending(tx, browser, pending)
}

/// The last one of this browser.
pub fn find_pending(tx: &mut ReadTx<'_>, browser: &Digest) -> Result<Option<(Pending, Connection)>, db::Error> {
    let Some(pending) = store::find_pending(tx, browser)? else { return Ok(None) };
    let connection = connections::find_any(tx, pending.connection)?;
    Ok(connection.map(|connection| (pending, connection)))
}

/// The owner of an account, who has just confirmed that it is them, says that they are meant. They must belong to the
/// organization: it is its provider that will let them in from now on.
pub fn connect(tx: &mut Tx<'_>, browser: &Digest, user: UserId) -> Result<Connection, Error> {
    let (pending, connection) = find_pending(tx, browser)?.ok_or(Error::Gone)?;
    let person = orgs::lock_people(tx, &[user])?.into_iter().next().ok_or(Error::Ended)?;
    let is_disabled = accounts::find_credentials_of(tx, user)?.is_none_or(|held| held.is_disabled);
    if person.is_leaving || is_disabled {
        return Err(Error::Ended);
    }
    if orgs::find_member(tx, connection.organization, user)?.is_none() {
        return Err(Error::NotAMember);
    }
    if !store::delete_pending(tx, browser, connection.id)? {
        return Err(Error::Gone);
    }
    let is_theirs = super::link(tx, (connection.id, connection.organization), &pending.name, user)?;
    if is_theirs { Ok(connection) } else { Err(Error::Taken) }
}
