//! What is known for some minutes or a day only: requests to providers, used assertions, reports, and people who are
//! still to say whose account they want to connect.

mod store;

use crate::db::{self, Tx};

/// Deletes what is past its end. How many, at most `most` of each kind.
pub fn forget_ended(tx: &mut Tx<'_>, most: usize) -> Result<usize, db::Error> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut forgotten = store::delete_requests(tx, most)?;
    forgotten += store::delete_answers(tx, most)?;
    forgotten += store::delete_reports(tx, most)?;
    forgotten += store::delete_pending_identities(tx, most)?;
    Ok(forgotten)
}
