//! What the operator sees of the outbox, and may do about it.

use chrono::{DateTime, TimeDelta, Utc};

use super::store::{self, Unfinished};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{EmailAddress, LetterId, UserId};

/// A letter overdue by this much says that nobody is sending.
const STUCK_AFTER: TimeDelta = TimeDelta::minutes(10);

/// How long there is a row to look at.
const SENT_IS_KEPT: TimeDelta = TimeDelta::days(7);
const GIVEN_UP_IS_KEPT: TimeDelta = TimeDelta::days(30);

/// A letter that is not sent.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub id: LetterId,
    pub to: String,
    pub letter: String,
    pub created_at: DateTime<Utc>,
    pub attempts: i32,
    pub state: State,
    pub last_error: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// The next attempt is due then.
    Queued(DateTime<Utc>),
    /// Somebody is at it, and has until then.
    Sending(DateTime<Utc>),
    GivenUp(DateTime<Utc>),
}

/// What became of the wish to send a letter again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retried {
    Queued,
    /// There is no such letter, or it was sent.
    NotWaiting,
    /// An attempt is under way.
    BeingSent,
    /// Its link was erased when it was given up. Whoever needs one has to ask for a new one.
    SecretErased,
}

/// Oldest first.
pub fn list(tx: &mut ReadTx<'_>) -> Result<Vec<Waiting>, db::Error> {
    let now = tx.now;
    let letters = store::list_unfinished(tx)?;
    Ok(letters.into_iter().map(|letter| waiting(letter, now)).collect())
}

fn waiting(letter: Unfinished, now: DateTime<Utc>) -> Waiting {
    Waiting {
        state: state(&letter, now),
        id: letter.id,
        to: letter.recipient,
        letter: letter.letter,
        created_at: letter.created_at,
        attempts: letter.attempts,
        last_error: letter.last_error,
    }
}

fn state(letter: &Unfinished, now: DateTime<Utc>) -> State {
    let leased_until = letter.leased_until.filter(|until| *until > now);
    match (letter.gave_up_at, leased_until) {
        (Some(at), _) => State::GivenUp(at),
        (None, Some(until)) => State::Sending(until),
        (None, None) => State::Queued(letter.next_attempt_at),
    }
}

/// Makes a letter due at once, whether it waits or was given up.
pub fn retry(tx: &mut Tx<'_>, id: LetterId) -> Result<Retried, db::Error> {
    let Some(letter) = store::lock_unfinished(tx, id)? else { return Ok(Retried::NotWaiting) };
    if letter.has_lost_its_secret() {
        return Ok(Retried::SecretErased);
    }
    match state(&letter, tx.now) {
        State::Sending(_) => Ok(Retried::BeingSent),
        State::Queued(_) | State::GivenUp(_) => {
            store::restart(tx, id)?;
            Ok(Retried::Queued)
        }
    }
}

/// The same for every letter that is not sent.
pub fn retry_all(tx: &mut Tx<'_>) -> Result<Vec<(LetterId, Retried)>, db::Error> {
    let letters = store::list_unfinished(tx)?;
    letters.into_iter().map(|letter| Ok((letter.id, retry(tx, letter.id)?))).collect()
}

/// Whether a letter is so overdue that sending must have come to a stop. A mail server that is down is no
/// reason for this node to be taken out of service: its letters are put off, and are not overdue.
pub fn is_stuck(tx: &mut ReadTx<'_>) -> Result<bool, db::Error> {
    let long_ago = tx.now - STUCK_AFTER;
    store::is_any_due(tx, long_ago)
}

/// How many letters wait to be sent.
pub fn count_waiting(tx: &mut ReadTx<'_>) -> Result<i64, db::Error> {
    store::count_unsent(tx)
}

/// How many letters about a person wait to be sent, or could not be.
pub fn count_waiting_for(tx: &mut ReadTx<'_>, user: UserId) -> Result<i64, db::Error> {
    store::count_unsent_to(tx, user)
}

/// Deletes all that was ever written to one of these addresses, sent or not, and takes them out of invitations to others.
pub fn forget_letters_to(tx: &mut Tx<'_>, addresses: &[EmailAddress]) -> Result<(), db::Error> {
    let recipients: Vec<String> = addresses.iter().map(EmailAddress::key).collect();
    store::delete_to(tx, &recipients)?;
    store::forget_inviter(tx, &recipients)
}

/// Deletes what is of no use any more: whom we wrote to is nobody's business for ever. How many rows.
pub fn forget_old(tx: &mut Tx<'_>) -> Result<usize, db::Error> {
    let now = tx.now;
    Ok(store::delete_sent_before(tx, now - SENT_IS_KEPT)? + store::delete_given_up_before(tx, now - GIVEN_UP_IS_KEPT)?)
}
