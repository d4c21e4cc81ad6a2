//! Another address for an account, and the way back.
//!
//! **The change** ([`change`]) is made at once: the account has the new address, unverified, and the old one signs nobody
//! in any more. Links that were mailed to the old one are worthless. The new one gets a link to prove it
//! ([`super::verify_email`]); the old one, if it was proved, a letter with a link that takes the change back.
//!
//! **The way back** ([`undo`]) is for people whose account was taken from them, so it goes by the mailbox alone. It holds
//! for [`EMAIL_UNDO_TTL`] and counts more than every later change: it takes all of them back, and their own ways back
//! with them, so that a thief's address in between leads nowhere. Until then nobody else can have the address.
//!
//! **An address that was not proved yet** may belong to a stranger who was to be tricked into making this account
//! theirs, to the thief of it, or, after a slip of the pen, to whomever. So as long as an account that had proved another
//! has not proved this one ([`is_unsettled`]), only somebody who is signed in to the account can prove it, no letter to it
//! leads in, and the address before is kept. A stranger who signs up with it gets an account of their own, and this one
//! goes back to where it came from ([`give_way`]).

mod store;
mod undo;

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

pub use undo::{Next, Undone, look_at, undo};

use super::{User, magic_link, reset, store as users, verify_email};
use crate::app::App;
use crate::audit::{self, Event};
use crate::crypto::Busy;
use crate::db::{self, ReadTx, Tx};
use crate::domains::{self, Provider};
use crate::kernel::{EmailAddress, Origin, Token, UserId};
use crate::mail::{self, EMAIL_UNDO_TTL, Letter};
use crate::sessions::{self, Live, Opened};
use crate::throttle::{self, Admission, Key};

/// What became of the wish for another address.
#[derive(Debug)]
pub enum Changed {
    /// It is to be proved. The session that asked goes on under another id and by other cookies; every other one
    /// follows when its browser next comes by.
    Moved(Opened),
    /// The same address in other capitals: as proved as it was, and nobody is written to.
    Respelled,
    /// It is what it was.
    Same,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The session is over, has another id by now, or its holder is disabled.
    #[error("the session has ended")]
    Ended,
    /// Into whose domain they wanted; whether or not the address is taken.
    #[error("people with this address sign in by their organization's provider")]
    ProviderOnly(Provider),
    /// By an account, or by the way back to one.
    #[error("the address is taken")]
    Taken,
    #[error("the link is unknown, used or expired")]
    Gone,
    #[error("too many changes, or too many letters to the address")]
    TooMany(TimeDelta),
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Mail(#[from] mail::Error),
}

/// The account has this address from now on. `token` is the portal token of `session`. That its holder has just proved
/// who they are is for the caller to see to.
pub async fn change(
    app: &App,
    origin: &Origin,
    session: &Live,
    token: Token,
    email: EmailAddress,
) -> Result<Changed, Error> {
    require_admission(app, origin, session.user).await?;
    let (app2, user) = (app.clone(), session.user);
    app.db.write(origin, move |tx| apply(tx, &app2, user, &token, &email)).await
}

/// In a transaction of its own: who asks for one taken address after the other is counted for each.
async fn require_admission(app: &App, origin: &Origin, user: UserId) -> Result<(), Error> {
    let limits = &app.settings.limits;
    let network = origin.address.map(|address| Key::email_change_from(address, limits.login_per_network));
    let keys: Vec<Key> = network.into_iter().chain([Key::email_change_by(user, limits.mail_per_account)]).collect();
    match app.db.write(origin, move |tx| throttle::admit(tx, &keys)).await? {
        Admission::Admitted => Ok(()),
        Admission::Wait(wait) => Err(Error::TooMany(wait)),
    }
}

fn apply(tx: &mut Tx<'_>, app: &App, user: UserId, token: &Token, email: &EmailAddress) -> Result<Changed, Error> {
    users::lock_credentials(tx, user)?.filter(|held| !held.is_disabled).ok_or(Error::Ended)?;
    let before = users::find(tx, user)?.ok_or(Error::Ended)?;
    if !sessions::hold(tx, token)? {
        return Err(Error::Ended);
    }
    if before.email == *email {
        return Ok(Changed::Same);
    }
    if before.email.key() == email.key() {
        store::set_spelling(tx, user, email)?;
        audit::record(tx, Event::about(user, "email.respelled"))?;
        return Ok(Changed::Respelled);
    }
    if let Some(provider) = domains::enforced(tx, email)? {
        return Err(Error::ProviderOnly(provider));
    }
    // Nor out of one: whom their organization lets go would stay.
    if let Some(provider) = domains::enforced_on(tx, &before.email, user)? {
        return Err(Error::ProviderOnly(provider));
    }
    let mailbox = Key::mail_to(email, app.settings.limits.mail_per_account);
    if let Admission::Wait(wait) = throttle::admit(tx, &[mailbox])? {
        return Err(Error::TooMany(wait));
    }
    take(tx, user, email)?;
    leave(tx, app, &before)?;
    verify_email::send_link(tx, app, user, email)?;
    sessions::rotate_all_at_next_visit(tx, user)?;
    let opened = sessions::rotate(tx, &app.settings.session, token)?.ok_or(Error::Ended)?;
    audit::record(tx, Event::about(user, "email.changed").with("was_verified", before.is_verified()))?;
    Ok(Changed::Moved(opened))
}

/// Of two who want the same address at once, the second waits here and then gets none.
fn take(tx: &mut Tx<'_>, user: UserId, email: &EmailAddress) -> Result<(), Error> {
    put(tx, user, email, None)?;
    match find_keeper(tx, email)? {
        Some(keeper) if keeper != user => Err(Error::Taken),
        Some(_) | None => Ok(()),
    }
}

fn put(tx: &mut Tx<'_>, user: UserId, email: &EmailAddress, verified_at: Option<DateTime<Utc>>) -> Result<(), Error> {
    match store::set_address(tx, user, email, verified_at) {
        Err(db::Error::Duplicate(_)) => Err(Error::Taken),
        put => Ok(put?),
    }
}

fn leave(tx: &mut Tx<'_>, app: &App, before: &User) -> Result<(), Error> {
    end_links(tx, before.id)?;
    if before.is_verified() {
        let token = Token::generate();
        let way_back = store::NewUndo { digest: token.digest(), before, expires_at: tx.now + EMAIL_UNDO_TTL };
        store::insert(tx, &way_back)?;
        mail::enqueue(tx, &app.sealer, &before.email, Some(before.id), Letter::EmailChanged { token })?;
    }
    Ok(())
}

/// What was mailed to the address of an account leads nowhere any more.
pub(super) fn end_links(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    users::delete_links(tx, user)?;
    magic_link::end_links(tx, user)?;
    reset::end_links(tx, user)
}

/// Who may have this address back. Whoever takes an address looks here *after* taking it: somebody who leaves it at the
/// same moment has committed by then.
pub(super) fn find_keeper(tx: &mut ReadTx<'_>, email: &EmailAddress) -> Result<Option<UserId>, db::Error> {
    store::find_keeper(tx, &email.key())
}

/// Those of the addresses that are kept for somebody. Each is the [key](EmailAddress::key) of one.
pub(super) fn list_kept(tx: &mut ReadTx<'_>, keys: &[String]) -> Result<HashSet<String>, db::Error> {
    Ok(store::list_kept(tx, keys)?.into_iter().collect())
}

/// Whether an account whose address is not proved had proved another before. Letters to it may reach anybody.
pub fn is_unsettled(tx: &mut ReadTx<'_>, user: UserId) -> Result<bool, db::Error> {
    store::has_any(tx, user)
}

/// The address that an account had proved before the one it has now, which it has not.
pub(super) fn find_proved_before(tx: &mut ReadTx<'_>, user: UserId) -> Result<Option<EmailAddress>, db::Error> {
    Ok(store::find_last(tx, user)?.map(|way_back| way_back.email))
}

/// Until when a person can take a change of their address back; `None` when there is none to take back.
pub fn undoable_until(tx: &mut ReadTx<'_>, user: UserId) -> Result<Option<DateTime<Utc>>, db::Error> {
    store::find_last_end(tx, user)
}

/// Somebody else has proved the address that a person had taken and not proved: they go back to the one that they
/// proved last, and stay signed in.
pub(super) fn give_way(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    let Some(last) = store::find_last(tx, user)? else { return Ok(()) };
    let now = tx.now;
    end_links(tx, user)?;
    store::set_address(tx, user, &last.email, Some(now))?;
    store::delete_from(tx, &last)?;
    sessions::rotate_all_at_next_visit(tx, user)?;
    audit::record(tx, Event::about(user, "email.restored").with("by", "new holder"))
}

/// Deletes what nobody can use any more, and no account is to go back to: which addresses people had is nobody's business for ever. How many rows.
pub fn forget_expired(tx: &mut Tx<'_>) -> Result<usize, db::Error> {
    store::delete_expired(tx)
}
