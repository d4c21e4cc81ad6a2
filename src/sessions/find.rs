//! Which live session a cookie belongs to.

use chrono::{DateTime, Utc};

use super::{Activity, Live, Remember, store};
use crate::app::App;
use crate::config::settings;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ProviderSessionId, SessionId, Token, UserId};

/// The live session behind a portal cookie, as PostgreSQL has it at this moment. It counts as activity.
pub async fn find_by_token(app: &App, activity: &Activity, token: &Token) -> Result<Option<Live>, db::Error> {
    let now = app.clock.now();
    let digest = token.digest();
    let found = app.db.look_up(move |tx| store::find_by_digest(tx, &digest)).await?;
    let found = found.map(|found| activity.update(found));
    let live = found.filter(|found| is_live(found, &app.settings.session, now)).map(|found| found.live);
    Ok(live.inspect(|live| activity.note(live.session, now)))
}

/// Whether a portal token still leads to a session, which then cannot end before the transaction does.
pub fn hold(tx: &mut Tx<'_>, token: &Token) -> Result<bool, db::Error> {
    Ok(store::lock_by_digest(tx, &token.digest())?.is_some())
}

/// Of a session that goes on under this id: whose it is, and the sign-in by a provider that it comes of.
pub fn find_provider_session(
    tx: &mut ReadTx<'_>,
    session: SessionId,
) -> Result<Option<(UserId, ProviderSessionId)>, db::Error> {
    store::find_provider_session(tx, session)
}

pub(super) fn is_live(found: &store::Found, rules: &settings::Session, now: DateTime<Utc>) -> bool {
    !found.is_disabled
        && !is_gone(&found.live, now)
        && ran_out(&found.live, found.live.last_active_at, rules, now).is_none()
}

/// Whether its holder has left and can come back no more.
pub(super) fn is_gone(live: &Live, now: DateTime<Utc>) -> bool {
    live.deletes_at.is_some_and(|end| end <= now)
}

/// Which of its two ends a session has reached first, if any.
pub(super) fn ran_out(
    live: &Live,
    last_active_at: DateTime<Utc>,
    rules: &settings::Session,
    now: DateTime<Utc>,
) -> Option<RanOut> {
    let idle_end = last_active_at + live.remember().idle_timeout(rules);
    let (end, ran_out) =
        if idle_end < live.expires_at { (idle_end, RanOut::Idle) } else { (live.expires_at, RanOut::TooOld) };
    (now >= end).then_some(ran_out)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RanOut {
    Idle,
    TooOld,
}

/// How many sessions are live. Reads all of them.
pub fn count_live(tx: &mut ReadTx<'_>, rules: &settings::Session) -> Result<i64, db::Error> {
    let [usual, remembered] = [Remember::No, Remember::Yes].map(|remember| tx.now - remember.idle_timeout(rules));
    store::count_active(tx, usual, remembered)
}
