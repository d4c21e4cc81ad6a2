//! Half signed in: the first proof was right, and the account asks for a second one.
//!
//! No row of `sessions`, and a cookie of its own: whoever holds it can do nothing but give the second proof, within
//! ten minutes and with a limited number of tries. Whatever ends every session of a person ends these too.

mod store;

use chrono::TimeDelta;

use super::{Method, Provided, Remember};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Token, UserId};

/// How long somebody may look for their phone.
pub const PENDING_TTL: TimeDelta = TimeDelta::minutes(10);

/// Codes that may be tried before it takes the first proof again.
const MOST_TRIES: i32 = 10;

/// A sign-in that waits for its second proof.
#[derive(Clone, Copy, Debug)]
pub struct Pending {
    pub user: UserId,
    /// The first proof.
    pub by: Method,
    /// By which provider, where it was one.
    pub provided: Option<Provided>,
    pub remember: Remember,
}

/// Begins to wait. The token is for this browser alone.
pub fn begin_pending(tx: &mut Tx<'_>, pending: &Pending) -> Result<Token, db::Error> {
    let token = Token::generate();
    store::insert(tx, &token.digest(), pending, tx.now + PENDING_TTL)?;
    Ok(token)
}

/// `None` when it is unknown, over, or has been tried too often.
pub fn find_pending(tx: &mut ReadTx<'_>, token: &Token) -> Result<Option<Pending>, db::Error> {
    store::find(tx, &token.digest(), MOST_TRIES)
}

/// Counts a try, and holds the sign-in until the transaction ends. `Ok(false)` when there is none left.
pub fn count_try(tx: &mut Tx<'_>, token: &Token) -> Result<bool, db::Error> {
    store::count_try(tx, &token.digest(), MOST_TRIES)
}

/// Ends the one of this browser, if there is one.
pub fn end_pending(tx: &mut Tx<'_>, token: &Token) -> Result<(), db::Error> {
    store::delete(tx, &token.digest())
}

/// Ends all of a person.
pub fn end_pending_of(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    store::delete_all(tx, user)
}
