//! What people give to programs in place of a session: API keys.
//!
//! - A key is **issued** ([`issue`]) to somebody whose address is verified, and shown once; only its digest is stored.
//!   It has a name, an end, and scopes ([`Scope`]) that say what it is good for. It never is for changing anything.
//! - A program **shows** it ([`authenticate`]) with each request. One that was never ours, to a typing error, is known by
//!   its tag (that of [`crate::crypto::Sealer`]) and not looked up. The row is the truth: a key is good until it is
//!   revoked or its end has come, and while its holder is not disabled.
//!   Each node remembers keys for its gate as it remembers sessions, and forgets one that ends as surely ([`recognise`]).
//! - When and from where it was **last used** is written behind, to the minute ([`Uses`]).
//! - It **ends** ([`revoke`]) by its holder, who is told by a letter, or with everything else that could let somebody in
//!   who has lost or stolen the account ([`revoke_all`]). One whose end has come is listed for a while ([`sweep`]).
//!
//! `vst_` and 64 characters of base64url (RFC 4648, section 5): 256 random bits and a tag of 128. The prefix is for
//! programs that look for secrets in places where they should not be.

mod authenticate;
mod issue;
mod revoke;
mod store;
mod uses;

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

pub use authenticate::{KnownProgram, Program, Shown, authenticate, recognise};
pub use issue::{DEFAULT_TTL, Issued, LONGEST_TTL, MOST, NewKey, SHORTEST_TTL, issue};
pub use revoke::{revoke, revoke_all, sweep};
pub use uses::Uses;

use crate::crypto::{Sealer, Unsealable};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ApiKeyId, EmailAddress, UserId};
use crate::mail::{self, KeyChange, Letter};

/// What every key begins with.
pub const PREFIX: &str = "vst_";

/// How long one that has run out is still listed, so that nobody wonders where it went.
const LISTED_AFTER_ITS_END: TimeDelta = TimeDelta::days(30);

/// What a key is good for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// Apps behind the gate, where their rule takes keys.
    Gateway,
    /// Looking at the account by the API.
    AccountRead,
}

impl Scope {
    pub const ALL: [Self; 2] = [Self::Gateway, Self::AccountRead];

    /// The stable word for the API, the table and the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::AccountRead => "account:read",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// At least one scope, each once, in their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scopes(Vec<Scope>);

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidScopes {
    #[error("A key without a scope is good for nothing: take \"gateway\" or \"account:read\", or both.")]
    None,
    #[error("A scope is \"gateway\" or \"account:read\".")]
    Unknown,
}

impl Scopes {
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidScopes> {
        let scopes = words.into_iter().map(|word| Scope::parse(word).ok_or(InvalidScopes::Unknown));
        let mut scopes: Vec<Scope> = scopes.collect::<Result<_, _>>()?;
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() { Err(InvalidScopes::None) } else { Ok(Self(scopes)) }
    }

    /// What a newer node has written and this one does not know counts for nothing.
    fn from_stored(words: &[String]) -> Self {
        Self(words.iter().filter_map(|word| Scope::parse(word)).collect())
    }

    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    pub fn words(&self) -> Vec<&'static str> {
        self.0.iter().map(|scope| scope.as_str()).collect()
    }
}

impl Default for Scopes {
    /// Opening apps tells least about its holder's account.
    fn default() -> Self {
        Self(vec![Scope::Gateway])
    }
}

/// A key as its holder sees it.
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub id: ApiKeyId,
    /// How it begins: `vst_Ab3d`.
    pub hint: String,
    pub name: String,
    pub scopes: Scopes,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    pub last_used_from: Option<IpAddr>,
}

impl ApiKey {
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The session in which it was asked for is over, or its holder is disabled.
    #[error("the session has ended")]
    Ended,
    #[error("the address of its holder is not verified")]
    NotVerified,
    #[error("there are {MOST} keys already")]
    TooMany,
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

/// All that a person has, the newest first.
pub fn list(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<ApiKey>, db::Error> {
    store::list(tx, user)
}

/// Whose keys they are, held until the transaction ends.
struct Owner {
    id: UserId,
    email: EmailAddress,
    is_verified: bool,
    is_disabled: bool,
}

/// An address that nobody has proved may be a stranger's, who is not to get letters about it.
fn tell_owner(tx: &mut Tx<'_>, sealer: &Sealer, owner: &Owner, change: KeyChange, name: &str) -> Result<(), Error> {
    if owner.is_verified {
        let letter = Letter::ApiKeyChanged { change, name: name.to_owned() };
        mail::enqueue(tx, sealer, &owner.email, Some(owner.id), letter)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_words_of_a_list_and_at_least_one() {
        let words = |words: &[&'static str]| Scopes::parse(words.iter().copied()).map(|scopes| scopes.words());
        assert_eq!(words(&["account:read", "gateway", "gateway"]), Ok(vec!["gateway", "account:read"]));
        assert_eq!(words(&[]), Err(InvalidScopes::None));
        for unknown in ["", "Gateway", "account", "account:write", "*", "gateway account:read"] {
            assert_eq!(words(&["gateway", unknown]), Err(InvalidScopes::Unknown), "{unknown}");
        }
    }
}
