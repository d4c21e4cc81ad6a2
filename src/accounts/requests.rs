//! What people ask for who have typed an address and nothing else: a letter that gets them in.
//!
//! Asking writes down the address that somebody typed ([`write_down`]), and no more. Whether it has an account is
//! looked up by a job a moment later ([`take_next`], [`find_enabled`]), and only then is there a letter: so strangers
//! get the same answer after the same work, and it cannot take longer for an address that we know.

mod store;

use chrono::TimeDelta;

use super::store as users;
use super::{User, change_email};
use crate::db::{self, Tx};
use crate::domains::{self, Provider};
use crate::kernel::{Digest, EmailAddress, LetterRequestId, Origin};
use crate::throttle::{self, Admission, Key};

/// What the letter is to be good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// A link to choose a new password by.
    NewPassword,
    /// A link that signs in the browser with this cookie.
    MagicLink { browser: Digest },
}

/// Somebody wants a letter.
#[derive(Debug)]
pub struct Request {
    id: LetterRequestId,
    /// As it was typed.
    pub email: EmailAddress,
    pub wish: Wish,
    origin: Origin,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The network has asked often enough for now; about the address this says nothing.
    #[error("too many letters asked for from this address")]
    TooMany(TimeDelta),
    /// Whether or not there is an account.
    #[error("people with this address sign in by their organization's provider")]
    ProviderOnly(Provider),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// What asking is counted under.
pub(super) struct Keys {
    pub network: Option<Key>,
    pub mailbox: Key,
}

/// Whether somebody who asks is listened to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    Yes,
    /// The mailbox has had enough letters. To the outside this must look like [`Heard::Yes`].
    EnoughLetters,
    /// The network has asked often enough.
    Wait(TimeDelta),
}

pub(super) fn admit(tx: &mut Tx<'_>, keys: &Keys) -> Result<Heard, db::Error> {
    if let Some(Admission::Wait(wait)) = keys.network.map(|key| throttle::admit(tx, &[key])).transpose()? {
        return Ok(Heard::Wait(wait));
    }
    Ok(match throttle::admit(tx, &[keys.mailbox])? {
        Admission::Admitted => Heard::Yes,
        Admission::Wait(_) => Heard::EnoughLetters,
    })
}

/// For the job. On whose behalf comes from the transaction.
pub(super) fn write_down(tx: &mut Tx<'_>, email: &EmailAddress, wish: Wish) -> Result<(), db::Error> {
    store::insert(tx, email, wish)
}

/// The request that has waited longest, which waits no more. `None` when there is none. From here on the transaction
/// acts on behalf of whoever asked: letters and audit are to say who and from where, not which job wrote them.
pub fn take_next(tx: &mut Tx<'_>) -> Result<Option<Request>, db::Error> {
    let Some(request) = store::lock_next(tx)? else { return Ok(None) };
    store::delete(tx, request.id)?;
    tx.origin = request.origin.clone();
    Ok(Some(request))
}

/// Who is to get the letter, held until the transaction ends. Nobody at a disabled account; nobody who has to sign in by a
/// provider, but for those who were named for the case that it is out of order; and nobody where the address
/// is not proved and another was before: a thief may have put theirs there, or a slip of the pen a stranger's.
pub(super) fn find_enabled(tx: &mut Tx<'_>, email: &EmailAddress) -> Result<Option<User>, db::Error> {
    let known = users::find_credentials(tx, &email.key())?.filter(|known| !known.is_disabled);
    let Some(user) = known.map(|known| users::lock(tx, known.user)).transpose()?.flatten() else { return Ok(None) };
    if domains::enforced_on(tx, &user.email, user.id)?.is_some() {
        return Ok(None);
    }
    let is_doubtful = !user.is_verified() && change_email::is_unsettled(tx, user.id)?;
    Ok((!is_doubtful).then_some(user))
}
