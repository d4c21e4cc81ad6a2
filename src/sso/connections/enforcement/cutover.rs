//! What happens by itself once a provider is to be the only way.

use super::store;
use crate::audit;
use crate::crypto::Sealer;
use crate::db::Tx;
use crate::kernel::{ConnectionId, EmailAddress, UserId};
use crate::mail::{self, Letter};
use crate::sessions;
use crate::sso::connections::{Connection, Error, event, store as connections};

/// People a transaction.
pub const BATCH: usize = 200;

/// Who was told that a provider is to be their only way in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// There is nobody to be told.
    Nobody,
    /// Some people of this connection, the last of whom is named: the next come after.
    Some(ConnectionId, UserId),
    /// The last people of a connection.
    Last,
}

/// Tells the next of those affected by some connection, each of whom gets one letter; `after` is how far this has come.
pub fn tell_next(tx: &mut Tx<'_>, sealer: &Sealer, after: Option<(ConnectionId, UserId)>) -> Result<Told, Error> {
    let Some(id) = store::lock_untold(tx)? else { return Ok(Told::Nobody) };
    let Some(connection) = connections::find(tx, id)? else { return Ok(Told::Nobody) };
    let after = after.filter(|(told, _)| *told == id).map(|(_, person)| person);
    let people = store::list_reachable(tx, id, after, BATCH)?;
    for (user, address) in &people {
        tell(tx, sealer, &connection, (*user, address))?;
    }
    match people.last() {
        Some((last, _)) if people.len() == BATCH => Ok(Told::Some(id, *last)),
        Some(_) | None => {
            store::set_told(tx, id)?;
            Ok(Told::Last)
        }
    }
}

fn tell(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    connection: &Connection,
    (user, address): (UserId, &str),
) -> Result<(), Error> {
    let (Ok(address), Some(from)) = (EmailAddress::parse(address), connection.enforced_from) else { return Ok(()) };
    let organization = store::find_organization_name(tx, connection.organization)?;
    let letter = Letter::SignOnEnforced { organization, provider: connection.name.clone(), from };
    mail::enqueue(tx, sealer, &address, Some(user), letter)?;
    Ok(())
}

/// Ends, for the next of those affected by some connection whose day has come, what sessions they have that are not of its
/// provider. How many people were looked after; nobody is left when that is none.
pub fn cut_over_next(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let Some(id) = store::lock_due(tx)? else { return Ok(0) };
    let Some(connection) = connections::find(tx, id)? else { return Ok(0) };
    let people = store::list_signed_in_otherwise(tx, id, BATCH)?;
    for user in &people {
        sessions::revoke_others_than_of(tx, *user, id)?;
    }
    if people.len() < BATCH {
        store::set_done(tx, id)?;
        audit::record(tx, event(&connection, "sso.cut_over"))?;
    }
    Ok(people.len().max(1))
}
