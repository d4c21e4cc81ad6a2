use chrono::{DateTime, Utc};

use super::{Strength, store};
use crate::db::{self, Tx};
use crate::kernel::SessionId;

/// Its holder has proved once more, at this instant, who they are. `Ok(false)` when it has ended or goes on under another
/// id by now.
pub fn confirm(tx: &mut Tx<'_>, id: SessionId, by: Strength) -> Result<bool, db::Error> {
    store::set_confirmed(tx, id, by)
}

/// It ends at this instant, unless it ends before that anyway.
pub fn end_by(tx: &mut Tx<'_>, id: SessionId, at: DateTime<Utc>) -> Result<(), db::Error> {
    store::bring_end_forward(tx, id, at)
}
