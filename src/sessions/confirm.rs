use super::{Strength, store};
use crate::db::{self, Tx};
use crate::kernel::SessionId;

/// Its holder has proved once more, at this instant, who they are. `Ok(false)` when it has ended or goes on under another
/// id by now.
pub fn confirm(tx: &mut Tx<'_>, id: SessionId, by: Strength) -> Result<bool, db::Error> {
    store::set_confirmed(tx, id, by)
}
