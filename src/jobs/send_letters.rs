use std::time::Duration;

use super::House;
use crate::db;
use crate::mail;

pub(super) const ABOUT: &str = "Sends the letters that are due, and tries again those that could not be sent.";

/// Somebody waits for the letter; asking whether there is one takes one indexed look-up.
pub(super) const EVERY: Duration = Duration::from_millis(500);

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    mail::drain(&house.app, &house.transport, &house.shutdown).await
}
