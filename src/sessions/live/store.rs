use chrono::{DateTime, Utc};
use diesel::RunQueryDsl as _;
use diesel::sql_types::{Array, Timestamptz, Uuid};

use crate::db::{self, Tx};
use crate::kernel::SessionId;

/// Never backwards, and never a row that is gone. The rows are locked in the order of their ids.
pub(super) fn write_activity(tx: &mut Tx<'_>, rows: &[(SessionId, DateTime<Utc>)]) -> Result<(), db::Error> {
    let (sessions, instants): (Vec<SessionId>, Vec<DateTime<Utc>>) = rows.iter().copied().unzip();
    let statement = "WITH due AS ( \
            SELECT sessions.id, noted.at FROM sessions \
            JOIN unnest($1, $2) AS noted (id, at) ON noted.id = sessions.id AND sessions.last_active_at < noted.at \
            ORDER BY sessions.id FOR NO KEY UPDATE OF sessions) \
        UPDATE sessions SET last_active_at = due.at FROM due WHERE sessions.id = due.id";
    diesel::sql_query(statement)
        .bind::<Array<Uuid>, _>(sessions)
        .bind::<Array<Timestamptz>, _>(instants)
        .execute(tx.conn())?;
    Ok(())
}
