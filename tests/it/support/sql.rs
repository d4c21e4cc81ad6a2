//! Looking into the database behind the service's back.

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query};

use super::app::TestApp;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
pub struct Words {
    #[diesel(sql_type = Text)]
    pub t: String,
}

impl TestApp {
    /// The column `n` of the one row.
    pub fn count(&self, sql: &str) -> i64 {
        sql_query(sql).get_result::<Number>(&mut self.sql()).expect(sql).n
    }

    /// The column `t` of the one row.
    pub fn text(&self, sql: &str) -> String {
        sql_query(sql).get_result::<Words>(&mut self.sql()).expect(sql).t
    }

    pub fn execute(&self, sql: &str) {
        self.sql().batch_execute(sql).expect(sql);
    }

    /// What PostgreSQL says when it will not.
    pub fn refuses(&self, sql: &str) -> String {
        self.sql().batch_execute(sql).expect_err("a refusal").to_string()
    }

    fn sql(&self) -> PgConnection {
        PgConnection::establish(self.database_url()).expect("the database of this test")
    }
}
