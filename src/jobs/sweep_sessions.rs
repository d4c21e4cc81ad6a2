use std::time::Duration;

use super::House;
use crate::db;
use crate::sessions::{self, Swept};

pub(super) const ABOUT: &str =
    "Ends sessions that have run out, and forgets old places, old devices and unfinished sign-ins.";

/// What has ended lets nobody in, whether its row is there or not: there is no hurry.
pub(super) const EVERY: Duration = Duration::from_mins(10);

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let swept = sessions::sweep(&house.app, &house.shutdown).await?;
    if swept != Swept::default() {
        let Swept { too_old, idle, ends, places, known_devices, links, pending, hand_overs } = swept;
        log::info!(too_old, idle, ends, places, known_devices, links, pending, hand_overs; "sessions that had ended were removed");
    }
    Ok(swept.total())
}
