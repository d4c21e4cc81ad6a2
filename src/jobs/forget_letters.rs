use std::time::Duration;

use super::House;
use crate::db;
use crate::kernel::Origin;
use crate::mail;

pub(super) const ABOUT: &str = "Forgets letters that were sent, or given up, long ago.";

pub(super) const EVERY: Duration = Duration::from_hours(1);

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let forgotten = house.app.db.write(&Origin::system("forget_letters"), mail::forget_old).await?;
    if forgotten > 0 {
        log::info!(letters = forgotten; "old letters were forgotten");
    }
    Ok(forgotten)
}
