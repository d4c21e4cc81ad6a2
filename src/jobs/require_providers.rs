use std::time::Duration;

use super::House;
use super::refresh_metadata::in_short;
use crate::db::{self, Tx};
use crate::kernel::Origin;
use crate::sso::connections::enforcement::{Told, cut_over_next, tell_next};

pub(super) const ABOUT: &str =
    "Tells people that an identity provider becomes their only way in, and ends their other sessions on the day.";

/// Somebody has just made it a must, and waits for it to be so.
pub(super) const EVERY: Duration = Duration::from_secs(10);

pub(super) async fn run(house: &House) -> Result<usize, db::Error> {
    let origin = Origin::system("require_providers");
    let (mut done, mut after) = (0, None);
    while !house.shutdown.is_requested() {
        let sealer = house.app.sealer.clone();
        let tell = move |tx: &mut Tx<'_>| tell_next(tx, &sealer, after);
        match house.app.db.write(&origin, tell).await.map_err(in_short)? {
            Told::Nobody => break,
            Told::Some(connection, person) => after = Some((connection, person)),
            Told::Last => after = None,
        }
        done += 1;
    }
    while !house.shutdown.is_requested() {
        match house.app.db.write(&origin, cut_over_next).await.map_err(in_short)? {
            0 => break,
            people => done += people,
        }
    }
    Ok(done)
}
