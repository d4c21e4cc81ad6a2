//! Accounts of people for whom the identity provider of their organization vouches. It speaks for the addresses of a
//! proved domain, so its word is a proof of the address: whoever is behind it owns the account.
//!
//! What somebody has put on an account whose address nobody had proved does not stay
//! ([`verify_email`](super::verify_email)). An account that is made has no password; whether anybody may sign up does not
//! matter for it.

use super::{Name, change_email, store, verify_email};
use crate::audit::{self, Event};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{EmailAddress, UserId};

/// Whose an address is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claimed {
    By(UserId),
    /// Nobody had it.
    Made(UserId),
    /// Somebody has left it lately, and can have it back.
    Kept,
    /// Nothing opens the account that has it.
    Disabled,
}

/// Who has it, proved or not.
pub fn find(tx: &mut ReadTx<'_>, email: &EmailAddress) -> Result<Option<UserId>, db::Error> {
    Ok(store::find_by_key(tx, &email.key())?.map(|user| user.id))
}

/// The account with an address that is proved by this; made, where there is none.
pub fn claim(tx: &mut Tx<'_>, email: &EmailAddress, name: &Name) -> Result<Claimed, db::Error> {
    let new = UserId::new(tx.now);
    loop {
        if store::insert(tx, new, email, name, None)? {
            return keep(tx, new, email);
        }
        // None when its holder has just left it.
        let Some(holder) = store::lock_by_key(tx, &email.key())? else { continue };
        if store::find_credentials_of(tx, holder.id)?.is_none_or(|held| held.is_disabled) {
            return Ok(Claimed::Disabled);
        }
        if holder.is_verified() {
            return Ok(Claimed::By(holder.id));
        }
        let passed_on = verify_email::pass_on(tx, &holder, (None, name))?;
        return Ok(passed_on.map_or(Claimed::Kept, Claimed::By));
    }
}

fn keep(tx: &mut Tx<'_>, new: UserId, email: &EmailAddress) -> Result<Claimed, db::Error> {
    if change_email::find_keeper(tx, email)?.is_some() {
        store::delete(tx, new)?;
        return Ok(Claimed::Kept);
    }
    store::set_came_by_provider(tx, new)?;
    store::set_verified(tx, new)?;
    for kind in ["user.created", "email.verified"] {
        audit::record(tx, Event::about(new, kind).with("by", "provider"))?;
    }
    Ok(Claimed::Made(new))
}
