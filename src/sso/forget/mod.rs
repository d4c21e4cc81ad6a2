//! What is known for some minutes or a day only: requests to providers, used assertions, reports, and people who are
//! still to say whose account they want to connect.

mod store;

use chrono::TimeDelta;

use crate::db::{self, Tx};

/// A sign-in by a provider of which no session comes is kept for so long: its person may be looking for their phone.
const KEPT_ALONE: TimeDelta = TimeDelta::hours(1);

/// Deletes what is past its end. How many, at most `most` of each kind.
pub fn forget_ended(tx: &mut Tx<'_>, most: usize) -> Result<usize, db::Error> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut forgotten = store::delete_requests(tx, most)?;
    forgotten += store::delete_answers(tx, most)?;
    forgotten += store::delete_reports(tx, most)?;
    forgotten += store::delete_pending_identities(tx, most)?;
    forgotten += store::delete_provider_sessions(tx, tx.now - KEPT_ALONE, most)?;
    Ok(forgotten)
}
