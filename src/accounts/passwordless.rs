//! Doing without a password: whoever has a passkey may remove it.
//!
//! From then on there is none to guess, to steal or to choose anew by a letter. Who tries to sign in with one meets what
//! there is for an address without an account; a forgotten one is answered by a letter that says how they sign in instead;
//! and the last passkey stays until there is a password again ([`super::change_password`]). When all passkeys are taken
//! away by the operator, a letter leads to a new password as it does for everybody else.

use super::{reset, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, ReadTx, Tx};
use crate::factors::{self, Error, Holder, passkeys};
use crate::kernel::{PasskeyId, UserId};
use crate::mail::FactorChange;
use crate::sessions::{self, Opened};

#[derive(Debug)]
pub enum Removal {
    /// With the session of whoever did it, as it goes on.
    Removed(Option<Opened>),
    HadNone,
    /// Nothing else would let them in.
    NoPasskey,
    /// The letter to an address that nobody has proved would be the only help to somebody who is locked out.
    AddressUnproved,
}

#[derive(Debug)]
pub enum PasskeyRemoval {
    /// With the session of whoever did it, as it goes on.
    Removed(Option<Opened>),
    NotTheirs,
    /// It is their last one, and there is no password.
    OnlyWayIn,
    /// It is their last factor, and an organization of theirs asks for one.
    Required,
}

/// Takes the password away. That its holder has just proved who they are is for the caller to see to.
pub fn remove(tx: &mut Tx<'_>, app: &App, holder: &Holder) -> Result<Removal, Error> {
    let held = store::lock_credentials(tx, holder.user)?.filter(|held| !held.is_disabled).ok_or(Error::Ended)?;
    if held.password.is_none() {
        return Ok(Removal::HadNone);
    }
    if store::find(tx, held.user)?.is_none_or(|user| !user.is_verified()) {
        return Ok(Removal::AddressUnproved);
    }
    if factors::list(tx, held.user)?.passkeys == 0 {
        return Ok(Removal::NoPasskey);
    }
    store::clear_password(tx, held.user)?;
    reset::end_links(tx, held.user)?;
    sessions::end_pending_of(tx, held.user)?;
    audit::record(tx, Event::about(held.user, "password.removed"))?;
    factors::tell(tx, &app.sealer, holder, FactorChange::PasswordRemoved)?;
    Ok(Removal::Removed(factors::go_on(tx, app, holder)?))
}

/// Takes a passkey away, unless it is all there is.
pub fn remove_passkey(tx: &mut Tx<'_>, app: &App, holder: &Holder, id: PasskeyId) -> Result<PasskeyRemoval, Error> {
    let held = store::lock_credentials(tx, holder.user)?.ok_or(Error::Ended)?;
    if passkeys::find(tx, holder.user, id)?.is_none() {
        return Ok(PasskeyRemoval::NotTheirs);
    }
    if held.password.is_none() && factors::list(tx, holder.user)?.passkeys == 1 {
        return Ok(PasskeyRemoval::OnlyWayIn);
    }
    Ok(match passkeys::remove(tx, app, holder, id)? {
        passkeys::Removal::Removed(rotated) => PasskeyRemoval::Removed(rotated),
        passkeys::Removal::NotTheirs => PasskeyRemoval::NotTheirs,
        passkeys::Removal::Required => PasskeyRemoval::Required,
    })
}

/// Whether somebody signs in with passkeys and has no password.
pub fn is_without_password(tx: &mut ReadTx<'_>, user: UserId) -> Result<bool, db::Error> {
    let password = store::find_credentials_of(tx, user)?.and_then(|held| held.password);
    Ok(password.is_none() && factors::list(tx, user)?.passkeys > 0)
}
