//! What organizations have set up to sign their people in by an identity provider.
//!
//! Tables: `connections`, and what goes with each: `connection_certificates` (what the provider may sign with),
//! `connection_keys` (what is ours, sealed), `connection_roles` and `connection_groups` (what its groups mean here).
//!
//! - An owner **adds** one ([`add`]) from the provider's metadata or by hand. It gets a key of ours at once.
//! - What it is to be is written as a [`Wish`], by whatever door, and read into [`Changes`], all of whose faults are found
//!   at once. It can be **changed** and **removed** ([`change`], [`remove`]), and our keys **rolled over** ([`keys`]).
//! - Every change of what a sign-in depends on moves `changed_at`, so that a test from before it shows nothing any more
//!   ([`Connection::is_tested`]).
//! - Metadata that has an address is fetched again and again ([`refresh_next`]); certificates that run out are warned of
//!   ([`warn_next`]). It can become the only way in for its people ([`enforcement`]).
//! - Whoever signs somebody in asks [`find_for_sign_in`], which has all that an answer is held against. Whether a domain
//!   gives it anybody to serve is known to [`crate::domains`].
//!
//! Steps that change one are handed the organization by whoever holds it: [`crate::orgs::act`] with
//! [`crate::orgs::Permission::ManageSingleSignOn`], or [`crate::orgs::lock`] for the operator.

mod add;
mod attributes;
mod change;
pub mod enforcement;
pub mod fetch;
pub mod keys;
mod mappings;
mod place;
mod refresh;
mod served;
mod store;
mod warn;
mod whole;
#[expect(clippy::option_option, reason = "absent, null and given are three things (RFC 7396)")]
pub mod wish;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

pub use add::{New, add};
pub use attributes::{Attributes, Said};
pub use change::{change, remove};
pub use place::Place;
pub use refresh::{Refreshed, count_failing, first_end, refresh, refresh_next};
pub use warn::{WARNINGS, warn_next};
pub use whole::Whole;
pub use wish::{Changes, Fault, Wish};

use super::saml::{Certificate, Endpoint, Provider};
use crate::audit::{self, Event};
use crate::crypto::{Sealer, Unsealable};
use crate::db::{self, ReadTx, Tx};
use crate::domains;
use crate::kernel::{ConnectionId, ConnectionKeyId, GroupId, OrganizationId, UserId};
use crate::mail;
use crate::orgs::{self, Role};

/// How many an organization may have.
pub const MOST: i64 = 20;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connection {
    pub id: ConnectionId,
    pub organization: OrganizationId,
    pub name: String,
    pub idp: Idp,
    pub source: Source,
    pub attributes: Attributes,
    /// For those of whose groups none is mapped; `None`: they are not let in.
    pub default_role: Option<Role>,
    pub signs_requests: bool,
    /// Whether the provider may begin.
    pub allows_idp_initiated: bool,
    /// From then on the people of its domains sign in by it alone; `None` while they need not.
    pub enforced_from: Option<DateTime<Utc>>,
    /// When an administrator tried it out last and got through, and who.
    pub tested_at: Option<DateTime<Utc>>,
    pub tested_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    /// When anything was changed last on which a sign-in depends.
    pub changed_at: DateTime<Utc>,
}

/// The provider: what it is called, and where it takes messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Idp {
    pub entity_id: String,
    pub sso: Endpoint,
    pub slo: Option<Endpoint>,
    /// Where answers about signing out go, when not to `slo`.
    pub slo_answer_url: Option<String>,
}

/// Where that is from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// A document that was given once.
    Xml { read_at: DateTime<Utc> },
    /// A document that is fetched again and again.
    Url(Fetched),
    /// What somebody has typed.
    Hand,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fetched {
    pub url: String,
    /// When it was last fetched and read.
    pub at: DateTime<Utc>,
    /// Why that has not worked since; what was read before still holds.
    pub error: Option<String>,
    pub due: DateTime<Utc>,
}

/// What the provider's groups mean here.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Mappings {
    pub roles: BTreeMap<String, Role>,
    pub groups: BTreeMap<String, Vec<GroupId>>,
}

/// A key of ours, as others may know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    pub id: ConnectionKeyId,
    /// X.509, DER.
    pub certificate: Vec<u8>,
    /// One of them signs; all of them decrypt.
    pub signs: bool,
    pub created_at: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
}

/// All that it takes to ask a provider and to judge its answer.
#[derive(Debug)]
pub struct Ready {
    pub connection: Connection,
    /// X.509, DER: whose keys may sign.
    pub certificates: Vec<Vec<u8>>,
    pub keys: Keys,
    pub mappings: Mappings,
}

impl Ready {
    /// What an answer is held against.
    pub fn provider<'a>(&'a self, place: &'a Place) -> Provider<'a> {
        Provider {
            entity_id: &self.connection.idp.entity_id,
            certificates: &self.certificates,
            audience: &place.entity_id,
            acs_url: &place.acs,
            keys: &self.keys.all,
        }
    }
}

/// Private keys of ours: PKCS#8, DER. `Debug` prints none, and none stays in memory.
pub struct Keys {
    all: Vec<Vec<u8>>,
}

impl Keys {
    /// What requests are signed with.
    pub fn signing(&self) -> Option<&[u8]> {
        self.all.first().map(Vec::as_slice)
    }

    /// All to which assertions may be encrypted.
    pub fn all(&self) -> &[Vec<u8>] {
        &self.all
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.all.len())
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.all.iter_mut().for_each(zeroize::Zeroize::zeroize);
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such connection")]
    Unknown,
    /// An organization has [`MOST`].
    #[error("there are {MOST} connections already")]
    TooMany,
    /// For it to be the only way in.
    #[error("it cannot be the only way yet")]
    NotReady(Vec<enforcement::Missing>),
    #[error("the day is too far ahead")]
    TooFarAhead,
    /// By an id or an address.
    #[error("the organization has no owner {0}")]
    NoSuchOwner(String),
    #[error("there is no such key")]
    NoSuchKey,
    #[error("requests are signed with this key")]
    KeySigns,
    #[error("there are {} keys already", keys::MOST_KEYS)]
    TooManyKeys,
    /// Of the organization, by its id or name.
    #[error("the organization has no group {0}")]
    NoSuchGroup(String),
    #[error(transparent)]
    Domains(#[from] domains::Error),
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

/// The oldest first.
pub fn list_of(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<Vec<Connection>, db::Error> {
    store::list_of(tx, organization)
}

/// `None` for another organization's.
pub fn find(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    id: ConnectionId,
) -> Result<Option<Connection>, db::Error> {
    Ok(store::find(tx, id)?.filter(|connection| connection.organization == organization))
}

/// Whosever it is.
pub fn find_any(tx: &mut ReadTx<'_>, id: ConnectionId) -> Result<Option<Connection>, db::Error> {
    store::find(tx, id)
}

/// What the provider may sign with; what ends first comes first.
pub fn list_certificates(tx: &mut ReadTx<'_>, id: ConnectionId) -> Result<Vec<Certificate>, db::Error> {
    store::list_certificates(tx, id)
}

/// The one that signs first, then the oldest.
pub fn list_keys(tx: &mut ReadTx<'_>, id: ConnectionId) -> Result<Vec<Key>, db::Error> {
    store::list_keys(tx, id)
}

pub fn load_mappings(tx: &mut ReadTx<'_>, id: ConnectionId) -> Result<Mappings, db::Error> {
    Ok(Mappings { roles: store::list_roles(tx, id)?, groups: store::list_groups(tx, id)? })
}

/// The connection with all that it takes to sign somebody in by it; `None` when there is none.
pub fn find_for_sign_in(tx: &mut ReadTx<'_>, sealer: &Sealer, id: ConnectionId) -> Result<Option<Ready>, Error> {
    let Some(connection) = store::find(tx, id)? else { return Ok(None) };
    let certificates = store::list_certificates(tx, id)?.into_iter().map(|certificate| certificate.der).collect();
    let mut keys = Keys { all: Vec::new() };
    for (key, sealed) in store::list_sealed_keys(tx, id)? {
        keys.all.push(sealer.open(&purpose(key), &sealed)?);
    }
    Ok(Some(Ready { connection, certificates, keys, mappings: load_mappings(tx, id)? }))
}

/// Remembers that an administrator of the organization has signed in by it to try it out, as it was read for
/// that, and all was well. Of one that was changed meanwhile that says nothing.
pub fn mark_tested(tx: &mut Tx<'_>, connection: &Connection, by: UserId) -> Result<(), db::Error> {
    if store::set_tested(tx, connection, by)? { audit::record(tx, event(connection, "sso.tested")) } else { Ok(()) }
}

impl Connection {
    /// Whether it was tried out as it is now, and not before `since`.
    pub fn is_tested(&self, since: DateTime<Utc>) -> bool {
        self.tested_at.is_some_and(|at| at >= self.changed_at && at >= since)
    }

    /// Whether the people of its domains can sign in by it alone.
    pub fn is_enforced(&self, now: DateTime<Utc>) -> bool {
        self.enforced_from.is_some_and(|from| from <= now)
    }
}

/// Of what happens to a connection.
pub(super) fn event(connection: &Connection, kind: &'static str) -> Event {
    Event::about_nobody(kind)
        .within(connection.organization)
        .with("connection", connection.id.to_string())
        .with("name", connection.name.as_str())
}

/// A sealed key opens only in its own row.
fn purpose(id: ConnectionKeyId) -> String {
    format!("connection key {id}")
}
