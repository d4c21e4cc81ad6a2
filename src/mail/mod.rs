//! Letters to people.
//!
//! A letter is a row of the transaction that causes it, so it is sent if and only if the change happened. It is
//! rendered when it is sent; what is secret in it (a link) is sealed in the row, and erased once the letter is
//! sent or given up.
//!
//! [`drain`] sends what is due: at least once, under a Message-ID that stays the same, by any number of nodes at
//! the same time. What cannot be sent is tried again, less and less often, for a day; then it is given up, kept
//! and shown. Nothing here knows who is written to beyond an address: whether to write is the caller's decision.

mod failure;
mod inbox;
mod letter;
mod message;
mod mime;
mod outbox;
mod protection;
mod queue;
mod smtp;
mod store;
mod transport;
mod wire;

use serde_json::json;

pub use failure::Failure;
pub use inbox::{Inbox, Kept};
pub use letter::{
    DomainChange, EMAIL_UNDO_TTL, Ending, FactorChange, Fate, INVITATION_TTL, KeyChange, Letter, MAGIC_LINK_TTL,
    MembershipChange, NEW_PLACE_LINK_TTL, Protection,
};
pub use outbox::drain;
pub use queue::{
    Retried, State, Waiting, count_waiting, count_waiting_for, forget_letters_to, forget_old, is_stuck, list, retry,
    retry_all,
};
pub use transport::{Reached, Transport, Unusable, send_test};

use crate::crypto::{Sealer, Unsealable};
use crate::db::{self, Tx};
use crate::kernel::{EmailAddress, LetterId, UserId, device};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
}

/// Puts a letter into the outbox. Who asked for it, from where and when come from the transaction.
pub fn enqueue(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    to: &EmailAddress,
    about: Option<UserId>,
    letter: Letter,
) -> Result<LetterId, Error> {
    let id = LetterId::new(tx.now);
    let facts = letter.facts();
    let (kind, secret) = letter.take_apart();
    let blob = secret.map(|secret| sealer.seal(&purpose(id), secret.expose().as_bytes())).transpose()?;
    let mut details = json!({
        "at": tx.now,
        "address": tx.origin.address,
        // Not what the browser says of itself: strangers choose that, and this letter may go to somebody else.
        "browser": tx.origin.user_agent.as_deref().and_then(device::name),
    });
    if let Some(details) = details.as_object_mut() {
        details.extend(facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)));
    }
    let row = store::NewLetter { id, to: to.clone(), about, letter: kind.name(), details, sealed: blob };
    store::insert(tx, &row)?;
    Ok(id)
}

/// A sealed secret opens only in its own row.
fn purpose(id: LetterId) -> String {
    format!("mail {id}")
}
