use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};

use super::{Link, store};
use crate::accounts;
use crate::crypto::Sealer;
use crate::db::{self, ReadTx, Tx};
use crate::domains;
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

/// Somebody who waits, as they are shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    pub pending: Pending,
    pub connection: Connection,
    /// Stands for exactly this one, for [`connect`] to connect no other.
    pub mark: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// In this browser, not long ago.
    #[error("nobody waits to be connected")]
    Gone,
    /// Somebody else waits by now than was shown.
    #[error("the page showed somebody else")]
    Another,
    #[error("nobody has proved the address of the account")]
    Unverified,
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
pub fn find_pending(tx: &mut ReadTx<'_>, browser: &Digest) -> Result<Option<Waiting>, db::Error> {
    let Some((pending, since)) = store::find_pending(tx, browser)? else { return Ok(None) };
    let Some(connection) = connections::find_any(tx, pending.connection)? else { return Ok(None) };
    Ok(Some(Waiting { mark: mark(&pending, since), pending, connection }))
}

fn mark(pending: &Pending, since: DateTime<Utc>) -> String {
    let all = format!("{}\n{}\n{}", pending.connection, since.timestamp_micros(), pending.name.value);
    URL_SAFE_NO_PAD.encode(Digest::of(all.as_bytes()).as_bytes())
}

/// The owner of an account, who has just confirmed that it is them, says that they are meant by what they were shown
/// (`mark`): anybody whom the provider knows can have this browser bring an answer of their own meanwhile. They must belong
/// to the organization: it is its provider that will let them in from now on.
pub fn connect(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    browser: &Digest,
    mark: &str,
    user: UserId,
) -> Result<Connection, Error> {
    let waiting = find_pending(tx, browser)?.ok_or(Error::Gone)?;
    if waiting.mark != mark {
        return Err(Error::Another);
    }
    let Waiting { pending, connection, .. } = waiting;
    if !still_speaks(tx, &pending, &connection)? {
        return Err(Error::Gone);
    }
    let person = orgs::lock_people(tx, &[user])?.into_iter().next().ok_or(Error::Ended)?;
    let is_disabled = accounts::find_credentials_of(tx, user)?.is_none_or(|held| held.is_disabled);
    if person.is_leaving || is_disabled {
        return Err(Error::Ended);
    }
    // Whoever proves the address later would have somebody else's way in on their account.
    if !person.is_verified {
        return Err(Error::Unverified);
    }
    if orgs::find_member(tx, connection.organization, user)?.is_none() {
        return Err(Error::NotAMember);
    }
    if !store::delete_pending(tx, browser, connection.id)? {
        return Err(Error::Gone);
    }
    match super::link(tx, (connection.id, connection.organization), &pending.name, user)? {
        Link::New => super::tell(tx, sealer, &connection, user)?,
        Link::Known => {}
        Link::Anothers => return Err(Error::Taken),
    }
    Ok(connection)
}

/// What was so when the answer came: the connection has somebody to serve, and nobody else speaks for the address.
fn still_speaks(tx: &mut ReadTx<'_>, pending: &Pending, connection: &Connection) -> Result<bool, db::Error> {
    let domains = domains::list_of_connection(tx, connection.id)?;
    let is_anothers = match &pending.email {
        Some(email) => super::is_anothers(tx, email.domain(), connection.organization)?,
        None => false,
    };
    Ok(!is_anothers && domains.iter().any(|domain| domain.proof.is_some()))
}
