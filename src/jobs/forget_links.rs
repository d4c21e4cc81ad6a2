use std::time::Duration;

use super::House;
use crate::accounts::magic_link;
use crate::db;
use crate::kernel::Origin;

/// What is too old signs nobody in, whether its row is there or not: there is no hurry.
pub(super) const EVERY: Duration = Duration::from_mins(10);

pub(super) async fn run(house: &House) -> Result<(), db::Error> {
    let origin = Origin::system("forget_links");
    while !house.shutdown.is_requested() && house.app.db.write(&origin, magic_link::forget_old).await? {}
    Ok(())
}
