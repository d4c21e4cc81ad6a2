//! Where a person signs in from.
//!
//! A place is a network address: an IPv4 address, or the /64 of an IPv6 one. It is remembered, also when its sessions
//! are gone, until nobody has signed in from there for [`REMEMBERED_FOR`]. Signing in from any other is news, with one
//! exception: a person's first place. Somebody whose places were all forgotten has been away for half a year, and a
//! sign-in to an account that slept for so long is the very thing its owner wants to hear of, so that is news too.

mod store;

use std::net::IpAddr;

use chrono::TimeDelta;

use crate::db::{self, Tx};
use crate::kernel::UserId;
use crate::kernel::client_address::network_of;

/// Counted from the last sign-in there.
pub(super) const REMEMBERED_FOR: TimeDelta = TimeDelta::days(180);

/// What there is to say of where somebody has signed in from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Nothing: they were there before, or it is their first, or it cannot be known.
    Usual,
    /// Their account was never used from there, as far as is remembered.
    New,
}

/// Remembers where a sign-in comes from. Of several at once from a new place, one is told that it is new.
pub(super) fn arrive(tx: &mut Tx<'_>, user: UserId) -> Result<Place, db::Error> {
    let Some(address) = tx.origin.address else { return Ok(Place::Usual) };
    let network = network_of(address);
    let forgotten = tx.now - REMEMBERED_FOR;
    if !store::insert_unless_remembered(tx, user, network, forgotten)? {
        store::touch(tx, user, network)?;
        return Ok(Place::Usual);
    }
    // An account younger than that cannot have had a place that was forgotten since.
    let is_first = store::is_only_place(tx, user, network)? && store::is_made_after(tx, user, forgotten)?;
    Ok(if is_first { Place::Usual } else { Place::New })
}

/// The next sign-in from there is news again.
pub fn forget_place(tx: &mut Tx<'_>, user: UserId, address: IpAddr) -> Result<(), db::Error> {
    store::delete(tx, user, network_of(address))
}

/// Forgets where whoever used an account until now was: it has another holder.
pub fn forget_places(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    store::delete_all(tx, user)
}
