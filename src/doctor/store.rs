use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;

use crate::db::{self, ReadTx};

/// What time it is where the rows are.
pub(super) fn now_there(tx: &mut ReadTx<'_>) -> Result<DateTime<Utc>, db::Error> {
    Ok(diesel::select(now.into_sql::<Timestamptz>()).get_result(tx.conn())?)
}
