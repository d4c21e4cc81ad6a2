//! What came of answers that were refused, and of those to tests: kept for a day, for the organization's administrators.
//!
//! A report names people and what their provider says of them, so it is sealed, and opens only in its own row. Whoever
//! was refused is told its **reference** and a short sentence; an administrator finds every check by it, with what was
//! seen, what was expected, and the document without its secrets. Anybody can post nonsense, so each connection keeps
//! the newest [`MOST`] of them.

mod store;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::crypto::{Sealer, Unsealable};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::secrets::random_bytes;
use crate::kernel::{ConnectionId, ReportId, UserId};
use crate::sso::saml::{Check, Report};

/// How long one is kept.
pub const TTL: TimeDelta = TimeDelta::hours(24);

/// How many of a connection.
pub const MOST: i64 = 200;

/// What was going on when the answer came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    SignIn,
    StepUp,
    /// Somebody tried the connection out.
    Test,
    SignOut,
    /// Nobody had asked for it.
    IdpInitiated,
}

impl Purpose {
    const ALL: [Self; 5] = [Self::SignIn, Self::StepUp, Self::Test, Self::SignOut, Self::IdpInitiated];

    /// The stable word for the API and the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::StepUp => "step_up",
            Self::Test => "test",
            Self::SignOut => "sign_out",
            Self::IdpInitiated => "idp_initiated",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// What to keep a report of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Occasion {
    pub connection: ConnectionId,
    pub purpose: Purpose,
    /// Who tried it out.
    pub user: Option<UserId>,
}

/// What people are shown of a report and can tell: eight letters and digits that are not mistaken for each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference(String);

impl Reference {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";
    const LENGTH: usize = 8;

    fn generate() -> Self {
        let letter = |byte: u8| Self::ALPHABET.iter().cycle().nth(usize::from(byte)).copied().unwrap_or_default();
        Self(random_bytes::<{ Self::LENGTH }>().into_iter().map(|byte| char::from(letter(byte))).collect())
    }

    /// As somebody has typed it; `None` for what can be none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let is_one = text.len() == Self::LENGTH && text.bytes().all(|byte| Self::ALPHABET.contains(&byte));
        is_one.then_some(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the provider's words come to here, for whoever tries the connection out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MapsTo {
    pub email: Option<String>,
    pub name: Option<String>,
    /// As the provider calls them.
    pub groups: Vec<String>,
    pub role: String,
    /// Ours, by name.
    pub own_groups: Vec<String>,
    pub account: Account,
}

/// Whose account it would be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// They have come by it before.
    Known,
    /// The one with their address.
    Existing,
    /// One would be made.
    New,
    /// The owner of an account would have to say that they are meant.
    Unknown,
}

/// What is sealed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contents {
    #[serde(flatten)]
    pub report: Report,
    #[serde(default)]
    pub maps_to: Option<MapsTo>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    pub reference: Reference,
    pub purpose: Purpose,
    pub user: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub report: Report,
    /// For a test.
    pub maps_to: Option<MapsTo>,
}

impl Kept {
    /// The first check that it failed; `None` for an answer that was good.
    pub fn refused(&self) -> Option<Check> {
        self.report.outcome.as_ref().err().copied()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
    #[error("a report that is kept cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// Keeps a report, in place of the oldest one if there are many.
pub fn keep(tx: &mut Tx<'_>, sealer: &Sealer, occasion: Occasion, contents: &Contents) -> Result<Reference, Error> {
    let id = ReportId::new(tx.now);
    let reference = Reference::generate();
    let blob = sealer.seal(&sealed_for(id), &serde_json::to_vec(contents)?)?;
    store::delete_oldest(tx, occasion.connection, MOST - 1)?;
    let ends = tx.now + TTL;
    let word = occasion.purpose.as_str();
    store::insert(
        tx,
        &store::NewRow {
            id,
            connection_id: occasion.connection,
            reference: &reference.0,
            purpose: word,
            user_id: occasion.user,
            sealed_report: &blob,
            created_at: tx.now,
            expires_at: ends,
        },
    )?;
    Ok(reference)
}

/// Those of one connection, the newest first.
pub fn list(tx: &mut ReadTx<'_>, sealer: &Sealer, connection: ConnectionId) -> Result<Vec<Kept>, Error> {
    store::list(tx, connection)?.into_iter().map(|row| open(sealer, row)).collect()
}

/// `None` for another connection's, and for one whose day is over.
pub fn find(
    tx: &mut ReadTx<'_>,
    sealer: &Sealer,
    connection: ConnectionId,
    reference: &Reference,
) -> Result<Option<Kept>, Error> {
    store::find(tx, connection, &reference.0)?.map(|row| open(sealer, row)).transpose()
}

fn open(sealer: &Sealer, row: store::Row) -> Result<Kept, Error> {
    let clear = sealer.open(&sealed_for(row.id), &row.sealed_report)?;
    let contents: Contents = serde_json::from_slice(&clear)?;
    let strange = || db::Error::Internal(format!("the purpose {:?} of a report", row.purpose));
    Ok(Kept {
        purpose: Purpose::parse(&row.purpose).ok_or_else(strange)?,
        reference: Reference(row.reference),
        user: row.user_id,
        created_at: row.created_at,
        expires_at: row.expires_at,
        report: contents.report,
        maps_to: contents.maps_to,
    })
}

fn sealed_for(id: ReportId) -> String {
    format!("saml report {id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_as_it_was_written_and_as_people_type_it() {
        for _ in 0..100 {
            let reference = Reference::generate();
            assert_eq!(Reference::parse(reference.as_str()), Some(reference.clone()));
            assert_eq!(Reference::parse(&format!(" {} ", reference.0.to_uppercase())), Some(reference));
        }
        for other in ["", "abcdefg", "abcdefghj", "abcdefgo", "abcdefg0", "abcdefgé"] {
            assert_eq!(Reference::parse(other), None, "{other}");
        }
    }
}
