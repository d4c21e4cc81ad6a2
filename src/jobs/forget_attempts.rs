use std::time::Duration;

use super::House;
use crate::db;
use crate::kernel::Origin;
use crate::throttle;

pub(super) const EVERY: Duration = Duration::from_mins(10);

/// Rows a statement.
const BATCH: usize = 1_000;

/// For others to get a turn.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) async fn run(house: &House) -> Result<(), db::Error> {
    let mut total = 0;
    loop {
        let limits = house.app.settings.limits.clone();
        let forget = move |tx: &mut db::Tx<'_>| throttle::forget_old(tx, &limits, BATCH);
        let forgotten = house.app.db.write(&Origin::system("forget_attempts"), forget).await?;
        total += forgotten;
        if forgotten < BATCH || house.shutdown.is_requested() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    if total > 0 {
        log::info!(attempts = total; "old attempts were forgotten");
    }
    Ok(())
}
