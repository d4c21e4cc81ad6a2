use std::time::Duration;

use super::House;
use crate::db;
use crate::sessions::{self, Swept};

/// What has ended lets nobody in, whether its row is there or not: there is no hurry.
pub(super) const EVERY: Duration = Duration::from_mins(10);

pub(super) async fn run(house: &House) -> Result<(), db::Error> {
    let swept = sessions::sweep(&house.app, &house.shutdown).await?;
    if swept != Swept::default() {
        let Swept { too_old, idle, ends, places, known_devices, links, pending } = swept;
        log::info!(too_old, idle, ends, places, known_devices, links, pending; "sessions that had ended were removed");
    }
    Ok(())
}
