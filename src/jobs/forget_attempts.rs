use std::time::Duration;

use super::House;
use crate::db::{self, Tx};
use crate::kernel::Origin;
use crate::throttle;

pub(super) const ABOUT: &str = "Forgets attempts, and waits, that count for nothing any more.";

pub(super) const EVERY: Duration = Duration::from_mins(10);

/// Rows a statement.
const BATCH: usize = 1_000;

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let limits = house.app.settings.limits.clone();
    let forget = move |tx: &mut Tx<'_>| throttle::forget_old(tx, &limits, BATCH);
    let forgotten = house.in_batches(&Origin::system("forget_attempts"), BATCH, forget).await?;
    if forgotten > 0 {
        log::info!(attempts = forgotten; "old attempts were forgotten");
    }
    Ok(forgotten)
}
