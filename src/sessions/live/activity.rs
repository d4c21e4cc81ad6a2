//! When sessions were last active, written behind: kept here and written for many sessions at once.
//!
//! A crash loses what was noted in the last [`EVERY`], so a session may then seem to have been idle for that much
//! longer than it was; it never seems to have been active later than it was. What is written only ever moves an instant
//! forward, and only in rows that are there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::store;
use crate::db::{self, Db};
use crate::kernel::{Origin, SessionId, Shutdown};
use crate::sessions::store::Found;

/// How often it is written.
pub const EVERY: Duration = Duration::from_secs(5);

/// What happens within this time counts as one activity.
const ONE: TimeDelta = TimeDelta::seconds(1);

/// Rows in one statement: some 20 ms.
const BATCH: usize = 5_000;

/// What this node knows of activity and PostgreSQL does not yet. Cheap to clone.
#[derive(Clone, Default)]
pub struct Activity {
    waiting: Arc<Mutex<HashMap<SessionId, DateTime<Utc>>>>,
}

pub(super) fn is_worth_noting(last: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - last >= ONE
}

impl Activity {
    /// Somebody was here.
    pub fn note(&self, session: SessionId, at: DateTime<Utc>) {
        let mut waiting = self.waiting();
        let last = waiting.entry(session).or_insert(at);
        *last = at.max(*last);
    }

    /// What was read of a session, with what is known better here.
    pub(in crate::sessions) fn update(&self, mut found: Found) -> Found {
        if let Some(at) = self.waiting().get(&found.live.session) {
            found.live.last_active_at = found.live.last_active_at.max(*at);
        }
        found
    }

    /// Writes all that waits. What could not be written waits on.
    async fn write(&self, db: &Db) -> Result<(), db::Error> {
        // In one order on every node, so that two of them never wait for each other in a circle.
        let mut due: Vec<_> = self.waiting().iter().map(|(session, at)| (*session, *at)).collect();
        due.sort_unstable();
        for batch in due.chunks(BATCH) {
            let rows = batch.to_vec();
            db.write::<_, db::Error, _>(&Origin::system("activity"), move |tx| store::write_activity(tx, &rows))
                .await?;
            let mut waiting = self.waiting();
            for (session, at) in batch {
                if waiting.get(session) == Some(at) {
                    waiting.remove(session);
                }
            }
        }
        Ok(())
    }

    /// Writes again and again, and a last time at the shutdown.
    pub(super) async fn write_behind(&self, db: &Db, shutdown: Shutdown) {
        while !shutdown.is_requested() {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shutdown.requested() => {}
            }
            if let Err(error) = self.write(db).await {
                log::warn!("writing when sessions were last active: {error}");
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<SessionId, DateTime<Utc>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
