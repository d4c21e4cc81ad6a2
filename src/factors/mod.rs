//! What people prove themselves with beside a password.
//!
//! - **An authenticator app** ([`totp`]): set up with a secret that is shown once, and worth nothing until a right
//!   code has enabled it. Each code is taken once.
//! - **Recovery codes** ([`recovery`]): ten, made when the app is enabled, each good for one sign-in without it.
//!
//! Every change of them is written down, told to their holder by a letter, and gives each of their sessions a new id
//! and new cookies. Whether somebody may change them (they must have proved themselves a moment ago) is the caller's
//! decision, and so is what is asked for when ([`crate::signin`]).

mod letters;
mod qr;
pub mod recovery;
mod store;
pub mod totp;

use crate::crypto::{Sealer, Unsealable};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{EmailAddress, Token, UserId};
use crate::mail;
use crate::sessions::Live;

/// What one person has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Factors {
    /// An authenticator app, enabled.
    pub totp: bool,
    pub recovery_codes_left: u32,
}

impl Factors {
    /// Whether it takes a second proof to sign in.
    pub fn are_asked_for(&self) -> bool {
        self.totp
    }
}

/// Whose factors they are.
#[derive(Clone, Debug)]
pub struct Holder {
    pub user: UserId,
    pub email: EmailAddress,
    /// Otherwise the address may be a stranger's, who is not to be written to.
    pub is_verified: bool,
    /// The portal token of the session in which they change something: it goes on at once under another id.
    pub session: Option<Token>,
}

impl Holder {
    /// Somebody who is signed in, by this portal token.
    pub fn signed_in(live: &Live, session: Option<Token>) -> Self {
        Self { user: live.user, email: live.email.clone(), is_verified: live.email_verified, session }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
    /// The session in which it was asked for is over, or has another id by now.
    #[error("the session has ended")]
    Ended,
    /// A secret of ours is of no use to an authenticator app.
    #[error("an authenticator app cannot be set up: {0}")]
    Unusable(String),
}

impl From<mail::Error> for Error {
    fn from(error: mail::Error) -> Self {
        match error {
            mail::Error::Db(error) => Self::Db(error),
            mail::Error::Unsealable(error) => Self::Unsealable(error),
        }
    }
}

pub fn list(tx: &mut ReadTx<'_>, user: UserId) -> Result<Factors, db::Error> {
    let totp = store::has_enabled_totp(tx, user)?;
    Ok(Factors { totp, recovery_codes_left: store::count_unused_codes(tx, user)? })
}

/// Takes all factors away; nobody is told. `Ok(false)` when there was no enabled one.
pub fn forget(tx: &mut Tx<'_>, user: UserId) -> Result<bool, db::Error> {
    let was_enabled = store::delete_totp(tx, user)?;
    store::delete_codes(tx, user)?;
    Ok(was_enabled)
}

/// As [`forget`], by the operator on request of their holder, who is told by a letter.
pub fn take_away(tx: &mut Tx<'_>, sealer: &Sealer, holder: &Holder) -> Result<bool, Error> {
    let was_enabled = forget(tx, holder.user)?;
    if was_enabled {
        letters::tell(tx, sealer, holder, mail::FactorChange::TakenAway)?;
    }
    Ok(was_enabled)
}
