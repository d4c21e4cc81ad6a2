use std::time::Duration;

use super::House;
use crate::accounts::requests::{self, Wish};
use crate::accounts::{magic_link, reset};
use crate::app::App;
use crate::db::{self, Tx};
use crate::kernel::Origin;
use crate::mail;

pub(super) const ABOUT: &str =
    "Writes the letters that people ask for by typing an address: a new password, a sign-in link.";

/// Somebody waits for the letter; asking whether anybody does takes one look at a table that is nearly always empty.
pub(super) const EVERY: Duration = Duration::from_millis(500);

/// One request a transaction, so that none waits for the others of its crowd.
pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let mut answered = 0;
    while !house.shutdown.is_requested() && answer_one(house).await? {
        answered += 1;
    }
    Ok(answered)
}

async fn answer_one(house: &House) -> Result<bool, db::Error> {
    let app = house.app.clone();
    let answer = move |tx: &mut Tx<'_>| answer_next(tx, &app);
    house.app.db.write(&Origin::system("answer_requests"), answer).await.map_err(|error| match error {
        mail::Error::Db(error) => error,
        mail::Error::Unsealable(error) => db::Error::Internal(error.to_string()),
    })
}

/// `false` when nobody waits for an answer.
fn answer_next(tx: &mut Tx<'_>, app: &App) -> Result<bool, mail::Error> {
    let Some(request) = requests::take_next(tx)? else { return Ok(false) };
    match &request.wish {
        Wish::NewPassword => reset::answer(tx, app, &request.email)?,
        Wish::MagicLink { browser } => magic_link::answer(tx, app, &request.email, browser)?,
    }
    Ok(true)
}
