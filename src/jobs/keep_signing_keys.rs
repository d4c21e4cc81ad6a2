use std::time::Duration;

use super::House;
use crate::db;
use crate::kernel::Origin;
use crate::signing_keys::{self, Error};

pub(super) const ABOUT: &str =
    "Makes the next key that assertions are signed with when its time comes, and removes old ones.";

/// Every node reads the keys again as often as this: one that was made by another is published here as well.
pub(super) const EVERY: Duration = Duration::from_secs(5);

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let done = signing_keys::keep(&house.app, &Origin::system("keep_signing_keys")).await.map_err(in_short)?;
    signing_keys::read(&house.app).await.map_err(in_short)?;
    Ok(done)
}

fn in_short(error: Error) -> db::Error {
    match error {
        Error::Db(error) => error,
        error => db::Error::Internal(error.to_string()),
    }
}
