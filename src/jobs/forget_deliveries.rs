use std::time::Duration;

use super::House;
use crate::db::{self, Tx};
use crate::kernel::Origin;
use crate::webhooks;

pub(super) const ABOUT: &str = "Forgets what webhooks were told, or not told, a month ago.";

pub(super) const EVERY: Duration = Duration::from_hours(1);

/// Rows a statement.
const BATCH: usize = 1_000;

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let forget = |tx: &mut Tx<'_>| webhooks::forget_old(tx, BATCH);
    let forgotten = house.in_batches(&Origin::system("forget_deliveries"), BATCH, forget).await?;
    if forgotten > 0 {
        log::info!(deliveries = forgotten; "what webhooks were told long ago was forgotten");
    }
    Ok(forgotten)
}
