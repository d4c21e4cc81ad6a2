//! What happens, told to programs of others: an event of the audit log becomes a request to a URL that an admin of an
//! organization, or the operator, has named.
//!
//! **What is told.** Every event that is recorded, by the names of the audit log. An organization's webhook is told what
//! happens within that organization; the instance's webhooks are told everything. Nobody is told what happens to their
//! own webhook (that a delivery was given up would be given up as well), but for a test that they have asked for.
//!
//! **At least once.** A delivery is a row, made by a trigger in the transaction that records the event: whatever writes
//! an event, in whatever way, cannot forget those who are to be told, and no event is told that did not happen. With no
//! webhook this costs each event a look at an empty table (docs/webhooks.md has the figures). What an organization's own
//! webhook has not yet been told goes with the organization; that it was deleted is told by the instance's.
//!
//! **Nothing of it is kept.** A delivery holds ids. [`payload`] is put together for each attempt, from the event and
//! from what is known of its subject by then: of somebody who has been erased meanwhile, that is the id and no more. The
//! id stays with the delivery for as long as there is one, because those who were told of somebody must be able to learn
//! whom they have to forget.
//!
//! **Sending** is the same work as sending letters: claimed row by row with `SKIP LOCKED` and a lease, by any number of
//! nodes, under an id that stays the same; tried again, less and less often, for three days; then given up, and shown.
//! Each webhook has a few requests under way at most, so that a slow receiver holds up nobody but itself. In which order
//! things arrive is not promised. A webhook that takes nothing for five days is disabled, and a letter says so.
//!
//! **Whom we ask** is chosen by people whom the operator need not trust, so [`crate::outbound::Outside`] decides what
//! can be reached; by whom it is signed, receivers see as Standard Webhooks 1.0 says ([`signature`]).

mod address;
mod deliver;
mod deliveries;
mod disable;
mod kinds;
mod manage;
pub mod payload;
pub mod signature;
mod store;

use chrono::{DateTime, TimeDelta, Utc};

pub use address::{Address, Refused};
pub use deliver::drain;
pub use deliveries::{Delivery, Page, Redelivered, Standing, forget_old, list as list_deliveries, redeliver, waiting};
pub use kinds::{InvalidKinds, Kinds};
pub use manage::{Added, Changes, New, Rotated, Turned, add, change, find, list, remove, rotate, test};
pub use signature::Secret;

use crate::crypto::Unsealable;
use crate::db::{self, Tx};
use crate::kernel::{OrganizationId, UserId, WebhookId};
use crate::mail;
use crate::orgs::{self, Permission};

/// How many an organization may have.
pub const MOST: i64 = 20;

/// How long the old secret signs as well, once there is a new one.
pub const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// Who asks: what they do not look after does not exist for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keeper {
    /// All there are; those of the instance are made by nobody else.
    Operator,
    /// Those of one organization, which is held by who changes them: see [`keeper`].
    Organization(OrganizationId),
}

#[derive(Clone, Debug)]
pub struct Webhook {
    pub id: WebhookId,
    /// `None` for one of the instance's.
    pub organization: Option<OrganizationId>,
    pub address: Address,
    pub kinds: Kinds,
    pub created_at: DateTime<Utc>,
    pub created_by: Option<UserId>,
    /// Attempts since the last one that was taken.
    pub failures: i32,
    pub failing_since: Option<DateTime<Utc>>,
    pub disabled: Option<Disabled>,
    /// Until then the secret before the present one signs as well.
    pub old_secret_until: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Disabled {
    pub at: DateTime<Utc>,
    pub why: Why,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    ByHand,
    /// It took nothing for too long.
    Failing,
}

impl Why {
    const ALL: [Self; 2] = [Self::ByHand, Self::Failing];

    /// The stable word for the API, the table and the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByHand => "by_hand",
            Self::Failing => "failing",
        }
    }
}

/// Somebody who acts as an admin of an organization that nobody else changes until the transaction ends.
pub fn keeper(tx: &mut Tx<'_>, user: UserId, organization: OrganizationId) -> Result<Keeper, orgs::Error> {
    let acting = orgs::act(tx, user, organization, Permission::ManageWebhooks)?;
    Ok(Keeper::Organization(acting.organization.id))
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such webhook")]
    Unknown,
    /// An organization has [`MOST`].
    #[error("there are {MOST} webhooks already")]
    TooMany,
    #[error("the webhook is disabled")]
    Disabled,
    #[error(transparent)]
    Orgs(#[from] orgs::Error),
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
}

impl From<mail::Error> for Error {
    fn from(error: mail::Error) -> Self {
        match error {
            mail::Error::Db(error) => Self::Db(error),
            mail::Error::Unsealable(error) => Self::Unsealable(error),
        }
    }
}

/// A sealed secret opens only in its own row.
fn purpose(id: WebhookId) -> String {
    format!("webhook {id}")
}
