//! Signed-in browsers: one row each, and the tokens of its cookies.
//!
//! The row is the truth; only digests of tokens are stored. A session has one token for the portal (its pages
//! and API) and one gate token for each cookie domain, good for nothing but asking the gate. All of them end
//! with the row.
//!
//! A session is live while it is neither idle for too long nor older than its absolute end, and its holder is
//! not disabled; [`find_by_token`] and [`find_by_gate_token`] check that on every request with one indexed
//! query. When somebody was last active is written at most once in [`TOUCH_EVERY`], so an idle timeout may
//! come early by that much and never late.

mod store;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{EmailAddress, Origin, SessionId, Token, UserId};

/// How stale `last_active_at` may be before it is written again.
pub const TOUCH_EVERY: TimeDelta = TimeDelta::seconds(60);

/// What "keep me signed in" means for one session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remember {
    Yes,
    No,
}

/// A session that is live, with what is known of its holder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Live {
    pub session: SessionId,
    pub user: UserId,
    pub email: EmailAddress,
    pub email_verified: bool,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub last_active_at: DateTime<Utc>,
    /// The last proof that it is them: signing in.
    pub last_auth_at: DateTime<Utc>,
    /// The absolute end.
    pub expires_at: DateTime<Utc>,
    /// Whether its holder asked to be kept signed in.
    pub is_remembered: bool,
}

impl Live {
    fn remember(&self) -> Remember {
        if self.is_remembered { Remember::Yes } else { Remember::No }
    }
}

/// A session just opened, with the secrets that only its browser will know.
#[derive(Debug)]
pub struct Opened {
    pub id: SessionId,
    pub user: UserId,
    pub token: Token,
    pub gate: Vec<GateCookie>,
    pub remember: Remember,
    pub expires_at: DateTime<Utc>,
}

/// What goes into one gate cookie.
#[derive(Debug)]
pub struct GateCookie {
    /// `None` for a cookie of this host alone.
    pub domain: Option<String>,
    pub token: Token,
}

/// Opens a session for somebody who has just proved who they are.
pub fn open(tx: &mut Tx<'_>, rules: &settings::Session, user: UserId, remember: Remember) -> Result<Opened, db::Error> {
    let id = SessionId::new(tx.now);
    let token = Token::generate();
    let expires_at = tx.now + absolute_timeout(rules, remember);
    store::insert(tx, &store::NewSession { id, user, token: token.digest(), remember, expires_at })?;
    let gate = issue_gate_cookies(tx, rules, id)?;
    Ok(Opened { id, user, token, gate, remember, expires_at })
}

/// New gate tokens for a session that goes on; `None` when it has ended. The old ones are worthless from now on.
pub fn renew_gate_cookies(
    tx: &mut Tx<'_>,
    rules: &settings::Session,
    session: SessionId,
) -> Result<Option<Vec<GateCookie>>, db::Error> {
    // Two at once wait for each other, or both would put their tokens into the same place.
    if !store::lock(tx, session)? {
        return Ok(None);
    }
    store::delete_gate_tokens(tx, session)?;
    issue_gate_cookies(tx, rules, session).map(Some)
}

/// One for each cookie domain.
fn issue_gate_cookies(
    tx: &mut Tx<'_>,
    rules: &settings::Session,
    session: SessionId,
) -> Result<Vec<GateCookie>, db::Error> {
    let domains: Vec<Option<String>> = match rules.cookie_domains.as_slice() {
        [] => vec![None],
        domains => domains.iter().cloned().map(Some).collect(),
    };
    let mut cookies = Vec::with_capacity(domains.len());
    for domain in domains {
        let token = Token::generate();
        store::insert_gate_token(tx, session, domain.as_deref().unwrap_or_default(), &token.digest())?;
        cookies.push(GateCookie { domain, token });
    }
    Ok(cookies)
}

/// The live session behind a portal cookie.
pub async fn find_by_token(app: &App, token: &Token) -> Result<Option<Live>, db::Error> {
    let digest = token.digest();
    find(app, move |tx| store::find_by_digest(tx, &digest)).await
}

/// The live session behind a gate cookie.
pub async fn find_by_gate_token(app: &App, token: &Token) -> Result<Option<Live>, db::Error> {
    let digest = token.digest();
    find(app, move |tx| store::find_by_gate_digest(tx, &digest)).await
}

async fn find(
    app: &App,
    mut query: impl FnMut(&mut ReadTx<'_>) -> Result<Option<store::Found>, db::Error> + Send + 'static,
) -> Result<Option<Live>, db::Error> {
    let now = app.clock.now();
    let found = app.db.look_up(move |tx| query(tx)).await?;
    let Some(found) = found.filter(|found| is_live(found, &app.settings.session, now)) else { return Ok(None) };
    touch(app, &found.live, now).await;
    Ok(Some(found.live))
}

fn is_live(found: &store::Found, rules: &settings::Session, now: DateTime<Utc>) -> bool {
    let idle_since = now - found.live.last_active_at;
    now < found.live.expires_at && idle_since < idle_timeout(rules, found.live.remember()) && !found.is_disabled
}

/// A failure here is no reason to turn anybody away.
async fn touch(app: &App, live: &Live, now: DateTime<Utc>) {
    // Nobody may be signed out early by more than a tenth of a short timeout.
    let every = TOUCH_EVERY.min(app.settings.session.idle_timeout / 10);
    if now - live.last_active_at < every {
        return;
    }
    let id = live.session;
    let written = app.db.write(&Origin::system("touch"), move |tx| store::touch(tx, id)).await;
    if let Err(error) = written {
        log::warn!("writing when a session was last active: {error}");
    }
}

/// Ends one session. `Ok(false)` when it had ended already.
pub fn revoke(tx: &mut Tx<'_>, id: SessionId) -> Result<bool, db::Error> {
    let Some(user) = store::delete(tx, id)? else { return Ok(false) };
    audit::record(tx, Event::about(user, "session.revoked").with("session", id.to_string()))?;
    Ok(true)
}

/// Ends whatever session a portal token belongs to; nothing happens when there is none.
pub fn revoke_by_token(tx: &mut Tx<'_>, token: &Token) -> Result<(), db::Error> {
    match store::find_id(tx, &token.digest())? {
        Some(id) => revoke(tx, id).map(drop),
        None => Ok(()),
    }
}

/// Ends every session of a person, except one if it is named. How many ended.
pub fn revoke_all(tx: &mut Tx<'_>, user: UserId, except: Option<SessionId>) -> Result<usize, db::Error> {
    let ended = store::delete_all(tx, user, except)?;
    if ended > 0 {
        audit::record(tx, Event::about(user, "sessions.revoked").with("count", ended))?;
    }
    Ok(ended)
}

fn absolute_timeout(rules: &settings::Session, remember: Remember) -> TimeDelta {
    match remember {
        Remember::Yes => rules.remember_timeout,
        Remember::No => rules.absolute_timeout,
    }
}

fn idle_timeout(rules: &settings::Session, remember: Remember) -> TimeDelta {
    match remember {
        Remember::Yes => rules.remember_idle_timeout,
        Remember::No => rules.idle_timeout,
    }
}
