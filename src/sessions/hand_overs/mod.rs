//! A session on its way to the host of an app that no cookie of the portal's reaches.
//!
//! The browser carries a **code** there: 256 random bits of which the digest alone is kept, good once, for a minute, at
//! one host, and only in the browser that has begun there ([`HandOver::binding`]). What it becomes is a gate token of the
//! same session for that very host, so it ends when the session does. Who signs out or goes on under another id meanwhile
//! has to begin again.

mod store;

use chrono::{DateTime, TimeDelta, Utc};

use super::find::is_live;
use super::{Remember, store as rows};
use crate::config::settings;
use crate::db::{self, Tx};
use crate::kernel::{Digest, SessionId, Token};

/// How long a browser may take for two redirects.
pub const HAND_OVER_TTL: TimeDelta = TimeDelta::seconds(60);

/// How many of one session may be under way at once; the oldest make room. As many as anybody has tabs to restore.
const MOST_UNDER_WAY: i64 = 64;

/// Gate tokens of a session that are good at one host: more than one only where a browser opens several pages at once,
/// each of which has begun before another one has come through.
const MOST_AT_ONE_HOST: i64 = 4;

/// The same at all hosts together.
const MOST_HANDED: i64 = 256;

/// What a code stands for.
#[derive(Clone, Copy, Debug)]
pub struct HandOver<'a> {
    pub session: SessionId,
    /// As the gate has it: in lower case, without a port.
    pub host: &'a str,
    /// Of the secret that the browser has got at that host.
    pub binding: Digest,
    /// Absolute, at that host.
    pub return_to: &'a str,
}

/// A browser that has come with a code.
#[derive(Clone, Debug)]
pub struct Bearer {
    pub host: String,
    /// Of every secret it has got there.
    pub bindings: Vec<Digest>,
    /// The session it is signed in by at that host already.
    pub held: Option<SessionId>,
}

/// What becomes of a code. It is good for nothing afterwards, whatever that is.
#[derive(Debug)]
pub enum HandedOver {
    Here(Handed),
    /// Signed in there already by the same session, in another tab.
    Already {
        return_to: String,
    },
    /// Used, too old, or never ours.
    Over,
    /// Of another browser, or for another host.
    Elsewhere {
        return_to: String,
    },
    /// The session is over.
    Ended {
        return_to: String,
    },
}

#[derive(Debug)]
pub struct Handed {
    pub token: Token,
    pub return_to: String,
    /// Until when the browser is to keep it; `None` until it is closed.
    pub kept_until: Option<DateTime<Utc>>,
}

/// The code. `None` when the session has ended or goes on under another id.
pub fn begin_hand_over(tx: &mut Tx<'_>, hand_over: &HandOver<'_>) -> Result<Option<Token>, db::Error> {
    if !rows::lock(tx, hand_over.session)? {
        return Ok(None);
    }
    // Another node may be asked in a moment, and this one writes down late that somebody was here.
    store::write_down_visit(tx, hand_over.session)?;
    store::delete_all_but(tx, hand_over.session, MOST_UNDER_WAY - 1)?;
    let code = Token::generate();
    store::insert(tx, &code.digest(), hand_over, tx.now + HAND_OVER_TTL)?;
    Ok(Some(code))
}

/// Uses the code up.
pub fn finish_hand_over(
    tx: &mut Tx<'_>,
    rules: &settings::Session,
    code: &Token,
    bearer: &Bearer,
) -> Result<HandedOver, db::Error> {
    // The session first, as whoever ends it does: what is under way goes with it.
    let Some(session) = store::find_session(tx, &code.digest())? else { return Ok(HandedOver::Over) };
    let is_there = rows::lock(tx, session)?;
    let way = store::take(tx, &code.digest())?.filter(|way| is_there && way.expires_at > tx.now);
    let Some(way) = way else { return Ok(HandedOver::Over) };
    let return_to = way.return_to;
    if way.host != bearer.host {
        return Ok(HandedOver::Elsewhere { return_to });
    }
    if !bearer.bindings.contains(&way.binding) {
        let is_in = bearer.held == Some(session);
        return Ok(if is_in { HandedOver::Already { return_to } } else { HandedOver::Elsewhere { return_to } });
    }
    let found = rows::find_for_gate(tx, session)?;
    let Some(live) = found.filter(|found| is_live(found, rules, tx.now)).map(|found| found.live) else {
        return Ok(HandedOver::Ended { return_to });
    };
    store::delete_tokens_but(tx, session, &bearer.host, [MOST_AT_ONE_HOST - 1, MOST_HANDED - 1])?;
    let token = issue_handed(tx, session, &bearer.host)?;
    let kept_until = (live.remember() == Remember::Yes).then_some(live.expires_at);
    Ok(HandedOver::Here(Handed { token, return_to, kept_until }))
}

/// A gate token that is good at this very host.
pub(super) fn issue_handed(tx: &mut Tx<'_>, session: SessionId, host: &str) -> Result<Token, db::Error> {
    let token = Token::generate();
    store::insert_token(tx, session, host, &token.digest())?;
    Ok(token)
}

/// Nothing that was begun in this session comes through any more.
pub(super) fn forget_hand_overs(tx: &mut Tx<'_>, session: SessionId) -> Result<(), db::Error> {
    store::delete_all_but(tx, session, 0)
}
