//! The first administrator: made by whoever holds the link that the service shows where it was started.
//!
//! The link is the operator's word, so the account it makes is verified. It is single use, holds for
//! [`LINK_TTL`], and only while there is no administrator. There is never more than one: each start takes the
//! last one's place, so a link in an old log is worthless. An account that exists is not touched by it.

use chrono::TimeDelta;

use super::signup::SignUp;
use super::{change_email, password, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::crypto::PasswordHash;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Digest, Origin, Token, UserId};

/// Long enough for a lunch between starting the service and setting it up. The next start shows another link.
pub const LINK_TTL: TimeDelta = TimeDelta::hours(24);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the link is unknown, used or expired")]
    Gone,
    #[error("the address has an account")]
    Taken,
    #[error(transparent)]
    Password(#[from] password::Refused),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// A form that was found good, with the slow work done.
pub struct Prepared {
    link: Digest,
    form: SignUp,
    hash: PasswordHash,
}

/// A new link, the only good one from now on; `None` when there is an administrator.
pub fn issue_link(tx: &mut Tx<'_>) -> Result<Option<Token>, db::Error> {
    if store::has_administrator(tx)? {
        return Ok(None);
    }
    let token = Token::generate();
    let expires_at = tx.now + LINK_TTL;
    store::put_setup_link(tx, &token.digest(), expires_at)?;
    Ok(Some(token))
}

/// Removes a link that no longer works. How many, which is one at most.
pub fn forget_old(tx: &mut Tx<'_>) -> Result<usize, db::Error> {
    store::delete_expired_setup_link(tx)
}

/// Whether a link still works. Looking uses nothing up.
pub fn is_open(tx: &mut ReadTx<'_>, link: &Digest) -> Result<bool, db::Error> {
    Ok(store::has_setup_link(tx, link)? && !store::has_administrator(tx)?)
}

/// Judges and hashes the password, for nobody without the link. A weak password keeps the link.
pub async fn prepare(app: &App, origin: &Origin, token: &Token, form: SignUp) -> Result<Prepared, Error> {
    let link = token.digest();
    if !app.db.read(move |tx| is_open(tx, &link)).await? {
        return Err(Error::Gone);
    }
    let hash = password::choose(app, origin, &form.password, &form.email, &form.name).await?;
    Ok(Prepared { link, form, hash })
}

/// Uses the link up. Of two at once the second waits for the first, and then finds no link.
pub fn make_first_administrator(tx: &mut Tx<'_>, prepared: &Prepared) -> Result<UserId, Error> {
    let is_first = store::take_setup_link(tx, &prepared.link)? && !store::has_administrator(tx)?;
    if !is_first {
        return Err(Error::Gone);
    }
    let id = UserId::new(tx.now);
    let SignUp { email, name, .. } = &prepared.form;
    if !store::insert(tx, id, email, name, &prepared.hash)? || change_email::find_keeper(tx, email)?.is_some() {
        // Rolling back gives the link back.
        return Err(Error::Taken);
    }
    store::set_verified(tx, id)?;
    store::set_admin(tx, id)?;
    for kind in ["user.created", "user.promoted"] {
        audit::record(tx, Event::about(id, kind).with("by", "set-up link"))?;
    }
    Ok(id)
}
