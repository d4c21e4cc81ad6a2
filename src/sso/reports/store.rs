use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Uuid};

use crate::db::schema::saml_reports::dsl;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, ReportId, UserId};

#[derive(Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::saml_reports, check_for_backend(diesel::pg::Pg))]
pub(super) struct Row {
    pub id: ReportId,
    pub reference: String,
    pub purpose: String,
    pub user_id: Option<UserId>,
    pub sealed_report: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = crate::db::schema::saml_reports)]
pub(super) struct NewRow<'a> {
    pub id: ReportId,
    pub connection_id: ConnectionId,
    pub reference: &'a str,
    pub purpose: &'a str,
    pub user_id: Option<UserId>,
    pub sealed_report: &'a [u8],
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

pub(super) fn insert(tx: &mut Tx<'_>, row: &NewRow<'_>) -> Result<(), db::Error> {
    diesel::insert_into(dsl::saml_reports).values(row).execute(tx.conn())?;
    Ok(())
}

/// All but the newest `kept`. It passes over rows that somebody else deletes.
pub(super) fn delete_oldest(tx: &mut Tx<'_>, connection: ConnectionId, kept: i64) -> Result<usize, db::Error> {
    let statement = "
        WITH old AS (
            SELECT id FROM saml_reports WHERE connection_id = $1
            ORDER BY created_at DESC, id DESC OFFSET $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM saml_reports USING old WHERE saml_reports.id = old.id";
    Ok(sql_query(statement).bind::<Uuid, _>(connection).bind::<BigInt, _>(kept).execute(tx.conn())?)
}

pub(super) fn list(tx: &mut ReadTx<'_>, connection: ConnectionId) -> Result<Vec<Row>, db::Error> {
    let now = tx.now;
    let own = dsl::saml_reports.filter(dsl::connection_id.eq(connection).and(dsl::expires_at.gt(now)));
    Ok(own.order((dsl::created_at.desc(), dsl::id.desc())).select(Row::as_select()).load(tx.conn())?)
}

pub(super) fn find(tx: &mut ReadTx<'_>, connection: ConnectionId, reference: &str) -> Result<Option<Row>, db::Error> {
    let now = tx.now;
    let own = dsl::saml_reports.filter(dsl::connection_id.eq(connection).and(dsl::expires_at.gt(now)));
    let row = own.filter(dsl::reference.eq(reference)).select(Row::as_select());
    Ok(row.first(tx.conn()).optional()?)
}
