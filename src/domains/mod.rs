//! Domains of addresses: which organization has proved that one is its own, and what that means for its people.
//!
//! - An organization **claims** a domain ([`claim`]); any number may claim the same, and a claim gives no power.
//! - It **proves** it by a TXT record ([`Record`], [`check()`]), or by the operator's word ([`prove_by_word`]). From then on
//!   nobody else can, and what it says of addresses in this very domain (not below it) counts.
//! - The record is **looked for** every day ([`check_due`]). When it has been missing for a week, and the owners were
//!   told more than once, the proof ends. That nobody could answer is no reason: only an answer is.
//! - A proved domain may **have a connection** ([`assign`], `crate::sso`). Its people can sign in by it ([`provider_of`]);
//!   where the connection is **enforced**, they can in no other way, but for the owners who were named for the case that
//!   the provider is out of order ("break glass").
//!
//! Table: `domains`. Whoever changes what an organization has holds the organization first ([`crate::orgs::act`],
//! [`crate::orgs::lock`]): the steps here leave it to their callers to say who may.

mod change;
mod check;
mod dns;
mod name;
mod provider;
mod store;

use chrono::{DateTime, TimeDelta, Utc};

pub use change::{MOST, assign, claim, prove_by_word, remove};
pub use check::{Checked, check, check_due};
pub use dns::Record;
pub use name::{InvalidName, Name};
pub use provider::{
    Enforcement, Provider, enforced, enforced_on, is_of, provider_of, serves_anybody, tell_of_break_glass,
};

use crate::crypto::Unsealable;
use crate::db::{self, ReadTx};
use crate::kernel::{ConnectionId, DomainId, OrganizationId};
use crate::mail;
use crate::orgs;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Domain {
    pub id: DomainId,
    pub organization: OrganizationId,
    pub name: Name,
    /// What its record has to hold. Not a secret.
    pub token: String,
    /// By which its people sign in, once it is proved.
    pub connection: Option<ConnectionId>,
    pub proof: Option<Proof>,
    /// When its record was looked for last.
    pub checked_at: Option<DateTime<Utc>>,
    /// Why it was not seen then.
    pub check_error: Option<String>,
    /// Since when a record that proved it is missing.
    pub missing_since: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proof {
    pub at: DateTime<Utc>,
    pub by: ProvedBy,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProvedBy {
    Dns,
    /// Whoever runs the service has said so; no record is looked for.
    Operator,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Of this organization.
    #[error("the organization has no such domain")]
    Unknown,
    #[error("the organization has this domain already")]
    Repeated,
    #[error("it has {MOST} domains already")]
    TooMany,
    /// By another organization.
    #[error("another organization has proved that this domain is its own")]
    Taken,
    /// Of that organization.
    #[error("there is no such connection")]
    NoSuchConnection,
    /// Too many have been looked for; the next one is after this long.
    #[error("too many records were looked for")]
    Wait(TimeDelta),
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

impl ProvedBy {
    pub const ALL: [Self; 2] = [Self::Dns, Self::Operator];

    /// The stable word for the API, the table and the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Operator => "operator",
        }
    }
}

/// By name.
pub fn list(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<Vec<Domain>, db::Error> {
    store::list(tx, organization)
}

/// What people of a connection have behind their @, proved or not, by name.
pub fn list_of_connection(tx: &mut ReadTx<'_>, connection: ConnectionId) -> Result<Vec<Domain>, db::Error> {
    store::list_of_connection(tx, connection)
}

pub fn find(tx: &mut ReadTx<'_>, organization: OrganizationId, name: &Name) -> Result<Option<Domain>, db::Error> {
    store::find(tx, organization, name)
}
