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
//!
//! An account whose holder has come from an address that they had proved is another matter: see
//! [`change_email`](super::change_email).

use super::{Name, OLD_LINKS, User, change_email, deletion, password, store};
use crate::api_keys;
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings;
use crate::crypto::{PasswordHash, Verdict};
use crate::db::{self, ReadTx, Tx};
use crate::factors;
use crate::kernel::{Digest, EmailAddress, Origin, Redacted, Token, UserId};
use crate::mail::{self, Letter};
use crate::sessions::{self, EndReason, Opened};
use crate::throttle::{self, Admission, Key};

/// Who follows the link.
#[derive(Clone, Debug, Default)]
pub struct Prover {
    /// The person this browser is signed in as.
    pub signed_in: Option<UserId>,
    /// The portal token by which it is.
    pub session: Option<Token>,
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
    /// Somebody with an account wants to have this address for it, and has to sign in to prove it.
    NeedsSignIn(EmailAddress),
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the link is unknown, used or expired")]
    Gone,
    #[error("somebody else may have set the password")]
    PasswordNeeded,
    #[error("only somebody who is signed in to the account can prove its new address")]
    SignInNeeded,
    #[error(transparent)]
    Password(#[from] password::Refused),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// An address that is somebody's for certain, from now on.
#[derive(Debug)]
pub struct Verified {
    pub user: User,
    /// The session of the prover, if it is this person's: what it could not do before it can do now, under another id
    /// and by other cookies. Every other session of theirs follows when its browser next comes by.
    pub rotated: Option<Opened>,
}

/// What has become of the password of somebody who proved their address without saying what it is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Password {
    AsBefore,
    /// A stranger may have chosen it.
    Gone,
}

/// What the proof of an address can be good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Account {
    /// Nobody has proved anything about it: it is whose address it is.
    Unclaimed,
    /// Its holder has left an address that they had proved, and can have it back: it stays theirs.
    Claimed,
}

/// An unused link and what hangs on it.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub user: UserId,
    pub email: EmailAddress,
    /// The browser that signed up; none for a link that somebody signed in has asked for.
    pub browser: Option<Digest>,
    /// The password and the name of whoever caused this link: what they chose when signing up, or the account's.
    pub chosen: Option<(PasswordHash, Name)>,
}

/// Why the password and the name on the account may stay, or which ones replace them.
enum Proof {
    /// A session of this account follows it, so its holder knows the password.
    SameSession,
    /// The browser that signed up, or another in which the password of then was typed: what was chosen then.
    SamePerson(PasswordHash, Name),
    /// Any other browser: what was typed on the page. Whose name stands on the account, nobody knows.
    Elsewhere(PasswordHash),
    /// Any other browser, where nothing was typed.
    Untold,
}

impl Proof {
    /// The password and the name of a prover who has chosen any.
    fn chosen(&self) -> Option<(&PasswordHash, Name)> {
        match self {
            Self::SameSession | Self::Untold => None,
            Self::SamePerson(hash, name) => Some((hash, name.clone())),
            Self::Elsewhere(hash) => Some((hash, Name::default())),
        }
    }
}

/// Looks at a link without using it.
pub fn look_at(tx: &mut ReadTx<'_>, token: &Token, prover: &Prover) -> Result<Link, db::Error> {
    let Some((pending, account)) = find(tx, &token.digest())? else { return Ok(Link::Gone) };
    let link = match asked_of(&pending, account, prover) {
        Asked::Nothing => Link::Ready,
        Asked::Password => Link::NeedsPassword,
        Asked::SignIn => Link::NeedsSignIn,
    };
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
) -> Result<Verified, Error> {
    let digest = token.digest();
    let (pending, account) = app.db.read(move |tx| find(tx, &digest)).await?.ok_or(Error::Gone)?;
    let typed = match (asked_of(&pending, account, &prover), password) {
        (Asked::Nothing, _) => None,
        (Asked::SignIn, _) => return Err(Error::SignInNeeded),
        (Asked::Password, None) => return Err(Error::PasswordNeeded),
        (Asked::Password, Some(password)) => Some(typed_elsewhere(app, origin, &pending, &password).await?),
    };
    let rules = app.settings.session.clone();
    app.db.write(origin, move |tx| use_up(tx, &rules, &digest, &prover, typed)).await
}

fn find(tx: &mut ReadTx<'_>, digest: &Digest) -> Result<Option<(Pending, Account)>, db::Error> {
    let Some(pending) = store::find_link(tx, digest)? else { return Ok(None) };
    let is_claimed = change_email::is_unsettled(tx, pending.user)?;
    Ok(Some((pending, if is_claimed { Account::Claimed } else { Account::Unclaimed })))
}

/// Whoever knows the password of who caused the link is who caused it.
async fn typed_elsewhere(
    app: &App,
    origin: &Origin,
    pending: &Pending,
    password: &Redacted,
) -> Result<Proof, password::Refused> {
    let hash = password::choose(app, origin, password, &pending.email, &Name::default()).await?;
    let Some((chosen, name)) = &pending.chosen else { return Ok(Proof::Elsewhere(hash)) };
    match app.hasher.verify(password.clone(), Some(chosen.clone())).await? {
        Verdict::Right | Verdict::RightButDated => Ok(Proof::SamePerson(hash, name.clone())),
        Verdict::Wrong => Ok(Proof::Elsewhere(hash)),
    }
}

fn use_up(
    tx: &mut Tx<'_>,
    rules: &settings::Session,
    digest: &Digest,
    prover: &Prover,
    typed: Option<Proof>,
) -> Result<Verified, Error> {
    let pending = store::find_link(tx, digest)?.ok_or(Error::Gone)?;
    // Two links of one person, or one link twice, wait for each other here; the second finds nothing left.
    let user = store::lock(tx, pending.user)?.ok_or(Error::Gone)?;
    let (pending, account) = find(tx, digest)?.ok_or(Error::Gone)?;
    let email = pending.email.clone();
    let proof = weigh(pending, account, prover, typed)?;
    if let (Account::Claimed, Some((hash, name))) = (account, proof.chosen()) {
        return begin_anew(tx, &user, &email, Some(hash), &name);
    }
    accept(tx, user.id, proof)?;
    let own = prover.session.as_ref().filter(|_| prover.signed_in == Some(user.id));
    let rotated = own.map(|token| sessions::rotate(tx, rules, token)).transpose()?.flatten();
    Ok(Verified { user: store::find(tx, user.id)?.ok_or(Error::Gone)?, rotated })
}

fn weigh(pending: Pending, account: Account, prover: &Prover, typed: Option<Proof>) -> Result<Proof, Error> {
    match (asked_of(&pending, account, prover), typed, pending.chosen) {
        (Asked::SignIn, ..) => Err(Error::SignInNeeded),
        (_, Some(typed), _) => Ok(typed),
        (Asked::Nothing, None, _) if prover.signed_in == Some(pending.user) => Ok(Proof::SameSession),
        (Asked::Nothing, None, Some((hash, name))) => Ok(Proof::SamePerson(hash, name)),
        (Asked::Nothing | Asked::Password, None, _) => Err(Error::PasswordNeeded),
    }
}

/// Somebody who is about to be signed in by another letter to this address has proved it by that. Nothing happens when it
/// was proved before. Without a `prover` nobody knows whose browser it is.
pub fn prove_by_signing_in(tx: &mut Tx<'_>, user: &User, prover: Option<&Prover>) -> Result<Password, db::Error> {
    if user.is_verified() {
        return Ok(Password::AsBefore);
    }
    let signed_up = match prover.and_then(|prover| prover.browser) {
        Some(browser) => store::find_sign_up(tx, user.id, &browser)?,
        None => None,
    };
    let proof = match signed_up {
        _ if prover.is_some_and(|prover| prover.signed_in == Some(user.id)) => Proof::SameSession,
        Some((hash, name)) => Proof::SamePerson(hash, name),
        None => Proof::Untold,
    };
    let password = match &proof {
        Proof::SameSession | Proof::SamePerson(..) | Proof::Elsewhere(_) => Password::AsBefore,
        Proof::Untold => Password::Gone,
    };
    accept(tx, user.id, proof)?;
    Ok(password)
}

fn accept(tx: &mut Tx<'_>, user: UserId, proof: Proof) -> Result<(), db::Error> {
    apply(tx, user, proof)?;
    prove(tx, user)
}

fn prove(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    store::set_verified(tx, user)?;
    store::delete_links(tx, user)?;
    audit::record(tx, Event::about(user, "email.verified"))?;
    sessions::rotate_all_at_next_visit(tx, user)
}

fn apply(tx: &mut Tx<'_>, user: UserId, proof: Proof) -> Result<(), db::Error> {
    match proof {
        Proof::SameSession => Ok(()),
        // Signed up once, verified from there: whoever signed in meanwhile knew this very password.
        Proof::SamePerson(hash, _) | Proof::Elsewhere(hash) if store::has_password(tx, user, &hash)? => Ok(()),
        Proof::SamePerson(hash, name) => start_afresh(tx, user, Some(&hash), &name),
        Proof::Elsewhere(hash) => start_afresh(tx, user, Some(&hash), &Name::default()),
        Proof::Untold => start_afresh(tx, user, None, &Name::default()),
    }
}

/// Nothing stays of what was put on the account before.
fn start_afresh(tx: &mut Tx<'_>, user: UserId, password: Option<&PasswordHash>, name: &Name) -> Result<(), db::Error> {
    match password {
        Some(hash) => store::set_password(tx, user, hash)?,
        None => store::clear_password(tx, user)?,
    }
    store::set_name(tx, user, name)?;
    factors::forget(tx, user)?;
    store::forget_identities(tx, user, None)?;
    api_keys::revoke_all(tx, user)?;
    sessions::revoke_all(tx, user, None, EndReason::PasswordChanged)?;
    // Where somebody else was does not make it a usual place of the one who has proved the address.
    sessions::forget_places(tx, user)?;
    deletion::call_off(tx, user)?;
    let kind = if password.is_some() { "password.set" } else { "password.removed" };
    audit::record(tx, Event::about(user, kind))
}

/// Whoever holds another letter to the address of an account that nobody has proved says what its password and its name are
/// to be, as from a browser that nobody knows; there may be no password. Whose account it then is; `None` when the address cannot be theirs.
pub(super) fn pass_on(
    tx: &mut Tx<'_>,
    holder: &User,
    (hash, name): (Option<&PasswordHash>, &Name),
) -> Result<Option<UserId>, db::Error> {
    if change_email::is_unsettled(tx, holder.id)? {
        return match begin_anew(tx, holder, &holder.email, hash, name) {
            Ok(verified) => Ok(Some(verified.user.id)),
            Err(Error::Db(error)) => Err(error),
            Err(Error::Gone | Error::PasswordNeeded | Error::SignInNeeded | Error::Password(_)) => Ok(None),
        };
    }
    start_afresh(tx, holder.id, hash, name)?;
    prove(tx, holder.id)?;
    Ok(Some(holder.id))
}

/// The prover has signed up with an address that somebody else had taken for an account which they can have back: the
/// two part.
fn begin_anew(
    tx: &mut Tx<'_>,
    other: &User,
    email: &EmailAddress,
    hash: Option<&PasswordHash>,
    name: &Name,
) -> Result<Verified, Error> {
    change_email::give_way(tx, other.id)?;
    let id = UserId::new(tx.now);
    if !store::insert(tx, id, email, name, hash)? || change_email::find_keeper(tx, email)?.is_some() {
        return Err(Error::Gone);
    }
    store::set_verified(tx, id)?;
    for kind in ["user.created", "email.verified"] {
        audit::record(tx, Event::about(id, kind))?;
    }
    Ok(Verified { user: store::find(tx, id)?.ok_or(Error::Gone)?, rotated: None })
}

/// What somebody who follows a link has to do beside pressing the button.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    Nothing,
    Password,
    SignIn,
}

fn asked_of(pending: &Pending, account: Account, prover: &Prover) -> Asked {
    let is_same_browser = prover.browser.is_some() && prover.browser == pending.browser;
    match (account, pending.browser) {
        _ if is_same_browser || prover.signed_in == Some(pending.user) => Asked::Nothing,
        (Account::Claimed, None) => Asked::SignIn,
        (Account::Claimed, Some(_)) | (Account::Unclaimed, _) => Asked::Password,
    }
}

/// Writes to an address that somebody signed in wants to prove.
pub(super) fn send_link(tx: &mut Tx<'_>, app: &App, user: UserId, to: &EmailAddress) -> Result<(), mail::Error> {
    let token = Token::generate();
    let expires_at = tx.now + app.settings.accounts.verification_ttl;
    let (digest, email) = (token.digest(), to.clone());
    store::insert_link(tx, &store::NewLink { digest, user, email, expires_at, sign_up: None })?;
    mail::enqueue(tx, &app.sealer, to, Some(user), Letter::VerifyEmail { token })?;
    Ok(())
}

/// What became of the operator's word for an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Vouching {
    Verified,
    WasVerified,
    /// There is no such person.
    Unknown,
}

/// Proves an address by the operator's word. The operator vouches for the account as it is: its password, its factors and
/// its name stay, whoever chose them, and so do its sessions, each under a new id.
pub fn vouch(tx: &mut Tx<'_>, user: UserId) -> Result<Vouching, db::Error> {
    let Some(user) = store::lock(tx, user)? else { return Ok(Vouching::Unknown) };
    if user.is_verified() {
        return Ok(Vouching::WasVerified);
    }
    store::set_verified(tx, user.id)?;
    store::delete_links(tx, user.id)?;
    audit::record(tx, Event::about(user.id, "email.verified").with("by", "operator"))?;
    sessions::rotate_all_at_next_visit(tx, user.id)?;
    Ok(Vouching::Verified)
}

/// Removes at most [`OLD_LINKS`] of those that no longer hold, and with them what a sign-up has chosen. How many.
pub fn forget_old(tx: &mut Tx<'_>) -> Result<usize, db::Error> {
    store::delete_expired_links(tx, OLD_LINKS)
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
    let unverified = |user: Option<User>| user.filter(|user| !user.is_verified()).ok_or(ResendError::AlreadyVerified);
    let found = unverified(store::find(tx, user)?)?;
    let key = Key::mail_to(&found.email, app.settings.limits.mail_per_account);
    // Before the person is locked, as a sign-up does it: the two must not wait for each other.
    if let Admission::Wait(wait) = throttle::admit(tx, &[key])? {
        return Err(ResendError::TooMany(wait));
    }
    let user = unverified(store::lock(tx, user)?)?;
    send_link(tx, app, user.id, &user.email)?;
    Ok(audit::record(tx, Event::about(user.id, "email.verification_resent"))?)
}
