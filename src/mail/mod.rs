//! Letters to people.
//!
//! A letter is a row of the transaction that causes it, so it is sent if and only if the change happened. It is
//! rendered when it is sent; what is secret in it (a link) is sealed in the row and erased afterwards.

mod store;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::crypto::{Sealer, Unsealable};
use crate::db::{self, Tx};
use crate::kernel::{EmailAddress, LetterId, Token, UserId};

const SEAL: &str = "mail";

/// What there is to write about. Device, address and time come from the transaction.
#[derive(Debug)]
pub enum Letter {
    /// Prove that this address is yours: a link to `/verify-email`.
    VerifyEmail { token: Token },
    /// Somebody tried to sign up with an address that has an account.
    AlreadyRegistered,
    /// The operator asks whether mail arrives.
    Test,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
}

impl Letter {
    /// The folder of its templates.
    fn name(&self) -> &'static str {
        match self {
            Self::VerifyEmail { .. } => "verify_email",
            Self::AlreadyRegistered => "already_registered",
            Self::Test => "test",
        }
    }

    fn secret(&self) -> Option<String> {
        match self {
            Self::VerifyEmail { token } => Some(token.expose()),
            Self::AlreadyRegistered | Self::Test => None,
        }
    }
}

/// Puts a letter into the outbox.
pub fn enqueue(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    to: &EmailAddress,
    about: Option<UserId>,
    letter: Letter,
) -> Result<LetterId, Error> {
    let sealed = letter.secret().map(|secret| sealer.seal(SEAL, secret.as_bytes())).transpose()?;
    let now: DateTime<Utc> = tx.now;
    let details = json!({
        "at": now,
        "address": tx.origin.address,
        "user_agent": tx.origin.user_agent,
    });
    let row =
        store::NewLetter { id: LetterId::new(now), to: to.clone(), about, letter: letter.name(), details, sealed };
    store::insert(tx, &row)?;
    Ok(row.id)
}
