use std::time::Duration;

use super::House;
use crate::db;
use crate::sso::connections::{self, Error, refresh_next};

pub(super) const ABOUT: &str =
    "Fetches the metadata of identity providers again, and warns of certificates that run out.";

/// What is due is asked for every twelve hours, and after failures more often.
pub(super) const EVERY: Duration = Duration::from_mins(1);

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let mut done = 0;
    while !house.shutdown.is_requested() && refresh_next(&house.app).await.map_err(in_short)?.is_some() {
        done += 1;
    }
    let origin = crate::kernel::Origin::system("refresh_metadata");
    while !house.shutdown.is_requested() {
        let sealer = house.app.sealer.clone();
        let warn = move |tx: &mut db::Tx<'_>| connections::warn_next(tx, &sealer);
        if !house.app.db.write(&origin, warn).await.map_err(in_short)? {
            break;
        }
        done += 1;
    }
    Ok(done)
}

pub(super) fn in_short(error: Error) -> db::Error {
    match error {
        Error::Db(error) => error,
        error => db::Error::Internal(error.to_string()),
    }
}
