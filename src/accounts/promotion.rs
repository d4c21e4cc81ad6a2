//! Making an administrator of somebody who has an account.

use super::store;
use crate::audit::{self, Event};
use crate::db::{self, Tx};
use crate::kernel::UserId;
use crate::sessions;

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Promotion {
    /// They stay signed in; each browser gets a new session id and new cookies when it next comes by.
    Promoted,
    WasAdministrator,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such account")]
    Unknown,
    #[error("the address is not verified")]
    Unverified,
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Makes an administrator of a person, whose address must be proved.
pub fn promote(tx: &mut Tx<'_>, user: UserId) -> Result<Promotion, Error> {
    let user = store::lock(tx, user)?.ok_or(Error::Unknown)?;
    if !user.is_verified() {
        return Err(Error::Unverified);
    }
    if !store::set_admin(tx, user.id)? {
        return Ok(Promotion::WasAdministrator);
    }
    // Waits for somebody who is using it, so that the two know of each other.
    store::delete_setup_link(tx)?;
    sessions::rotate_all_at_next_visit(tx, user.id)?;
    audit::record(tx, Event::about(user.id, "user.promoted").with("by", "operator"))?;
    Ok(Promotion::Promoted)
}
