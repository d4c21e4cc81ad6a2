use chrono::{DateTime, Utc};
use diesel::dsl::IsNotNull;
use diesel::prelude::*;

use super::Only;
use crate::db::schema::users;
use crate::db::{self, ReadTx};
use crate::kernel::UserId;

/// A person's account. The address is not parsed: one bad row must not hide the others.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct Entry {
    pub id: UserId,
    pub email: String,
    pub email_verified_at: Option<DateTime<Utc>>,
    pub name: String,
    pub created_at: DateTime<Utc>,
    /// `sign_up`, `operator`, `invitation` or `sso`.
    pub came_by: String,
    pub is_admin: bool,
    pub disabled_at: Option<DateTime<Utc>>,
    pub deletion_asked_at: Option<DateTime<Utc>>,
    pub deletes_at: Option<DateTime<Utc>>,
    #[diesel(select_expression = users::password_hash.is_not_null())]
    #[diesel(select_expression_type = IsNotNull<users::password_hash>)]
    pub has_password: bool,
}

pub(super) fn list(
    tx: &mut ReadTx<'_>,
    after: Option<UserId>,
    only: &[Only],
    most: i64,
) -> Result<Vec<Entry>, db::Error> {
    let mut people = users::table.select(Entry::as_select()).order(users::id).limit(most).into_boxed();
    if let Some(after) = after {
        people = people.filter(users::id.gt(after));
    }
    for only in only {
        people = match only {
            Only::Unverified => people.filter(users::email_verified_at.is_null()),
            Only::Disabled => people.filter(users::disabled_at.is_not_null()),
            Only::Leaving => people.filter(users::deletes_at.is_not_null()),
            Only::Administrators => people.filter(users::is_admin),
        };
    }
    Ok(people.load(tx.conn())?)
}

pub(super) fn find(tx: &mut ReadTx<'_>, id: UserId) -> Result<Option<Entry>, db::Error> {
    Ok(users::table.find(id).select(Entry::as_select()).first(tx.conn()).optional()?)
}

pub(super) fn find_holder(tx: &mut ReadTx<'_>, key: &str) -> Result<Option<UserId>, db::Error> {
    Ok(users::table.filter(users::email_key.eq(key)).select(users::id).first(tx.conn()).optional()?)
}
