use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::{Method, Pending, Provided, Remember};
use crate::db::schema::pending_sign_ins::dsl;
use crate::db::schema::provider_sessions;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Digest, ProviderSessionId, UserId};
use crate::sessions::Strength;

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
            dsl::provider_session_id.eq(pending.provided.map(|provided| provided.session)),
        ))
        .execute(tx.conn())?;
    Ok(())
}

type Row = (UserId, String, bool, Option<ProviderSessionId>, Option<DateTime<Utc>>);

pub(super) fn find(tx: &mut ReadTx<'_>, digest: &Digest, most_tries: i32) -> Result<Option<Pending>, db::Error> {
    let now = tx.now;
    let row: Option<Row> = dsl::pending_sign_ins
        .find(digest.as_bytes())
        .left_join(provider_sessions::table)
        .filter(dsl::expires_at.gt(now).and(dsl::attempts.lt(most_tries)))
        .select((
            dsl::user_id,
            dsl::method,
            dsl::remember,
            dsl::provider_session_id,
            provider_sessions::ends_at.nullable(),
        ))
        .first(tx.conn())
        .optional()?;
    Ok(row.and_then(|(user, method, remember, session, ends_at)| {
        // A newer node may know more ways to begin than this one.
        let by = Method::from_stored(&method)?;
        let provided = session.map(|session| Provided { session, ends_at, strength: Strength::OneFactor });
        Some(Pending { user, by, provided, remember: if remember { Remember::Yes } else { Remember::No } })
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
