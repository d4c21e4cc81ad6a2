use std::time::Duration;

use super::House;
use crate::db;
use crate::webhooks;

pub(super) const ABOUT: &str = "Tells webhooks what has happened, and tries again those that did not take it.";

/// Somebody's program waits for it; asking whether there is anything takes one look at a small table.
pub(super) const EVERY: Duration = Duration::from_millis(500);

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    webhooks::drain(&house.app, &house.shutdown).await
}
