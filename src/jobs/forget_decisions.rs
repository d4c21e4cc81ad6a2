use std::time::Duration;

use super::House;
use crate::db::{self, Tx};
use crate::decisions;
use crate::kernel::Origin;

pub(super) const ABOUT: &str = "Forgets recorded decisions of the gate that are too old, or too many.";

/// Whoever writes one sees to it as well that there are not too many.
pub(super) const EVERY: Duration = Duration::from_mins(10);

/// Rows a statement.
const BATCH: usize = 5_000;

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let kept = house.app.policy.load().gateway.record;
    let forget = move |tx: &mut Tx<'_>| decisions::forget_old(tx, &kept, BATCH);
    let forgotten = house.in_batches(&Origin::system("forget_decisions"), BATCH, forget).await?;
    if forgotten > 0 {
        log::info!(decisions = forgotten; "recorded decisions of the gate were forgotten");
    }
    Ok(forgotten)
}
