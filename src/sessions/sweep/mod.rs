//! Housekeeping: rows that nobody needs any more.
//!
//! A session that has run out is refused at every look-up, whether its row is there or not; this only tidies up. So it
//! takes its time: some rows a transaction with a pause after each, and it passes over what anybody else holds. It
//! waits for nobody, and any number of nodes can do it at once.

mod store;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::places::REMEMBERED_FOR;
use super::{EndReason, KNOWN_FOR, Remember};
use crate::app::App;
use crate::config::settings;
use crate::db::{self, Tx};
use crate::kernel::{Origin, Shutdown};

/// Rows a statement.
const BATCH: usize = 1_000;

/// For others to get a turn.
const PAUSE: Duration = Duration::from_millis(20);

/// Nodes write down late when somebody was last active: until this much after its idle timeout a session may have been
/// used.
const MARGIN: TimeDelta = TimeDelta::minutes(1);

/// How long a browser that comes back is told why it is not signed in any more.
const ENDS_ARE_KEPT: TimeDelta = TimeDelta::days(7);

/// How many rows a round has removed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Swept {
    pub too_old: usize,
    pub idle: usize,
    pub ends: usize,
    pub places: usize,
    pub known_devices: usize,
    pub links: usize,
    pub pending: usize,
    pub hand_overs: usize,
}

impl Swept {
    /// Of all kinds together.
    pub fn total(&self) -> usize {
        let Self { too_old, idle, ends, places, known_devices, links, pending, hand_overs } = self;
        too_old + idle + ends + places + known_devices + links + pending + hand_overs
    }
}

/// One round over everything. It stops between two batches when the service does.
pub async fn sweep(app: &App, shutdown: &Shutdown) -> Result<Swept, db::Error> {
    Ok(Swept {
        too_old: repeat(app, shutdown, end_too_old).await?,
        idle: walk(app, shutdown).await?,
        ends: repeat(app, shutdown, |tx| store::delete_ends(tx, tx.now - ENDS_ARE_KEPT, BATCH)).await?,
        places: repeat(app, shutdown, |tx| store::delete_places(tx, tx.now - REMEMBERED_FOR, BATCH)).await?,
        known_devices: repeat(app, shutdown, |tx| store::delete_known(tx, tx.now - KNOWN_FOR, BATCH)).await?,
        links: repeat(app, shutdown, |tx| store::delete_links(tx, tx.now, BATCH)).await?,
        pending: repeat(app, shutdown, |tx| store::delete_pending(tx, tx.now, BATCH)).await?,
        hand_overs: repeat(app, shutdown, |tx| store::delete_hand_overs(tx, tx.now, BATCH)).await?,
    })
}

/// Batch after batch, until there is not a whole one left.
async fn repeat(
    app: &App,
    shutdown: &Shutdown,
    batch: fn(&mut Tx<'_>) -> Result<usize, db::Error>,
) -> Result<usize, db::Error> {
    let mut total = 0;
    loop {
        let removed = app.db.write(&origin(), batch).await?;
        total += removed;
        if removed < BATCH || shutdown.is_requested() {
            return Ok(total);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Through the whole table, slice by slice: no index knows who was active when, since that is written all the time.
async fn walk(app: &App, shutdown: &Shutdown) -> Result<usize, db::Error> {
    let (mut total, mut after) = (0, Uuid::nil());
    loop {
        let rules = app.settings.session.clone();
        let slice = app.db.write(&origin(), move |tx| end_idle(tx, &rules, after)).await?;
        total += slice.removed;
        match slice.end {
            Some(end) if !shutdown.is_requested() => after = end,
            Some(_) | None => return Ok(total),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn origin() -> Origin {
    Origin::system("sweep_sessions")
}

fn end_too_old(tx: &mut Tx<'_>) -> Result<usize, db::Error> {
    store::end_too_old(tx, BATCH, EndReason::TooOld)
}

struct Slice {
    removed: usize,
    /// Where the next one begins; `None` after the last.
    end: Option<Uuid>,
}

fn end_idle(tx: &mut Tx<'_>, rules: &settings::Session, after: Uuid) -> Result<Slice, db::Error> {
    let end = store::find_end_of_slice(tx, after, BATCH)?;
    let slice = store::IdleIn {
        after,
        up_to: end.unwrap_or(Uuid::max()),
        last_active: idle_since(rules, Remember::No, tx.now),
        last_active_if_remembered: idle_since(rules, Remember::Yes, tx.now),
    };
    Ok(Slice { removed: store::end_idle(tx, &slice, BATCH, EndReason::Idle)?, end })
}

/// Whoever was not active after this has been idle for too long, whatever nodes have yet to write down.
fn idle_since(rules: &settings::Session, remember: Remember, now: DateTime<Utc>) -> DateTime<Utc> {
    now - remember.idle_timeout(rules) - MARGIN
}
