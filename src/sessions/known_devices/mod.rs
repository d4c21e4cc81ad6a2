//! Browsers in which somebody has signed in before.
//!
//! After a completed sign-in, all proofs given, a browser gets a cookie of its own that outlives the session. It opens
//! nothing and spares nobody a proof: it only says whose attempts are counted apart from everybody else's, so that a
//! stranger's failures do not make the owner wait. Several people may share a browser; each is known there for
//! themselves, and only for their own account.
//!
//! - Every sign-in **renews** the token, for all who are known by it, so that a copy somebody made is worthless from
//!   then on. What attempts are counted for stays the same: nobody gets more of them by signing in to another account.
//! - Signing out in the browser itself leaves it **known**. Whatever ends sessions from elsewhere (signed out from
//!   another device, a new password, "that was not me", the operator) makes it a stranger's again.
//! - It is **forgotten** when nobody has signed in there for [`KNOWN_FOR`].

mod store;

use chrono::TimeDelta;

use crate::db::{self, Tx};
use crate::kernel::{DeviceId, EmailAddress, KnownDeviceId, Token, UserId};

/// Counted from the last sign-in there.
pub const KNOWN_FOR: TimeDelta = TimeDelta::days(180);

/// How many people may be known in one browser; of more, those who were there longest ago are forgotten.
const MOST_PEOPLE: i64 = 20;

/// Whether the browser that asks is known for the account with this address.
pub fn recognise(tx: &mut Tx<'_>, email: &EmailAddress) -> Result<Option<KnownDeviceId>, db::Error> {
    let Some(digest) = tx.origin.known_by else { return Ok(None) };
    let since = tx.now - KNOWN_FOR;
    store::find_by_email(tx, &digest, &email.key(), since)
}

/// The same for an account whose address is proved, as letters ask for it: anybody can sign up with somebody else's
/// address, sign in from ever new browsers, and have each of them cause a few.
pub fn recognise_owner(tx: &mut Tx<'_>, email: &EmailAddress) -> Result<Option<KnownDeviceId>, db::Error> {
    let Some(digest) = tx.origin.known_by else { return Ok(None) };
    let since = tx.now - KNOWN_FOR;
    store::find_by_proved_email(tx, &digest, &email.key(), since)
}

/// The same for somebody who is known by now.
pub fn recognise_person(tx: &mut Tx<'_>, user: UserId) -> Result<Option<KnownDeviceId>, db::Error> {
    let Some(digest) = tx.origin.known_by else { return Ok(None) };
    let since = tx.now - KNOWN_FOR;
    store::find(tx, &digest, user, since)
}

/// The browser of a session just opened is known from now on, by a token that only it will have.
pub(super) fn remember(tx: &mut Tx<'_>, user: UserId, device: DeviceId) -> Result<Token, db::Error> {
    let token = Token::generate();
    if let Some(before) = tx.origin.known_by {
        store::renew(tx, &before, &token.digest(), MOST_PEOPLE)?;
    }
    let id = KnownDeviceId::new(tx.now);
    store::put(tx, id, &store::Seen { digest: token.digest(), user, device })?;
    Ok(token)
}

/// Nobody who comes from there is counted apart any more.
pub(super) fn forget(tx: &mut Tx<'_>, user: UserId, device: DeviceId) -> Result<(), db::Error> {
    store::delete(tx, user, device)
}

/// The same for all of a person but one.
pub(super) fn forget_all(tx: &mut Tx<'_>, user: UserId, except: Option<DeviceId>) -> Result<(), db::Error> {
    store::delete_all(tx, user, except)
}
