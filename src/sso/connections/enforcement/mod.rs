//! Making a provider the only way in for the people of its domains.
//!
//! It is a checked step: something is **missing** ([`Missing`]) until a domain is proved and an administrator has signed in
//! by this very connection, as it is now and not long ago. Who would be **affected** is shown before ([`preflight`]). It may
//! begin on a day: those affected get a letter at once, and on that day their sessions end that are not of the provider
//! ([`tell_next`], [`cut_over_next`]). Owners can be **named** who may still sign in with their password when the provider
//! is out of order ([`name_break_glass`]); their sessions stay.

mod cutover;
mod preflight;
pub(super) mod store;

use chrono::{DateTime, TimeDelta, Utc};

pub use cutover::{Told, cut_over_next, tell_next};
pub use preflight::{Affected, MOST_SHOWN, Preflight, preflight};

use super::{Connection, Error, event};
use crate::audit::{self, Event};
use crate::db::{self, ReadTx, Tx};
use crate::domains;
use crate::kernel::UserId;
use crate::orgs::{self, Role};

/// A test shows that it works for so long.
pub const TEST_LASTS: TimeDelta = TimeDelta::hours(24);

/// How far ahead the day may be.
pub const LONGEST_NOTICE: TimeDelta = TimeDelta::days(90);

/// How many owners can be named.
pub const MOST_NAMED: usize = 10;

/// Why it cannot be the only way yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// None of its domains is.
    ProvedDomain,
    /// Nobody has signed in by it as it is now.
    Test,
    /// It was tried out too long ago.
    RecentTest,
}

impl Missing {
    /// The stable word for the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProvedDomain => "proved_domain",
            Self::Test => "test",
            Self::RecentTest => "recent_test",
        }
    }

    pub fn sentence(self) -> &'static str {
        match self {
            Self::ProvedDomain => "None of its domains is proved, so it serves nobody yet.",
            Self::Test => "Nobody has tried it out since it was last changed. Sign in by it with “Test connection”.",
            Self::RecentTest => "It was tried out more than a day ago. Sign in by it with “Test connection” once more.",
        }
    }
}

/// What lacks for this connection to be the only way.
pub fn missing(tx: &mut ReadTx<'_>, connection: &Connection) -> Result<Vec<Missing>, db::Error> {
    let is_proved = domains::list_of_connection(tx, connection.id)?.iter().any(|domain| domain.proof.is_some());
    let test = match connection.tested_at {
        Some(at) if at >= connection.changed_at && at + TEST_LASTS >= tx.now => None,
        Some(at) if at >= connection.changed_at => Some(Missing::RecentTest),
        Some(_) | None => Some(Missing::Test),
    };
    Ok((!is_proved).then_some(Missing::ProvedDomain).into_iter().chain(test).collect())
}

/// From this instant on, which is not before now, it is the only way; `None`: it is not. The connection is locked.
pub(super) fn enforce(tx: &mut Tx<'_>, connection: &Connection, from: Option<DateTime<Utc>>) -> Result<(), Error> {
    let from = from.map(|from| from.max(tx.now));
    match (connection.enforced_from, from) {
        (None, None) => Ok(()),
        (Some(_), None) => {
            store::set_enforced(tx, connection.id, None)?;
            Ok(audit::record(tx, event(connection, "sso.enforcement_ended"))?)
        }
        // It is already, or will be.
        (Some(before), Some(from)) if before == from || (before <= tx.now && from <= tx.now) => Ok(()),
        (_, Some(from)) => {
            if from > tx.now + LONGEST_NOTICE {
                return Err(Error::TooFarAhead);
            }
            let missing = missing(tx, connection)?;
            if !missing.is_empty() {
                return Err(Error::NotReady(missing));
            }
            store::set_enforced(tx, connection.id, Some(from))?;
            Ok(audit::record(tx, event(connection, "sso.enforced").with("from", from.to_rfc3339()))?)
        }
    }
}

/// From now on these, by their ids or addresses, and nobody else may sign in without the provider. The connection is
/// locked.
pub(super) fn name_break_glass(tx: &mut Tx<'_>, connection: &Connection, wanted: &[String]) -> Result<(), Error> {
    let owners = store::list_owners(tx, connection.organization)?;
    let find = |text: &String| {
        let text = text.trim();
        let is_it = |(id, email): &&(UserId, String)| id.to_string() == text || email.eq_ignore_ascii_case(text);
        owners.iter().find(is_it).map(|(id, _)| *id).ok_or_else(|| Error::NoSuchOwner(text.to_owned()))
    };
    let mut wanted = wanted.iter().map(find).collect::<Result<Vec<UserId>, Error>>()?;
    wanted.sort();
    wanted.dedup();
    let before = store::list_break_glass(tx, connection.id)?;
    for gone in before.iter().filter(|user| !wanted.contains(user)) {
        store::delete_break_glass(tx, connection.id, *gone)?;
        audit::record(tx, about(connection, *gone, "sso.break_glass_withdrawn"))?;
    }
    for new in wanted.iter().filter(|user| !before.contains(user)) {
        store::insert_break_glass(tx, connection.id, *new)?;
        audit::record(tx, about(connection, *new, "sso.break_glass_named"))?;
    }
    Ok(())
}

/// Owners who may sign in without the provider. Whoever is no owner any more may not, and is not among them.
pub fn list_break_glass(tx: &mut ReadTx<'_>, connection: &Connection) -> Result<Vec<orgs::Member>, db::Error> {
    let named = store::list_break_glass(tx, connection.id)?;
    let mut members = Vec::new();
    for user in named {
        members.extend(orgs::find_member(tx, connection.organization, user)?.filter(|one| one.role == Role::Owner));
    }
    Ok(members)
}

fn about(connection: &Connection, user: UserId, kind: &'static str) -> Event {
    Event::about(user, kind)
        .within(connection.organization)
        .with("connection", connection.id.to_string())
        .with("name", connection.name.as_str())
}
