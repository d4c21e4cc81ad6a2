use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;
use ipnet::IpNet;

use crate::db::schema::{places, users};
use crate::db::{self, Tx};
use crate::kernel::UserId;

/// `false` when it is remembered already, by somebody who signed in at the same moment as well. One that was last seen
/// at `forgotten` or before counts as not there.
pub(super) fn insert_unless_remembered(
    tx: &mut Tx<'_>,
    user: UserId,
    network: IpNet,
    forgotten: DateTime<Utc>,
) -> Result<bool, db::Error> {
    use diesel::query_dsl::methods::FilterDsl as _;
    let now = tx.now;
    let written = diesel::insert_into(places::table)
        .values((
            places::user_id.eq(user),
            places::network.eq(network),
            places::first_seen_at.eq(now),
            places::last_seen_at.eq(now),
        ))
        .on_conflict((places::user_id, places::network))
        .do_update()
        .set((
            places::first_seen_at.eq(excluded(places::first_seen_at)),
            places::last_seen_at.eq(excluded(places::last_seen_at)),
        ))
        .filter(places::last_seen_at.le(forgotten))
        .execute(tx.conn())?;
    Ok(written == 1)
}

/// Never backwards.
pub(super) fn touch(tx: &mut Tx<'_>, user: UserId, network: IpNet) -> Result<(), db::Error> {
    let now = tx.now;
    let older = places::table.find((user, network)).filter(places::last_seen_at.lt(now));
    diesel::update(older).set(places::last_seen_at.eq(now)).execute(tx.conn())?;
    Ok(())
}

pub(super) fn is_only_place(tx: &mut Tx<'_>, user: UserId, network: IpNet) -> Result<bool, db::Error> {
    let others = places::table.filter(places::user_id.eq(user).and(places::network.ne(network)));
    let has_others: bool = diesel::select(diesel::dsl::exists(others)).get_result(tx.conn())?;
    Ok(!has_others)
}

/// Whether the account is younger than that.
pub(super) fn is_made_after(tx: &mut Tx<'_>, user: UserId, instant: DateTime<Utc>) -> Result<bool, db::Error> {
    let made_at: DateTime<Utc> = users::table.find(user).select(users::created_at).first(tx.conn())?;
    Ok(made_at > instant)
}

pub(super) fn delete(tx: &mut Tx<'_>, user: UserId, network: IpNet) -> Result<(), db::Error> {
    diesel::delete(places::table.find((user, network))).execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete_all(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    diesel::delete(places::table.filter(places::user_id.eq(user))).execute(tx.conn())?;
    Ok(())
}
