use std::time::Duration;

use super::House;
use crate::accounts::reset;
use crate::db::{self, Tx};
use crate::kernel::Origin;
use crate::mail;

/// Somebody waits for the letter; asking whether anybody does takes one look at a table that is nearly always empty.
pub(super) const EVERY: Duration = Duration::from_millis(500);

/// One request a transaction, so that none waits for the others of its crowd.
pub(super) async fn run(house: &House) -> Result<(), db::Error> {
    while !house.shutdown.is_requested() && answer_one(house).await? {}
    Ok(())
}

async fn answer_one(house: &House) -> Result<bool, db::Error> {
    let app = house.app.clone();
    let answer = move |tx: &mut Tx<'_>| reset::answer_next(tx, &app);
    house.app.db.write(&Origin::system("answer_resets"), answer).await.map_err(|error| match error {
        mail::Error::Db(error) => error,
        mail::Error::Unsealable(error) => db::Error::Internal(error.to_string()),
    })
}
