use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::schema::signing_keys;
use crate::db::{self, ReadTx, Tx};

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys, check_for_backend(diesel::pg::Pg))]
pub(super) struct Row {
    pub number: i32,
    pub kid: String,
    pub public_key: Vec<u8>,
    pub sealed_key: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub signs_at: DateTime<Utc>,
}

/// One after the other, until the transaction ends. Nobody who reads waits for it.
pub(super) fn lock(tx: &mut Tx<'_>) -> Result<(), db::Error> {
    diesel::sql_query("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE").execute(tx.conn())?;
    Ok(())
}

/// The oldest first.
pub(super) fn list(tx: &mut ReadTx<'_>) -> Result<Vec<Row>, db::Error> {
    Ok(signing_keys::table.order(signing_keys::number).select(Row::as_select()).load(tx.conn())?)
}

pub(super) fn insert(tx: &mut Tx<'_>, row: &Row) -> Result<(), db::Error> {
    diesel::insert_into(signing_keys::table).values(row).execute(tx.conn())?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx<'_>, number: i32) -> Result<(), db::Error> {
    diesel::delete(signing_keys::table.find(number)).execute(tx.conn())?;
    Ok(())
}
