use chrono::{DateTime, Utc};
use diesel::prelude::*;
use ipnet::IpNet;

use super::Doubtful;
use crate::db::schema::{not_me_links as links, users};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{DeviceId, Digest, UserId};

pub(super) fn insert(
    tx: &mut Tx<'_>,
    digest: &Digest,
    doubtful: &Doubtful,
    expires_at: DateTime<Utc>,
) -> Result<(), db::Error> {
    diesel::insert_into(links::table)
        .values((
            links::digest.eq(digest.as_bytes()),
            links::user_id.eq(doubtful.user),
            links::device_id.eq(doubtful.device),
            links::address.eq(IpNet::from(doubtful.address)),
            links::browser.eq(doubtful.browser.as_deref()),
            links::email_key.eq(doubtful.email_key.as_deref()),
            links::created_at.eq(doubtful.at),
            links::expires_at.eq(expires_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// A link that still holds.
pub(super) fn find(tx: &mut ReadTx<'_>, digest: &Digest) -> Result<Option<Doubtful>, db::Error> {
    type Row = (UserId, DeviceId, DateTime<Utc>, IpNet, Option<String>, Option<String>);
    let now = tx.now;
    let row: Option<Row> = links::table
        .filter(links::digest.eq(digest.as_bytes()).and(links::expires_at.gt(now)))
        .select((links::user_id, links::device_id, links::created_at, links::address, links::browser, links::email_key))
        .first(tx.conn())
        .optional()?;
    Ok(row.map(|(user, device, at, address, browser, email_key)| {
        let address = address.addr();
        Doubtful { user, device, at, address, browser, email_key }
    }))
}

pub(super) fn lock_person(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    users::table.find(user).select(users::id).for_no_key_update().first::<UserId>(tx.conn())?;
    Ok(())
}
