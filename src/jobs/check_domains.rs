use std::time::Duration;

use super::House;
use crate::db;
use crate::domains;

pub(super) const ABOUT: &str =
    "Looks whether the records are still there by which organizations have proved their domains.";

/// Each domain has a day of its own; asking whose it is takes one look at a small index.
pub(super) const EVERY: Duration = Duration::from_mins(10);

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    domains::check_due(&house.app, &house.shutdown).await
}
