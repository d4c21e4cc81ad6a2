//! Looking into a database behind the service's back.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::BigInt;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query};

use crate::support::within;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The column `n` of the one row.
pub fn count(url: &str, sql: &str) -> i64 {
    sql_query(sql).get_result::<Number>(&mut connect(url)).expect(sql).n
}

pub fn execute(url: &str, sql: &str) {
    connect(url).batch_execute(sql).expect(sql);
}

fn connect(url: &str) -> PgConnection {
    // A server that was killed takes a moment to recover.
    within(Duration::from_secs(20), || PgConnection::establish(url).ok()).unwrap_or_else(|| panic!("no way to {url}"))
}
