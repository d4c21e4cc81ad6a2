use std::time::Duration;

use super::House;
use crate::api_keys;
use crate::db;
use crate::kernel::Origin;

pub(super) const ABOUT: &str = "Removes API keys that have run out long ago.";

/// They are good for nothing any more: there is no hurry.
pub(super) const EVERY: Duration = Duration::from_hours(1);

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let swept = house.app.db.write(&Origin::system("sweep_api_keys"), api_keys::sweep).await?;
    if swept > 0 {
        log::info!(keys = swept; "API keys that had run out long ago were removed");
    }
    Ok(swept)
}
