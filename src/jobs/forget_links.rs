use std::time::Duration;

use super::House;
use crate::accounts::{OLD_LINKS, magic_link, reset, setup, verify_email};
use crate::db::{self, Tx};
use crate::kernel::Origin;
use crate::orgs::invitations;

pub(super) const ABOUT: &str =
    "Removes mailed links that have run out: to prove an address, for a new password, to sign in; and invitations.";

/// What is too old is good for nothing, whether its row is there or not: there is no hurry.
pub(super) const EVERY: Duration = Duration::from_mins(10);

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let origin = Origin::system("forget_links");
    let mut forgotten = 0;
    for batch in [magic_link::forget_old, verify_email::forget_old, reset::forget_old, setup::forget_old] {
        forgotten += house.in_batches(&origin, OLD_LINKS, batch).await?;
    }
    let invitations = |tx: &mut Tx<'_>| invitations::sweep(tx, OLD_LINKS);
    Ok(forgotten + house.in_batches(&origin, OLD_LINKS, invitations).await?)
}
