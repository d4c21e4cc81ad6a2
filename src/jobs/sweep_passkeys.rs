use std::time::Duration;

use super::House;
use crate::db;
use crate::factors::passkeys;

pub(super) const ABOUT: &str = "Removes questions to passkeys that nobody has answered in time.";

/// Nobody can answer them any more, whether they are there or not.
pub(super) const EVERY: Duration = Duration::from_mins(10);

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let swept = passkeys::sweep(&house.app, &house.shutdown).await?;
    if swept > 0 {
        log::info!(ceremonies = swept; "questions to passkeys that were never answered were removed");
    }
    Ok(swept)
}
