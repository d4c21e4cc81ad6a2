use std::time::Duration;

use super::store;
use crate::app::App;
use crate::db::{self, Tx};
use crate::kernel::{Origin, Shutdown};

/// Rows a statement.
const BATCH: i64 = 1_000;

/// For others to get a turn.
const PAUSE: Duration = Duration::from_millis(20);

/// Removes questions that nobody can answer any more. How many there were.
pub async fn sweep(app: &App, shutdown: &Shutdown) -> Result<usize, db::Error> {
    let mut total = 0;
    loop {
        let batch = |tx: &mut Tx<'_>| store::delete_old_ceremonies(tx, BATCH);
        let removed = app.db.write(&Origin::system("sweep_passkeys"), batch).await?;
        total += removed;
        if removed < usize::try_from(BATCH).unwrap_or(usize::MAX) || shutdown.is_requested() {
            return Ok(total);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
