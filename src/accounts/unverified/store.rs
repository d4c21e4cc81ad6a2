use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::{self, ReadTx, Tx};
use crate::kernel::UserId;

/// Of users `u`, those that nobody has claimed by `$1`. The first line is the condition of an index.
const UNCLAIMED: &str = "
    u.email_verified_at IS NULL AND u.came_by = 'sign_up'
    AND u.created_at <= $1 AND u.disabled_at IS NULL AND u.deletes_at IS NULL AND NOT u.is_admin
    AND NOT EXISTS (SELECT FROM email_undos WHERE user_id = u.id)
    AND NOT EXISTS (SELECT FROM members WHERE user_id = u.id)
    AND NOT EXISTS (SELECT FROM invitations i WHERE i.email_key = u.email_key)";

/// An account that nobody has claimed, and since when there has been one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, QueryableByName)]
pub struct Unclaimed {
    #[diesel(sql_type = SqlUuid)]
    #[diesel(column_name = id)]
    pub user: UserId,
    #[diesel(sql_type = Timestamptz)]
    #[diesel(column_name = created_at)]
    pub since: DateTime<Utc>,
}

pub(super) fn find(
    tx: &mut ReadTx<'_>,
    before: DateTime<Utc>,
    after: Option<Unclaimed>,
    most: i64,
) -> Result<Vec<Unclaimed>, db::Error> {
    let (since, id) = after.map_or((DateTime::UNIX_EPOCH, Uuid::nil()), |after| (after.since, *after.user.as_uuid()));
    let statement = format!(
        "SELECT u.id, u.created_at FROM users u WHERE {UNCLAIMED} AND (u.created_at, u.id) > ($2, $3)
         ORDER BY u.created_at, u.id LIMIT $4"
    );
    let found = sql_query(statement)
        .bind::<Timestamptz, _>(before)
        .bind::<Timestamptz, _>(since)
        .bind::<SqlUuid, _>(id)
        .bind::<BigInt, _>(most)
        .load(tx.conn())?;
    Ok(found)
}

/// Whether it is still unclaimed and nobody else holds it; held until the transaction ends.
pub(super) fn claim(tx: &mut Tx<'_>, before: DateTime<Utc>, user: UserId) -> Result<bool, db::Error> {
    let statement = format!(
        "SELECT u.id, u.created_at FROM users u WHERE {UNCLAIMED} AND u.id = $2 FOR NO KEY UPDATE OF u SKIP LOCKED"
    );
    let claimed: Option<Unclaimed> = sql_query(statement)
        .bind::<Timestamptz, _>(before)
        .bind::<SqlUuid, _>(user)
        .get_result(tx.conn())
        .optional()?;
    Ok(claimed.is_some())
}
