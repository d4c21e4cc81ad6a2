//! Everybody who has an account, as the operator sees them: what their state is, and nothing secret.

mod store;

use chrono::{DateTime, Utc};

pub use store::Entry;

use crate::db::{self, ReadTx};
use crate::kernel::{EmailAddress, UserId};

/// Of all people only those; of several, whoever is all of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Only {
    Unverified,
    Disabled,
    /// Who have asked to be deleted.
    Leaving,
    Administrators,
}

/// So many at most, in the order in which their accounts were made, after somebody or from the first on. The person
/// after whom it goes on need not be there any more.
pub fn list(tx: &mut ReadTx<'_>, after: Option<UserId>, only: &[Only], most: i64) -> Result<Vec<Entry>, db::Error> {
    store::list(tx, after, only, most)
}

pub fn find(tx: &mut ReadTx<'_>, id: UserId) -> Result<Option<Entry>, db::Error> {
    store::find(tx, id)
}

/// Whose address it is, in whatever case.
pub fn find_holder(tx: &mut ReadTx<'_>, email: &EmailAddress) -> Result<Option<UserId>, db::Error> {
    store::find_holder(tx, &email.key())
}

/// How somebody's account stands, when several things could be said the gravest of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Disabled(DateTime<Utc>),
    /// And gone from this instant on.
    Leaving(DateTime<Utc>),
    Unverified,
    Active,
}

impl Entry {
    pub fn state(&self) -> State {
        match (self.disabled_at, self.deletes_at, self.email_verified_at) {
            (Some(at), ..) => State::Disabled(at),
            (None, Some(at), _) => State::Leaving(at),
            (None, None, None) => State::Unverified,
            (None, None, Some(_)) => State::Active,
        }
    }
}
