//! "That was not me": what the link in a letter about a new place can do.
//!
//! Whoever can read the letter may end what that sign-in has begun, without signing in. The link holds for
//! [`NEW_PLACE_LINK_TTL`] and may be used again and again: it ends sessions and opens none. It knows the device and not
//! the session, whose id changes when it is rotated; and since whoever it was can sign in again from there without a
//! further letter, it ends whatever was opened from that place from then on.

mod store;

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use super::find::is_live;
use super::store::{self as sessions, Listed};
use super::{EndReason, Opened, forget_place, known_devices, revoke_all, revoke_device};
use crate::audit::{self, Event};
use crate::config::settings;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::client_address::network_of;
use crate::kernel::{DeviceId, EmailAddress, Token, UserId, device};
use crate::mail::NEW_PLACE_LINK_TTL;

/// A sign-in that was told of in a letter.
#[derive(Clone, Debug)]
pub struct Doubtful {
    pub user: UserId,
    pub device: DeviceId,
    pub at: DateTime<Utc>,
    pub address: IpAddr,
    /// "Firefox on Linux".
    pub browser: Option<String>,
    /// Whom the letter went to ([`EmailAddress::key`]), where that is known. The account may have another address by now.
    pub email_key: Option<String>,
}

/// How much is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// What was opened by that sign-in, or from that place since.
    ThatPlace,
    Everything,
}

/// Makes the link for a letter about a session just opened. `None` when it is not known where from.
pub fn issue_link(tx: &mut Tx<'_>, opened: &Opened, to: &EmailAddress) -> Result<Option<Token>, db::Error> {
    let Some(address) = tx.origin.address else { return Ok(None) };
    let browser = tx.origin.user_agent.as_deref().and_then(device::name);
    let (user, device, email_key) = (opened.user, opened.device, Some(to.key()));
    let doubtful = Doubtful { user, device, at: tx.now, address, browser, email_key };
    let token = Token::generate();
    store::insert(tx, &token.digest(), &doubtful, tx.now + NEW_PLACE_LINK_TTL)?;
    Ok(Some(token))
}

/// What a link is about. `None` when it is unknown or too old.
pub fn find_doubtful(tx: &mut ReadTx<'_>, token: &Token) -> Result<Option<Doubtful>, db::Error> {
    store::find(tx, &token.digest())
}

/// Whether anybody is still signed in by it.
pub fn is_still_in(tx: &mut ReadTx<'_>, rules: &settings::Session, doubtful: &Doubtful) -> Result<bool, db::Error> {
    let now = tx.now;
    Ok(list_openings(tx, doubtful)?.iter().any(|opening| is_live(&opening.found, rules, now)))
}

/// Ends it. What has ended already stays so. `None` when the link is unknown or too old.
pub fn disown(tx: &mut Tx<'_>, token: &Token, reach: Reach) -> Result<Option<Doubtful>, db::Error> {
    let Some(doubtful) = store::find(tx, &token.digest())? else { return Ok(None) };
    let user = doubtful.user;
    // Whoever is signing in just now waits, or is waited for.
    store::lock_person(tx, user)?;
    forget_place(tx, user, doubtful.address)?;
    // Whoever it was may have signed in again since and gone: which browser was theirs, nobody knows for certain.
    known_devices::forget_all(tx, user, None)?;
    match reach {
        Reach::ThatPlace => {
            for opening in list_openings(tx, &doubtful)? {
                revoke_device(tx, user, opening.found.live.device, EndReason::SignedOutElsewhere)?;
            }
        }
        Reach::Everything => {
            revoke_all(tx, user, None, EndReason::SignedOutElsewhere)?;
        }
    }
    audit::record(tx, Event::about(user, "place.disowned").with("device", doubtful.device.to_string()))?;
    Ok(Some(doubtful))
}

/// The sessions of that device, and those opened from that place since; also those that have run out.
fn list_openings(tx: &mut ReadTx<'_>, doubtful: &Doubtful) -> Result<Vec<Listed>, db::Error> {
    let place = network_of(doubtful.address);
    let mut openings = sessions::list(tx, doubtful.user)?;
    openings.retain(|opening| {
        let is_from_there = opening.address.is_some_and(|address| network_of(address) == place);
        let live = &opening.found.live;
        live.device == doubtful.device || (is_from_there && live.created_at >= doubtful.at)
    });
    Ok(openings)
}
