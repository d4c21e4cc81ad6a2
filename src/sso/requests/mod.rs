//! What providers have been asked, and by whose browser, until they answer for the first time.
//!
//! Table: `saml_requests`. A browser that is sent to a provider is known again by the flow cookie, and the request by the
//! `RelayState` that goes with it; both are secrets of which digests are kept. **An answer uses up what it can be an answer
//! to, whatever it is** ([`take`]): nobody gets a second try with another one.

mod store;

use chrono::{DateTime, TimeDelta, Utc};

use super::saml;
use crate::db::{self, Tx};
use crate::kernel::secrets::random_bytes;
use crate::kernel::{ConnectionId, Digest, SessionId, Token, UserId};

/// How long a provider may take to answer, and a person to sign in there.
pub const OPEN_FOR: TimeDelta = TimeDelta::minutes(10);

/// So many tabs of one browser may be at one provider; of more, those that went there first are forgotten.
const MOST_OPEN: i64 = 20;

/// What for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    SignIn,
    /// For somebody who is signed in to prove once more who they are.
    StepUp,
    /// To see what the provider says, and let nobody in.
    Test,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::SignIn, Self::StepUp, Self::Test];

    /// The stable word for the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::StepUp => "step_up",
            Self::Test => "test",
        }
    }

    fn from_stored(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }
}

#[derive(Clone, Debug)]
pub struct Asking {
    pub connection: ConnectionId,
    /// Of the flow cookie.
    pub browser: Digest,
    pub purpose: Purpose,
    /// Who wants to confirm that it is them, or to try it out.
    pub person: Option<(UserId, SessionId)>,
    /// The session of this browser, for a new one to take its place.
    pub replaces: Option<SessionId>,
    /// As it was asked for; to be checked when it is used.
    pub return_to: Option<String>,
}

/// One that had not been answered.
#[derive(Clone, Debug)]
pub struct Open {
    /// The request's own ID, which the answer has to name.
    pub id: String,
    pub purpose: Purpose,
    pub person: Option<(UserId, SessionId)>,
    pub replaces: Option<SessionId>,
    /// By what the browser was known when it went there.
    pub known_by: Option<Digest>,
    pub return_to: Option<String>,
    pub asked_at: DateTime<Utc>,
}

/// What an answer has used up.
#[derive(Clone, Debug)]
pub enum Taken {
    /// What its `RelayState` names.
    Named(Box<Open>),
    /// Whatever this browser and this connection had open, the oldest first: the answer names none of it.
    All(Vec<Open>),
}

/// Remembers that a browser goes there. The ID of the request, and what has to come back with the answer.
pub fn ask(tx: &mut Tx<'_>, asking: &Asking) -> Result<(String, Token), db::Error> {
    let (id, relay_state) = (saml::request_id(random_bytes()), Token::generate());
    store::insert(tx, &id, &relay_state.digest(), asking)?;
    store::delete_oldest(tx, asking.connection, &asking.browser, MOST_OPEN)?;
    Ok((id, relay_state))
}

/// Remembers that a provider is asked to sign somebody out, by the request's own ID. The answer names it and is signed, so no
/// browser and no `RelayState` is kept with it.
pub fn ask_to_sign_out(tx: &mut Tx<'_>, connection: ConnectionId) -> Result<String, db::Error> {
    let id = saml::request_id(random_bytes());
    store::insert_departure(tx, &id, connection)?;
    Ok(id)
}

/// Uses up what an answer about signing out says that it is an answer to. `Ok(false)` where nothing like it is open.
pub fn take_departure(tx: &mut Tx<'_>, connection: ConnectionId, id: &str) -> Result<bool, db::Error> {
    store::take_departure(tx, connection, id)
}

/// Uses up what an answer can be an answer to: the request of this browser and this connection that `relay_state` names, or
/// all of them where it names none.
pub fn take(
    tx: &mut Tx<'_>,
    connection: ConnectionId,
    browser: &Digest,
    relay_state: Option<&str>,
) -> Result<Taken, db::Error> {
    if let Some(named) = relay_state.and_then(Token::parse)
        && let Some(open) = store::take_named(tx, connection, browser, &named.digest())?
    {
        return Ok(Taken::Named(Box::new(open)));
    }
    store::take_all(tx, connection, browser).map(Taken::All)
}
