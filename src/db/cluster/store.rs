//! The service's own role and database in the private cluster.

use diesel::sql_types::{Bool, Text};
use diesel::{Connection as _, PgConnection, QueryResult, QueryableByName, RunQueryDsl as _, sql_query};

use super::error::Error;

/// Owns its database and nothing else: no superuser, so that a statement smuggled into one of ours cannot
/// reach files or programs.
pub const ROLE: &str = "vestibule";
pub const DATABASE: &str = "vestibule";

/// Makes what is missing of the role and the database.
pub fn prepare(admin_url: &str) -> Result<(), Error> {
    let mut conn = PgConnection::establish(admin_url)?;
    if !has_role(&mut conn)? {
        create_role(&mut conn)?;
    }
    if !has_database(&mut conn)? {
        create_database(&mut conn)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

fn has_role(conn: &mut PgConnection) -> QueryResult<bool> {
    let query = sql_query("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS yes");
    query.bind::<Text, _>(ROLE).get_result(conn).map(|answer: Answer| answer.yes)
}

fn create_role(conn: &mut PgConnection) -> QueryResult<usize> {
    sql_query(format!("CREATE ROLE {ROLE} LOGIN")).execute(conn)
}

fn has_database(conn: &mut PgConnection) -> QueryResult<bool> {
    let query = sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS yes");
    query.bind::<Text, _>(DATABASE).get_result(conn).map(|answer: Answer| answer.yes)
}

fn create_database(conn: &mut PgConnection) -> QueryResult<usize> {
    sql_query(format!("CREATE DATABASE {DATABASE} OWNER {ROLE}")).execute(conn)
}
