use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::{Method, Pending, Remember};
use crate::db::schema::pending_sign_ins::dsl;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Digest, UserId};

pub(super) fn insert(
    tx: &mut Tx<'_>,
    digest: &Digest,
    pending: &Pending,
    expires_at: DateTime<Utc>,
) -> Result<(), db::Error> {
    let now = tx.now;
    diesel::insert_into(dsl::pending_sign_ins)
        .values((
            dsl::token_digest.eq(digest.as_bytes()),
            dsl::user_id.eq(pending.user),
            dsl::method.eq(pending.by.as_str()),
            dsl::remember.eq(pending.remember == Remember::Yes),
            dsl::created_at.eq(now),
            dsl::expires_at.eq(expires_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

pub(super) fn find(tx: &mut ReadTx<'_>, digest: &Digest, most_tries: i32) -> Result<Option<Pending>, db::Error> {
    let now = tx.now;
    let row: Option<(UserId, String, bool)> = dsl::pending_sign_ins
        .find(digest.as_bytes())
        .filter(dsl::expires_at.gt(now).and(dsl::attempts.lt(most_tries)))
        .select((dsl::user_id, dsl::method, dsl::remember))
        .first(tx.conn())
        .optional()?;
    Ok(row.and_then(|(user, method, remember)| {
        // A newer node may know more ways to begin than this one.
        let by = Method::from_stored(&method)?;
        Some(Pending { user, by, remember: if remember { Remember::Yes } else { Remember::No } })
    }))
}

pub(super) fn count_try(tx: &mut Tx<'_>, digest: &Digest, most_tries: i32) -> Result<bool, db::Error> {
    let now = tx.now;
    let open =
        dsl::pending_sign_ins.find(digest.as_bytes()).filter(dsl::expires_at.gt(now).and(dsl::attempts.lt(most_tries)));
    Ok(diesel::update(open).set(dsl::attempts.eq(dsl::attempts + 1)).execute(tx.conn())? == 1)
}

pub(super) fn delete(tx: &mut Tx<'_>, digest: &Digest) -> Result<(), db::Error> {
    diesel::delete(dsl::pending_sign_ins.find(digest.as_bytes())).execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete_all(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    diesel::delete(dsl::pending_sign_ins.filter(dsl::user_id.eq(user))).execute(tx.conn())?;
    Ok(())
}
