use std::time::Duration;

use super::House;
use crate::accounts::deletion::{self, Erased};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Origin, UserId};

pub(super) const ABOUT: &str = "Erases people who have asked for it and whose time to come back is over.";

/// Nobody can come back by then; but the address is free only afterwards. Asking whether anybody is gone takes one indexed
/// look-up.
pub(super) const EVERY: Duration = Duration::from_secs(15);

/// People who are looked up at once.
const BATCH: i64 = 100;

/// What has become of some who are gone.
#[derive(Clone, Copy, Default)]
struct Done {
    erased: usize,
    failed: usize,
}

/// One person a transaction. With whoever cannot be erased just now it is tried again in the next round; the others do
/// not wait for that.
pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let (mut erased, mut failed) = (0, 0);
    loop {
        let done = erase_some(house).await?;
        erased += done.erased;
        failed = done.failed.max(failed);
        if done.erased == 0 || house.shutdown.is_requested() {
            break;
        }
    }
    if erased > 0 {
        log::info!(people = erased; "people who have left were erased");
    }
    match failed {
        0 => Ok(erased),
        // Not the errors themselves, which may quote what is to be forgotten.
        failed => Err(db::Error::Internal(format!("{failed} people could not be erased; the log says why"))),
    }
}

async fn erase_some(house: &House) -> Result<Done, db::Error> {
    let due: Vec<UserId> = house.app.db.look_up(|tx: &mut ReadTx<'_>| deletion::find_due(tx, BATCH)).await?;
    let mut done = Done::default();
    for user in due {
        if house.shutdown.is_requested() {
            break;
        }
        match erase_one(house, user).await {
            Ok(Erased::Gone) => done.erased += 1,
            // Another node is at it.
            Ok(Erased::NotThere) => {}
            Err(error) => {
                log::error!(user:% = user; "somebody who has left could not be erased: {error}");
                done.failed += 1;
            }
        }
    }
    Ok(done)
}

async fn erase_one(house: &House, user: UserId) -> Result<Erased, deletion::Error> {
    let (origin, db) = (Origin::system("erase_accounts"), &house.app.db);
    loop {
        let app = house.app.clone();
        let forget = move |tx: &mut Tx<'_>| deletion::forget_some_events(tx, &app, user);
        if !db.write::<_, db::Error, _>(&origin, forget).await? {
            break;
        }
    }
    let app = house.app.clone();
    db.write(&origin, move |tx: &mut Tx<'_>| deletion::erase_if_due(tx, &app, user)).await
}
