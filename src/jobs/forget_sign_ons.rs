use std::time::Duration;

use super::House;
use crate::db::{self, Tx};
use crate::kernel::Origin;
use crate::sso;

pub(super) const ABOUT: &str = "Forgets what identity providers were asked and have answered, once it is over.";

pub(super) const EVERY: Duration = Duration::from_mins(10);

/// Rows of a kind a statement.
const BATCH: usize = 1_000;

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let forget = |tx: &mut Tx<'_>| sso::forget_ended(tx, BATCH);
    let forgotten = house.in_batches(&Origin::system("forget_sign_ons"), BATCH, forget).await?;
    if forgotten > 0 {
        log::info!(rows = forgotten; "what identity providers were asked and answered was forgotten");
    }
    Ok(forgotten)
}
