//! Reading everything, the oldest first, some thousand events at a time.

use chrono::{DateTime, Utc};

use super::search::{Recorded, Which};
use super::store;
use crate::db::{self, ReadTx};
use crate::kernel::{EventId, OrganizationId};

/// Events that one batch looks at. What is not wanted among them is left in the database, so a batch takes the same
/// little time however rare its kind is.
const BATCH: i64 = 5_000;

/// What is wanted of all there is.
#[derive(Clone, Debug)]
pub struct Extent {
    pub which: Which,
    pub organization: Option<OrganizationId>,
    /// With it.
    pub since: Option<DateTime<Utc>>,
    /// Without it.
    pub until: DateTime<Utc>,
    pub after: Option<EventId>,
}

impl Extent {
    /// After which event the first batch begins.
    pub fn after(&self) -> Option<EventId> {
        // Nothing has this very id: it is the first that there could be.
        self.since.map(EventId::first_at).into_iter().chain(self.after).max()
    }
}

#[derive(Clone, Debug)]
pub struct Batch {
    /// The oldest first.
    pub events: Vec<Recorded>,
    /// After which the next one begins; none when there was nothing left.
    pub end: Option<EventId>,
}

pub fn next_batch(tx: &mut ReadTx<'_>, extent: &Extent, after: Option<EventId>) -> Result<Batch, db::Error> {
    let before = EventId::first_at(extent.until);
    let window = Window { organization: extent.organization, after, before };
    let Some(end) = store::end_of_window(tx, &window, BATCH)? else {
        return Ok(Batch { events: Vec::new(), end: None });
    };
    let words = extent.which.among(|_| true);
    Ok(Batch { events: store::oldest(tx, &window, end, &words)?, end: Some(end) })
}

/// What is still to be looked at.
pub(super) struct Window {
    pub organization: Option<OrganizationId>,
    pub after: Option<EventId>,
    /// Without it.
    pub before: EventId,
}
