//! Which live session a cookie belongs to.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Live, store};
use crate::app::App;
use crate::config::settings;
use crate::db::{self, ReadTx};
use crate::kernel::{Origin, Token};

/// How stale `last_active_at` may be before it is written again.
pub const TOUCH_EVERY: TimeDelta = TimeDelta::seconds(60);

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

pub(super) fn is_live(found: &store::Found, rules: &settings::Session, now: DateTime<Utc>) -> bool {
    !found.is_disabled && ran_out(&found.live, rules, now).is_none()
}

/// Which of its two ends a session has reached, if any.
pub(super) fn ran_out(live: &Live, rules: &settings::Session, now: DateTime<Utc>) -> Option<RanOut> {
    if now >= live.expires_at {
        return Some(RanOut::TooOld);
    }
    let idle_since = now - live.last_active_at;
    (idle_since >= live.remember().idle_timeout(rules)).then_some(RanOut::Idle)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RanOut {
    Idle,
    TooOld,
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
