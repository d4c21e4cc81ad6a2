use chrono::{DateTime, TimeDelta, Utc};

use super::{Error, PREFIX, Scopes, store, tell_owner};
use crate::audit::{self, Event};
use crate::crypto::Sealer;
use crate::db::Tx;
use crate::kernel::{ApiKeyId, Label, Redacted, Token, UserId};
use crate::mail::KeyChange;
use crate::sessions;

/// How many one person may have, those that have run out and are still listed among them.
pub const MOST: i64 = 50;

/// How long a key lives for which nothing else was asked.
pub const DEFAULT_TTL: TimeDelta = TimeDelta::days(90);

pub const SHORTEST_TTL: TimeDelta = TimeDelta::minutes(1);

pub const LONGEST_TTL: TimeDelta = TimeDelta::days(365);

/// Of the key itself, to know it again by.
const HINT: usize = 4;

/// What is wished for.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub name: Label,
    pub scopes: Scopes,
    /// From [`SHORTEST_TTL`] to [`LONGEST_TTL`].
    pub ttl: TimeDelta,
}

#[derive(Debug)]
pub struct Issued {
    pub id: ApiKeyId,
    /// For the eyes of whoever asked, once.
    pub key: Redacted,
    pub hint: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// Makes a key for somebody who has just proved who they are, in the session behind the portal token `session`.
pub fn issue(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    user: UserId,
    session: Option<&Token>,
    new: &NewKey,
) -> Result<Issued, Error> {
    // Two at once wait for each other here, or both could be the last that there is room for.
    let owner = store::lock_owner(tx, user)?.filter(|owner| !owner.is_disabled).ok_or(Error::Ended)?;
    if let Some(token) = session
        && !sessions::hold(tx, token)?
    {
        return Err(Error::Ended);
    }
    if !owner.is_verified {
        return Err(Error::NotVerified);
    }
    if store::count(tx, user)? >= MOST {
        return Err(Error::TooMany);
    }
    let token = Token::generate();
    let issued = describe(tx, sealer, &token, new);
    store::insert(tx, user, &token.digest(), new, &issued)?;
    let event = Event::about(user, "api_key.created")
        .with("key", issued.id.to_string())
        .with("name", new.name.as_str())
        .with("scopes", new.scopes.words())
        .with("expires_at", issued.expires_at.to_rfc3339());
    audit::record(tx, event)?;
    tell_owner(tx, sealer, &owner, KeyChange::Created, new.name.as_str())?;
    Ok(issued)
}

fn describe(tx: &Tx<'_>, sealer: &Sealer, token: &Token, new: &NewKey) -> Issued {
    let key = format!("{PREFIX}{}", sealer.tag(token));
    Issued {
        id: ApiKeyId::new(tx.now),
        hint: key.chars().take(PREFIX.len() + HINT).collect(),
        key: Redacted::new(key),
        created_at: tx.now,
        expires_at: tx.now + new.ttl,
    }
}
