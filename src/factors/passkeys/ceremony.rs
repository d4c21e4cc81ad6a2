//! Questions under way: what was asked, for what, and of whom an answer is taken.
//!
//! Rows of ours and nothing that a browser carries: all it gets is a token. The first answer uses the row up.

use chrono::TimeDelta;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::store;
use crate::db::Tx;
use crate::factors::Error;
use crate::kernel::client_address::network_of;
use crate::kernel::{DeviceId, Digest, Origin, Token, UserId};

/// How long somebody may look for their key.
pub const TTL: TimeDelta = TimeDelta::minutes(5);

/// How many may be under way for one asker, who may have several tabs open; the oldest makes room for the next.
const MOST_OF_ONE: i64 = 4;

/// The same for a network, in which there may be a whole company. So many rows is all that a stranger can cause.
const MOST_OF_A_NETWORK: i64 = 1_000;

/// What a question is for, and who has asked it.
pub(super) struct Scope {
    pub purpose: &'static str,
    pub user: Option<UserId>,
    pub asker: Digest,
    answerer: Answerer,
}

/// Of whom an answer is taken.
#[derive(Clone, Copy)]
enum Answerer {
    Asker,
    Anybody,
}

impl Scope {
    /// Somebody signed in, by a device that keeps its id when its session gets another.
    pub fn of_device(purpose: &'static str, user: UserId, device: DeviceId) -> Self {
        Self::of_one(purpose, user, device.as_uuid().as_bytes())
    }

    /// Somebody half signed in, by the digest of their browser's token.
    pub fn of_half_signed_in(purpose: &'static str, user: UserId, pending: &Digest) -> Self {
        Self::of_one(purpose, user, pending.as_bytes())
    }

    /// Nobody in particular: people who sign in may come from another network when they have found their key.
    pub fn of_anybody(purpose: &'static str, origin: &Origin) -> Self {
        let network = origin.address.map(|address| network_of(address).to_string()).unwrap_or_default();
        Self { purpose, user: None, asker: Digest::of(network.as_bytes()), answerer: Answerer::Anybody }
    }

    fn of_one(purpose: &'static str, user: UserId, who: &[u8]) -> Self {
        let asker = Digest::of(&[user.as_uuid().as_bytes(), who].concat());
        Self { purpose, user: Some(user), asker, answerer: Answerer::Asker }
    }

    fn most(&self) -> i64 {
        match self.answerer {
            Answerer::Asker => MOST_OF_ONE,
            Answerer::Anybody => MOST_OF_A_NETWORK,
        }
    }
}

pub(super) fn begin(tx: &mut Tx<'_>, scope: &Scope, state: &impl Serialize) -> Result<Token, Error> {
    let state = serde_json::to_value(state).map_err(Error::unusable)?;
    let token = Token::generate();
    store::make_room(tx, scope, scope.most() - 1)?;
    store::insert_ceremony(tx, &token.digest(), scope, state, TTL)?;
    Ok(token)
}

/// Uses a question up. `None` when it is unknown, too old, was answered before, or is not theirs to answer.
pub(super) fn take<State: DeserializeOwned>(
    tx: &mut Tx<'_>,
    scope: &Scope,
    handle: &str,
) -> Result<Option<State>, Error> {
    let Some(token) = Token::parse(handle) else { return Ok(None) };
    let state = match scope.answerer {
        Answerer::Asker => store::take_ceremony_of(tx, &token.digest(), scope.purpose, &scope.asker)?,
        Answerer::Anybody => store::take_ceremony(tx, &token.digest(), scope.purpose)?,
    };
    // A node of another version may have written it.
    Ok(state.and_then(|state| serde_json::from_value(state).ok()))
}
