//! Leaving for good, and coming back before it is too late.
//!
//! **Staying → leaving → gone.** Whoever stays has no [`User::deletes_at`]. Asking ([`ask`]) sets it to an instant
//! [`deletion_grace`](crate::config::settings::Accounts) ahead, and from then on somebody is *leaving*: they can sign in,
//! in every way, and then do nothing but come back, sign out, and take along what is kept about them. The doors see to
//! that, the gate too. From that instant on they are *gone*: nobody signs in, nothing brings them back, and a job erases
//! them ([`erase`]) as soon as it gets to it. Until it has, the address is taken.
//!
//! **Asking** ends what else could get in: every other session, all that is half signed in, API keys, links for signing
//! in, for a new password and for proving the address; their other browsers are strangers' again. What stays is the way
//! back to an address that was left a moment ago: whoever has taken an account must not end it by that. A letter goes to
//! the address, if it is proved, else to the one that was proved before it; a stranger is not told.
//!
//! **Coming back** takes a session ([`come_back`]) or the link in the letter ([`come_back_by_link`]), and no proof
//! besides: it only keeps an account. The link opens no session. It holds until its person is gone, works once, and is
//! not used up by being looked at. Whoever proves an address that nobody had proved, or takes an account back by its
//! earlier address, calls off what was asked before ([`call_off`]).
//!
//! **Organizations** that nobody else owns pass to somebody else, or are removed where nobody else belongs to them
//! ([`succession`]): heirs are told when it is asked for, when it is called off, and when it happens.
//!
//! **Erased** is everything that hangs on the person: factors, keys, sessions, links, places, devices, letters,
//! memberships, by foreign keys; and what names them without one: letters and invitations to any of their addresses,
//! wishes for letters, counts of failed attempts. **Kept without them** is what they share with others: organizations,
//! and the invitations they have sent. **Anonymised** is the audit ([`audit::anonymise`]): a pseudonym stands in their
//! place, and of where they were nothing is left.
//!
//! **Order of locks**: the person (and with them the heirs of their organizations, in the order of ids), then their
//! sessions, then organizations, then everything else; the row of the person is deleted last, when nothing that others
//! hold refers to it any more. One transaction a person, so that a crash leaves them whole or erased; of somebody with
//! thousands of events the events go first, some at a time.

mod erase;
mod store;

use chrono::{DateTime, Utc};

pub use erase::{Cause, Erased, erase, erase_if_due, find_due, forget_some_events};

use super::{User, change_email, store as users};
use crate::api_keys;
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{DeviceId, EmailAddress, Token, UserId};
use crate::mail::{self, Fate, Letter};
use crate::orgs;
use crate::orgs::succession::{self, Succession};
use crate::sessions::{self, EndReason, Live};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The session is over, or its holder is disabled or gone.
    #[error("the session has ended")]
    Ended,
    #[error("the link is unknown, used, or its person is gone")]
    Gone,
    #[error("the person stays as it is")]
    Staying,
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Mail(#[from] mail::Error),
    #[error(transparent)]
    Organizations(#[from] orgs::Error),
}

/// Their account is to be deleted; says when. Asking twice changes nothing. `token` is the portal token of `session`,
/// which goes on. That its holder has just proved who they are is for the caller to see to.
pub fn ask(tx: &mut Tx<'_>, app: &App, session: &Live, token: &Token) -> Result<DateTime<Utc>, Error> {
    let user = lock(tx, session.user)?.ok_or(Error::Ended)?;
    if !sessions::hold(tx, token)? {
        return Err(Error::Ended);
    }
    begin(tx, app, &user, Some(session.device))
}

/// The same by the operator, for whoever it is; `None` when there is no such person. No session of theirs goes on.
pub fn ask_for(tx: &mut Tx<'_>, app: &App, user: UserId) -> Result<Option<DateTime<Utc>>, Error> {
    match users::lock(tx, user)? {
        Some(user) => begin(tx, app, &user, None).map(Some),
        None => Ok(None),
    }
}

fn begin(tx: &mut Tx<'_>, app: &App, user: &User, except: Option<DeviceId>) -> Result<DateTime<Utc>, Error> {
    if let Some(deletes_at) = user.deletes_at {
        return Ok(deletes_at);
    }
    let deletes_at = tx.now + app.settings.accounts.deletion_grace;
    store::set_leaving(tx, user.id, deletes_at)?;
    let event = Event::about(user.id, "user.deletion_requested");
    audit::record(tx, event.with("deletes_at", deletes_at.to_rfc3339()))?;
    sessions::revoke_all(tx, user.id, except, EndReason::AccountLeft)?;
    api_keys::revoke_all(tx, user.id)?;
    change_email::end_links(tx, user.id)?;
    let foreseen = succession::foresee(tx, user.id)?;
    succession::announce(tx, &app.sealer, &foreseen, deletes_at)?;
    if let Some(to) = find_mailbox(tx, user)? {
        let token = Token::generate();
        store::insert_link(tx, user.id, &token.digest())?;
        let letter = Letter::DeletionAsked { token, deletes_at, organizations: foreseen.iter().map(fate).collect() };
        mail::enqueue(tx, &app.sealer, &to, Some(user.id), letter)?;
    }
    Ok(deletes_at)
}

fn fate(succession: &Succession) -> Fate {
    Fate {
        organization: succession.organization.name.clone(),
        heir: succession.heir.as_ref().map(|heir| heir.role.as_str()),
    }
}

/// Where a letter reaches this person and no stranger.
pub fn find_mailbox(tx: &mut ReadTx<'_>, user: &User) -> Result<Option<EmailAddress>, db::Error> {
    if user.is_verified() { Ok(Some(user.email.clone())) } else { change_email::find_proved_before(tx, user.id) }
}

/// They stay after all.
pub fn come_back(tx: &mut Tx<'_>, app: &App, user: UserId) -> Result<(), Error> {
    let user = lock(tx, user)?.ok_or(Error::Ended)?;
    stay(tx, app, &user)
}

/// Who comes back by a link; `None` when it is unknown or used, or it is too late. Looking uses nothing up.
pub fn look_at(tx: &mut ReadTx<'_>, token: &Token) -> Result<Option<User>, db::Error> {
    match store::find_holder(tx, &token.digest())? {
        Some(holder) => users::find(tx, holder),
        None => Ok(None),
    }
}

/// The same as [`come_back`], by the link in the letter.
pub fn come_back_by_link(tx: &mut Tx<'_>, app: &App, token: &Token) -> Result<(), Error> {
    let holder = store::find_holder(tx, &token.digest())?.ok_or(Error::Gone)?;
    // Twice at once: the second waits here and finds no link.
    let user = lock(tx, holder)?.ok_or(Error::Gone)?;
    store::find_holder(tx, &token.digest())?.ok_or(Error::Gone)?;
    stay(tx, app, &user)
}

fn stay(tx: &mut Tx<'_>, app: &App, user: &User) -> Result<(), Error> {
    if !call_off(tx, user.id)? {
        return Err(Error::Staying);
    }
    succession::call_off(tx, &app.sealer, user.id)?;
    if let Some(to) = find_mailbox(tx, user)? {
        mail::enqueue(tx, &app.sealer, &to, Some(user.id), Letter::AccountRestored)?;
    }
    Ok(())
}

/// Whatever was asked before counts for nothing: the account is somebody else's, or theirs again. Writes to nobody.
/// `Ok(false)` for somebody who stays anyway. The person is locked by the caller.
pub(super) fn call_off(tx: &mut Tx<'_>, user: UserId) -> Result<bool, db::Error> {
    if !store::set_staying(tx, user)? {
        return Ok(false);
    }
    store::delete_links(tx, user)?;
    audit::record(tx, Event::about(user, "user.restored"))?;
    Ok(true)
}

/// `None` for somebody disabled or gone.
fn lock(tx: &mut Tx<'_>, user: UserId) -> Result<Option<User>, db::Error> {
    match users::lock_credentials(tx, user)? {
        Some(held) if !held.is_disabled => users::find(tx, user),
        Some(_) | None => Ok(None),
    }
}
