use std::time::Duration;

use super::House;
use crate::accounts::change_email;
use crate::db;
use crate::kernel::Origin;

pub(super) const ABOUT: &str = "Forgets the addresses that people have left, once nobody can go back to them.";

pub(super) const EVERY: Duration = Duration::from_hours(1);

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let forgotten = house.app.db.write(&Origin::system("forget_addresses"), change_email::forget_expired).await?;
    if forgotten > 0 {
        log::info!(addresses = forgotten; "addresses that people have left were forgotten");
    }
    Ok(forgotten)
}
