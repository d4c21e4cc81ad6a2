use std::time::Duration;

use super::House;
use crate::db;
use crate::mail;

/// Somebody waits for the letter; asking whether there is one takes one indexed look-up.
pub(super) const EVERY: Duration = Duration::from_millis(500);

pub(super) async fn run(house: &House) -> Result<(), db::Error> {
    mail::drain(&house.app, &house.transport, &house.shutdown).await
}
