//! What people prove themselves with beside a password.
//!
//! - **An authenticator app** ([`totp`]): set up with a secret that is shown once, and worth nothing until a right
//!   code has enabled it. Each code is taken once.
//! - **Passkeys** ([`passkeys`]): keys on their devices, which are proof enough by themselves.
//! - **Recovery codes** ([`recovery`]): ten, made with the first of those, each good for one sign-in without them. They
//!   go with the last.
//!
//! The last one stays while an organization of its holder asks for a second factor; nothing but taking them all away
//! ([`take_away`], [`forget`], [`forget_since`]) goes past that.
//!
//! Every change of them is written down, told to their holder by a letter, and gives each of their sessions a new id
//! and new cookies. Whether somebody may change them (they must have proved themselves a moment ago) is the caller's
//! decision, and so is what is asked for when ([`crate::signin`]).

mod letters;
pub mod passkeys;
mod qr;
pub mod recovery;
mod removal;
mod store;
pub mod totp;

use recovery::RecoveryCode;
pub use removal::{Removed, forget_since};
pub use store::due;

use crate::app::App;
use crate::crypto::{Sealer, Unsealable};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{EmailAddress, Token, UserId};
use crate::mail::{self, Protection};
use crate::sessions::{self, Live, Opened};

/// What one person has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Factors {
    /// An authenticator app, enabled.
    pub totp: bool,
    pub passkeys: u32,
    pub recovery_codes_left: u32,
}

impl Factors {
    /// Whether it takes a second proof to sign in.
    pub fn are_asked_for(&self) -> bool {
        self.totp || self.passkeys > 0
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
    /// A secret of ours is of no use to an authenticator app, or what was stored of a key is not what it was.
    #[error("a factor cannot be used: {0}")]
    Unusable(String),
}

impl Error {
    fn unusable(cause: impl std::fmt::Display) -> Self {
        Self::Unusable(cause.to_string())
    }
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
    let passkeys = passkeys::count(tx, user)?;
    Ok(Factors { totp, passkeys, recovery_codes_left: store::count_unused_codes(tx, user)? })
}

/// What all people have together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InUse {
    /// Enabled.
    pub totp: i64,
    pub passkeys: i64,
    /// Not used yet.
    pub recovery_codes: i64,
}

/// Reads all of them.
pub fn count_in_use(tx: &mut ReadTx<'_>) -> Result<InUse, db::Error> {
    Ok(InUse {
        totp: store::count_enabled_totp(tx)?,
        passkeys: passkeys::count_all(tx)?,
        recovery_codes: store::count_all_unused_codes(tx)?,
    })
}

/// Takes all factors away; nobody is told. `Ok(false)` when there was no enabled one.
pub fn forget(tx: &mut Tx<'_>, user: UserId) -> Result<bool, db::Error> {
    let had_app = store::delete_totp(tx, user)?;
    let had_passkeys = passkeys::forget(tx, user)?;
    store::delete_codes(tx, user)?;
    Ok(had_app || had_passkeys)
}

/// Writes to somebody about what has changed, if the address is theirs for sure.
pub fn tell(tx: &mut Tx<'_>, sealer: &Sealer, holder: &Holder, change: mail::FactorChange) -> Result<(), Error> {
    letters::tell(tx, sealer, holder, change)
}

/// As [`forget`], by the operator on request of their holder, who is told by a letter.
pub fn take_away(tx: &mut Tx<'_>, sealer: &Sealer, holder: &Holder) -> Result<bool, Error> {
    let was_enabled = forget(tx, holder.user)?;
    if was_enabled {
        letters::tell(tx, sealer, holder, mail::FactorChange::TakenAway)?;
    }
    Ok(was_enabled)
}

/// Whether a factor has to stay: it is the last, and an organization of its holder asks for one. The person must be locked.
fn has_to_stay(tx: &mut Tx<'_>, theirs: &Factors, user: UserId) -> Result<bool, db::Error> {
    let is_last = u32::from(theirs.totp) + theirs.passkeys == 1;
    Ok(is_last && store::is_required(tx, user)?)
}

/// Ten recovery codes for somebody who has just made their first factor. The person must be locked, and `before` read
/// since.
fn make_codes_for_the_first(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    before: &Factors,
    user: UserId,
) -> Result<Option<Vec<RecoveryCode>>, Error> {
    if before.are_asked_for() {
        return Ok(None);
    }
    Ok(Some(recovery::replace(tx, sealer, user)?))
}

/// A factor was taken away; without any, recovery codes are good for nothing. The person must be locked.
fn let_codes_go_with_the_last(tx: &mut Tx<'_>, user: UserId) -> Result<Protection, Error> {
    if list(tx, user)?.are_asked_for() {
        return Ok(Protection::Kept);
    }
    store::delete_codes(tx, user)?;
    Ok(Protection::Lost)
}

/// Every session of a person whose factors have changed goes on under another id: this one now, the others when their
/// browsers next come by. If this one has ended since it was let in, nothing may come of the change.
pub fn go_on(tx: &mut Tx<'_>, app: &App, holder: &Holder) -> Result<Option<Opened>, Error> {
    sessions::rotate_all_at_next_visit(tx, holder.user)?;
    let Some(token) = &holder.session else { return Ok(None) };
    sessions::rotate(tx, &app.settings.session, token)?.ok_or(Error::Ended).map(Some)
}

/// What people's apps and devices call this service.
fn site_name(app: &App) -> &str {
    app.settings.mail.from.name.as_deref().unwrap_or("Vestibule")
}
