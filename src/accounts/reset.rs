//! Forgotten passwords: asking for a link, and choosing a new password by it.
//!
//! **Asking** ([`request`]) is answered by a job ([`super::requests`]): with a letter, or with silence.
//!
//! **A link** is single use, holds for [`reset_ttl`](crate::config::settings::Accounts), and is only used up by a
//! POST, so that a mail scanner's fetch does nothing. Asking again leaves the earlier links as they are: letters
//! overtake each other, and a stranger who keeps asking must not spoil the link that the owner is about to use.
//! Whichever is used first ends all of them.
//!
//! **Whoever follows it holds the mailbox**, so it also proves the address. The rule against pre-hijacking is that of
//! [`verify_email`](super::verify_email): of what was put on an unproved account nothing stays, neither its sessions
//! nor its pending links nor its name, even if it was the same person who chose it.
//!
//! A reset opens no session: to sign in there may be more to prove than a mailbox. A second factor stays as it is. What failed attempts have made the
//! account wait for is forgotten, so that nobody is kept out by strangers' guesses.

mod store;

use super::requests::{self, Heard, Wish};
use super::store as users;
use super::{Name, OLD_LINKS, User, deletion, magic_link, password, passwordless};
use crate::api_keys;
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings::Limits;
use crate::crypto::PasswordHash;
use crate::db::{self, ReadTx, Tx};
use crate::domains::{self, Provider};
use crate::factors::{self, totp};
use crate::kernel::{Digest, EmailAddress, Origin, Redacted, Token, UserId};
use crate::mail::{self, Letter};
use crate::sessions::{self, EndReason};
use crate::throttle::{self, Key};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the link is unknown, used or expired")]
    Gone,
    /// Since the letter was written.
    #[error("people with this address sign in by their organization's provider")]
    ProviderOnly(Provider),
    #[error(transparent)]
    Password(#[from] password::Refused),
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Mail(#[from] mail::Error),
}

/// Asks for a link to be sent to an address, which need not have an account.
pub async fn request(app: &App, origin: &Origin, email: EmailAddress) -> Result<(), requests::Error> {
    let limits = app.settings.limits.clone();
    let ask =
        move |tx: &mut Tx<'_>| Ok::<_, db::Error>((write_down(tx, &limits, &email)?, domains::enforced(tx, &email)?));
    match app.db.write(origin, ask).await? {
        (Heard::Wait(wait), _) => Err(requests::Error::TooMany(wait)),
        // Written down all the same: there may be a letter, for whoever is exempt.
        (Heard::Yes | Heard::EnoughLetters, Some(provider)) => Err(requests::Error::ProviderOnly(provider)),
        (Heard::Yes | Heard::EnoughLetters, None) => Ok(()),
    }
}

fn write_down(tx: &mut Tx<'_>, limits: &Limits, email: &EmailAddress) -> Result<Heard, db::Error> {
    let keys = keys(tx, limits, email)?;
    let heard = requests::admit(tx, &keys)?;
    match heard {
        Heard::Yes => requests::write_down(tx, email, Wish::NewPassword)?,
        Heard::EnoughLetters | Heard::Wait(_) => {}
    }
    Ok(heard)
}

fn keys(tx: &mut Tx<'_>, limits: &Limits, email: &EmailAddress) -> Result<requests::Keys, db::Error> {
    let limit = limits.mail_per_account;
    Ok(match sessions::recognise_owner(tx, email)? {
        Some(device) => requests::Keys { network: None, mailbox: Key::reset_on(device, limit) },
        None => requests::Keys {
            network: tx.origin.address.map(|address| Key::reset_asked_from(address, limits.login_per_network)),
            mailbox: Key::reset_of(email, limit),
        },
    })
}

/// Answers somebody who has asked, with a letter or with silence.
pub fn answer(tx: &mut Tx<'_>, app: &App, email: &EmailAddress) -> Result<(), mail::Error> {
    match requests::find_enabled(tx, email)? {
        Some(holder) if passwordless::is_without_password(tx, holder.id)? => tell_how_else(tx, app, &holder),
        Some(holder) => send_link(tx, app, &holder),
        None => Ok(()),
    }
}

/// There is no password that could have been forgotten.
fn tell_how_else(tx: &mut Tx<'_>, app: &App, holder: &User) -> Result<(), mail::Error> {
    audit::record(tx, Event::about(holder.id, "password.reset_requested").with("has_none", true))?;
    mail::enqueue(tx, &app.sealer, &holder.email, Some(holder.id), Letter::NoPassword)?;
    Ok(())
}

/// To the address as its holder wrote it, not as somebody has typed it now.
fn send_link(tx: &mut Tx<'_>, app: &App, holder: &User) -> Result<(), mail::Error> {
    let token = issue_link(tx, app, holder)?;
    audit::record(tx, Event::about(holder.id, "password.reset_requested"))?;
    mail::enqueue(tx, &app.sealer, &holder.email, Some(holder.id), Letter::ResetPassword { token })?;
    Ok(())
}

/// For somebody who holds the mailbox, or is about to be written to.
pub(super) fn issue_link(tx: &mut Tx<'_>, app: &App, holder: &User) -> Result<Token, db::Error> {
    let token = Token::generate();
    let expires_at = tx.now + app.settings.accounts.reset_ttl;
    let (digest, email) = (token.digest(), holder.email.clone());
    store::delete_expired_links(tx, holder.id)?;
    store::insert_link(tx, &store::NewLink { digest, user: holder.id, email, expires_at })?;
    Ok(token)
}

/// For somebody for whom an account was made just now: they have not asked for a letter, and may read it tomorrow.
pub(super) fn issue_first_link(
    tx: &mut Tx<'_>,
    app: &App,
    user: UserId,
    email: &EmailAddress,
) -> Result<Token, db::Error> {
    let token = Token::generate();
    let expires_at = tx.now + app.settings.accounts.verification_ttl;
    store::insert_link(tx, &store::NewLink { digest: token.digest(), user, email: email.clone(), expires_at })?;
    Ok(token)
}

/// Removes at most [`OLD_LINKS`] of those that no longer hold. How many.
pub fn forget_old(tx: &mut Tx<'_>) -> Result<usize, db::Error> {
    store::delete_expired(tx, OLD_LINKS)
}

/// Whose password a link is for; `None` when it is unknown, used or expired. Looking uses nothing up.
pub fn look_at(tx: &mut ReadTx<'_>, token: &Token) -> Result<Option<User>, db::Error> {
    match store::find_holder(tx, &token.digest())? {
        Some(holder) => users::find(tx, holder),
        None => Ok(None),
    }
}

/// Uses the link: the password is the new one from now on, and every session, API key and pending link of its person ends. A
/// password that is too weak keeps the link.
pub async fn reset(app: &App, origin: &Origin, token: Token, new_password: Redacted) -> Result<(), Error> {
    let digest = token.digest();
    let holder = app.db.read(move |tx| look_at(tx, &token)).await?.ok_or(Error::Gone)?;
    let (email, user) = (holder.email.clone(), holder.id);
    if let Some(provider) = app.db.look_up(move |tx| domains::enforced_on(tx, &email, user)).await? {
        return Err(Error::ProviderOnly(provider));
    }
    let name = Name::parse(&holder.name).unwrap_or_default();
    let hash = password::choose(app, origin, &new_password, &holder.email, &name).await?;
    let app2 = app.clone();
    app.db.write(origin, move |tx| use_up(tx, &app2, &digest, &hash)).await
}

fn use_up(tx: &mut Tx<'_>, app: &App, digest: &Digest, hash: &PasswordHash) -> Result<(), Error> {
    let holder = store::find_holder(tx, digest)?.ok_or(Error::Gone)?;
    // Two links of one person, or one link twice, wait for each other here; the second finds nothing left.
    let user = users::lock(tx, holder)?.ok_or(Error::Gone)?;
    store::find_holder(tx, digest)?.ok_or(Error::Gone)?;
    if let Some(provider) = domains::enforced_on(tx, &user.email, user.id)? {
        return Err(Error::ProviderOnly(provider));
    }
    if !user.is_verified() {
        take_over(tx, user.id)?;
    }
    users::set_password(tx, user.id, hash)?;
    users::delete_links(tx, user.id)?;
    store::delete_links(tx, user.id)?;
    magic_link::end_links(tx, user.id)?;
    totp::forget_set_up(tx, user.id)?;
    sessions::revoke_all(tx, user.id, None, EndReason::PasswordChanged)?;
    api_keys::revoke_all(tx, user.id)?;
    throttle::forget_sign_ins(tx, &user.email, app.settings.limits.login_per_account)?;
    audit::record(tx, Event::about(user.id, "password.reset"))?;
    mail::enqueue(tx, &app.sealer, &user.email, Some(user.id), Letter::PasswordChanged)?;
    Ok(())
}

/// None of a person's links leads to a new password any more.
pub(super) fn end_links(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    store::delete_links(tx, user)
}

/// The first proof of the address: who set up a second factor, nobody knows; nor who chose the name, unless the account
/// was made for them.
fn take_over(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    users::set_verified(tx, user)?;
    if !users::is_made_for_them(tx, user)? {
        users::set_name(tx, user, &Name::default())?;
    }
    factors::forget(tx, user)?;
    users::forget_identities(tx, user, None)?;
    sessions::forget_places(tx, user)?;
    deletion::call_off(tx, user)?;
    audit::record(tx, Event::about(user, "email.verified"))
}
