use std::time::Duration;

use crate::app::App;
use crate::db::{self, Tx};
use crate::kernel::{Origin, Shutdown};
use crate::mail::Transport;

/// For others to get a turn.
const PAUSE: Duration = Duration::from_millis(20);

/// What jobs are given.
pub struct House {
    pub(super) app: App,
    pub(super) transport: Transport,
    pub(super) shutdown: Shutdown,
}

impl House {
    pub(super) fn new(app: App, transport: Transport, shutdown: Shutdown) -> Self {
        Self { app, transport, shutdown }
    }

    /// Batch after batch, each a transaction, until one has found fewer rows than `size`, or the service ends. A batch
    /// says how many it has found. How many they were together.
    pub(super) async fn in_batches<E, F>(&self, origin: &Origin, size: usize, batch: F) -> Result<usize, E>
    where
        E: From<db::Error> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<usize, E> + Clone + Send + 'static,
    {
        let mut total = 0;
        loop {
            let found = self.app.db.write(origin, batch.clone()).await?;
            total += found;
            if found < size || self.shutdown.is_requested() {
                return Ok(total);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
