//! Accounts that nobody has ever claimed: somebody has signed up, and nobody has proved the address since.
//!
//! Whoever typed it may have mistyped it, or typed a stranger's. After
//! [`unverified_ttl`](crate::config::settings::Accounts) such an account is erased like any other, but without a receipt:
//! the address may be a stranger's. Then it can sign up afresh.
//!
//! **Never removed** is an account that somebody else has made or knows of: made by the operator, by an invitation or by
//! single sign-on ([`users.came_by`](crate::db::schema::users)), invited by its address, a member of an organization, an
//! administrator, disabled; one whose holder had proved another address before
//! ([`is_unsettled`](super::change_email::is_unsettled)); nor one that is leaving, which has a time of its own.

mod store;

use chrono::TimeDelta;

pub use store::Unclaimed;

use super::deletion::{self, Cause, Erased};
use crate::app::App;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::UserId;

/// So many at most that are older than that, the oldest first, after one of them or from the oldest on.
pub fn find(
    tx: &mut ReadTx<'_>,
    age: TimeDelta,
    after: Option<Unclaimed>,
    most: i64,
) -> Result<Vec<Unclaimed>, db::Error> {
    let before = tx.now - age;
    store::find(tx, before, after, most)
}

/// Erases one of them, if it is still unclaimed and nobody else is at it.
pub fn remove(tx: &mut Tx<'_>, app: &App, user: UserId) -> Result<Erased, deletion::Error> {
    let before = tx.now - app.settings.accounts.unverified_ttl;
    if store::claim(tx, before, user)? {
        deletion::erase(tx, app, user, Cause::NeverVerified)
    } else {
        Ok(Erased::NotThere)
    }
}
