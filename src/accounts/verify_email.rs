//! Proving an address: the mailed link.
//!
//! A link is single use, holds for [`verification_ttl`](crate::config::settings::Accounts), and is only used
//! up by a POST, so that a mail scanner's fetch does nothing.
//!
//! **Pre-hijacking.** Anybody can sign up with somebody else's address and wait for the owner to click. So a
//! click proves the address, not the password that was set before. What was set counts only when the prover is
//! the one who set it: the browser that signed up (known by its cookie), or one that is signed in to this very
//! account. From any other browser the prover says what the password is to be (the one they chose when signing
//! up, or a new one), and every session opened before ends.

use super::{Name, User, password, signup, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::crypto::{Busy, PasswordHash};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Digest, EmailAddress, Origin, Redacted, Token, UserId};
use crate::mail::{self, Letter};
use crate::sessions;
use crate::throttle::{self, Admission, Key};

/// Who follows the link.
#[derive(Clone, Debug, Default)]
pub struct Prover {
    /// The person this browser is signed in as.
    pub signed_in: Option<UserId>,
    /// The cookie this browser got when it signed up.
    pub browser: Option<Digest>,
}

/// What a link would do, for the page that shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Link {
    /// Unknown, used or expired.
    Gone,
    /// The prover set the password; nothing more is needed.
    Ready(EmailAddress),
    /// The prover has to say what the password is to be.
    NeedsPassword(EmailAddress),
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the link is unknown, used or expired")]
    Gone,
    #[error("somebody else may have set the password")]
    PasswordNeeded,
    #[error(transparent)]
    Weak(#[from] password::Weak),
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// An unused link and what hangs on it.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub user: UserId,
    pub email: EmailAddress,
    /// The browser that signed up, the password and the name it chose.
    pub sign_up: Option<(Digest, PasswordHash, Name)>,
}

/// Why the password on the account may stay, or which one replaces it.
enum Proof {
    /// A session of this account follows it, so its holder knows the password.
    SameSession,
    /// The browser that signed up: what it chose then.
    SameBrowser(PasswordHash, Name),
    /// Any other browser: what was typed on the page.
    Elsewhere(PasswordHash),
}

/// Looks at a link without using it.
pub fn look_at(tx: &mut ReadTx<'_>, token: &Token, prover: &Prover) -> Result<Link, db::Error> {
    let Some(pending) = store::find_link(tx, &token.digest())? else { return Ok(Link::Gone) };
    let link = if is_same(&pending, prover) { Link::Ready } else { Link::NeedsPassword };
    Ok(link(pending.email))
}

/// Uses the link: the address is verified from now on. `password` is needed, and looked at, only when the
/// prover is not the one who signed up.
pub async fn verify(
    app: &App,
    origin: &Origin,
    token: Token,
    prover: Prover,
    password: Option<Redacted>,
) -> Result<User, Error> {
    let digest = token.digest();
    let pending = app.db.read(move |tx| store::find_link(tx, &digest)).await?.ok_or(Error::Gone)?;
    let typed = match (is_same(&pending, &prover), password) {
        (true, _) => None,
        (false, None) => return Err(Error::PasswordNeeded),
        (false, Some(password)) => {
            signup::require_strong(app, &password, &pending.email, &Name::default())?;
            Some(app.hasher.hash(password).await?)
        }
    };
    app.db.write(origin, move |tx| use_up(tx, &digest, &prover, typed)).await
}

fn use_up(tx: &mut Tx<'_>, digest: &Digest, prover: &Prover, typed: Option<PasswordHash>) -> Result<User, Error> {
    let pending = store::find_link(tx, digest)?.ok_or(Error::Gone)?;
    // Two links of one person, or one link twice, wait for each other here; the second finds nothing left.
    let user = store::lock(tx, pending.user)?.ok_or(Error::Gone)?;
    let pending = store::find_link(tx, digest)?.ok_or(Error::Gone)?;
    let proof = match (typed, pending.sign_up) {
        (Some(typed), _) => Proof::Elsewhere(typed),
        (None, _) if prover.signed_in == Some(user.id) => Proof::SameSession,
        (None, Some((browser, hash, name))) if prover.browser == Some(browser) => Proof::SameBrowser(hash, name),
        (None, _) => return Err(Error::PasswordNeeded),
    };
    apply(tx, user.id, &proof)?;
    store::set_verified(tx, user.id)?;
    store::delete_links(tx, user.id)?;
    audit::record(tx, Event::about(user.id, "email.verified"))?;
    store::find(tx, user.id)?.ok_or(Error::Gone)
}

fn apply(tx: &mut Tx<'_>, user: UserId, proof: &Proof) -> Result<(), db::Error> {
    let (hash, name) = match proof {
        Proof::SameSession => return Ok(()),
        Proof::SameBrowser(hash, name) => (hash, Some(name)),
        Proof::Elsewhere(hash) => (hash, None),
    };
    if store::has_password(tx, user, hash)? {
        // Signed up once, verified from there: whoever signed in meanwhile knew this very password.
        return Ok(());
    }
    store::set_password(tx, user, hash)?;
    if let Some(name) = name {
        store::set_name(tx, user, name)?;
    }
    sessions::revoke_all(tx, user, None)?;
    audit::record(tx, Event::about(user, "password.set"))
}

fn is_same(pending: &Pending, prover: &Prover) -> bool {
    let by_browser = match (&pending.sign_up, &prover.browser) {
        (Some((asked, ..)), Some(follows)) => asked == follows,
        _ => false,
    };
    by_browser || prover.signed_in == Some(pending.user)
}

#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    #[error("the address is verified already")]
    AlreadyVerified,
    #[error("enough letters for now")]
    TooMany(chrono::TimeDelta),
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Mail(#[from] mail::Error),
}

/// Sends another link to a person who is signed in and has not verified yet.
pub fn resend(tx: &mut Tx<'_>, app: &App, user: UserId) -> Result<(), ResendError> {
    let Some(user) = store::lock(tx, user)? else { return Err(ResendError::AlreadyVerified) };
    if user.is_verified() {
        return Err(ResendError::AlreadyVerified);
    }
    let key = Key::mail_to(&user.email, app.settings.limits.mail_per_account);
    if let Admission::Wait(wait) = throttle::admit(tx, &[key])? {
        return Err(ResendError::TooMany(wait));
    }
    let token = Token::generate();
    let expires_at = tx.now + app.settings.accounts.verification_ttl;
    let (digest, email) = (token.digest(), user.email.clone());
    store::insert_link(tx, &store::NewLink { digest, user: user.id, email, expires_at, sign_up: None })?;
    mail::enqueue(tx, &app.sealer, &user.email, Some(user.id), Letter::VerifyEmail { token })?;
    Ok(audit::record(tx, Event::about(user.id, "email.verification_resent"))?)
}
