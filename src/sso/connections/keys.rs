//! Rolling our own keys over: a new one is shown and decrypts, then it signs, then the old one goes.

use super::{Connection, Error, Key, event, purpose, store};
use crate::audit;
use crate::crypto::Sealer;
use crate::db::Tx;
use crate::kernel::{ConnectionId, ConnectionKeyId, OrganizationId};
use crate::sso::saml::keys::Pair;

/// How many a connection has at once.
pub const MOST_KEYS: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    Signs,
    /// Until it is told to sign.
    Waits,
}

/// A further key: it stands in our metadata and decrypts, and the one before goes on signing until providers know this
/// one ([`sign_with`]). `pair` was made outside of the transaction. The organization is locked.
pub fn add_key(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    organization: OrganizationId,
    id: ConnectionId,
    pair: &Pair,
) -> Result<Key, Error> {
    let connection = lock(tx, organization, id)?;
    if store::list_keys(tx, id)?.len() >= MOST_KEYS {
        return Err(Error::TooManyKeys);
    }
    let key = put(tx, sealer, &connection, pair, Use::Waits)?;
    audit::record(tx, event(&connection, "sso.key_added").with("key", key.id.to_string()))?;
    Ok(key)
}

/// From now on requests are signed with this one. The organization is locked.
pub fn sign_with(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ConnectionId,
    key: ConnectionKeyId,
) -> Result<(), Error> {
    let connection = lock(tx, organization, id)?;
    let keys = store::list_keys(tx, id)?;
    let wanted = keys.iter().find(|one| one.id == key).ok_or(Error::NoSuchKey)?;
    if wanted.signs {
        return Ok(());
    }
    store::stop_signing(tx, id)?;
    store::start_signing(tx, key)?;
    // A provider that does not know it yet would refuse what it signs.
    store::touch(tx, id)?;
    Ok(audit::record(tx, event(&connection, "sso.key_activated").with("key", key.to_string()))?)
}

/// What is encrypted to it cannot be read any more. The organization is locked.
pub fn remove_key(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ConnectionId,
    key: ConnectionKeyId,
) -> Result<(), Error> {
    let connection = lock(tx, organization, id)?;
    let keys = store::list_keys(tx, id)?;
    let wanted = keys.iter().find(|one| one.id == key).ok_or(Error::NoSuchKey)?;
    if wanted.signs {
        return Err(Error::KeySigns);
    }
    store::delete_key(tx, key)?;
    store::touch(tx, id)?;
    Ok(audit::record(tx, event(&connection, "sso.key_removed").with("key", key.to_string()))?)
}

pub(super) fn put(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    connection: &Connection,
    pair: &Pair,
    used: Use,
) -> Result<Key, Error> {
    let key = Key {
        id: ConnectionKeyId::new(tx.now),
        certificate: pair.certificate.clone(),
        signs: used == Use::Signs,
        created_at: tx.now,
        not_after: pair.not_after,
    };
    store::insert_key(tx, connection.id, &key, &sealer.seal(&purpose(key.id), &pair.key)?)?;
    Ok(key)
}

fn lock(tx: &mut Tx<'_>, organization: OrganizationId, id: ConnectionId) -> Result<Connection, Error> {
    store::lock(tx, id)?.filter(|one| one.organization == organization).ok_or(Error::Unknown)
}
