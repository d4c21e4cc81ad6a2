use std::time::Duration;

use super::House;
use crate::accounts::deletion::{self, Erased};
use crate::accounts::unverified::{self, Unclaimed};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Origin, UserId};

pub(super) const ABOUT: &str = "Removes accounts whose address nobody has ever proved, long after the sign-up.";

pub(super) const EVERY: Duration = Duration::from_mins(30);

/// Accounts that are looked up at once.
const BATCH: i64 = 200;

/// One account a transaction, so that nothing is held for long. One that cannot be removed just now is tried again in the
/// next round; the others do not wait for that.
pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let (mut removed, mut failed) = (0_usize, 0_usize);
    let mut after = None;
    while let Some((some, last)) = look_up(house, after).await? {
        after = Some(last);
        for unclaimed in some {
            if house.shutdown.is_requested() {
                return Ok(removed);
            }
            match remove(house, unclaimed.user).await {
                Ok(Erased::Gone) => removed += 1,
                // Another node is at it, or somebody has claimed it.
                Ok(Erased::NotThere) => {}
                Err(error) => {
                    log::error!(user:% = unclaimed.user; "an unclaimed account could not be removed: {error}");
                    failed += 1;
                }
            }
        }
    }
    if removed > 0 {
        log::info!(accounts = removed; "accounts whose address nobody has proved were removed");
    }
    match failed {
        0 => Ok(removed),
        // Not the errors themselves, which may quote what is to be forgotten.
        failed => Err(db::Error::Internal(format!("{failed} accounts could not be removed; the log says why"))),
    }
}

/// With the last of them; `None` when there are no more.
async fn look_up(house: &House, after: Option<Unclaimed>) -> Result<Option<(Vec<Unclaimed>, Unclaimed)>, db::Error> {
    let age = house.app.settings.accounts.unverified_ttl;
    let find = move |tx: &mut ReadTx<'_>| unverified::find(tx, age, after, BATCH);
    let some = house.app.db.look_up(find).await?;
    Ok(some.last().copied().map(|last| (some, last)))
}

async fn remove(house: &House, user: UserId) -> Result<Erased, deletion::Error> {
    let app = house.app.clone();
    let origin = Origin::system("remove_unverified");
    house.app.db.write(&origin, move |tx: &mut Tx<'_>| unverified::remove(tx, &app, user)).await
}
