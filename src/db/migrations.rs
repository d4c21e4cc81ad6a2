//! Bringing the tables up to date: compiled in, applied in order, by one node at a time.

use diesel::connection::SimpleConnection as _;
use diesel::migration::{Migration, MigrationSource as _};
use diesel::pg::Pg;
use diesel::{Connection as _, PgConnection, QueryDsl as _, RunQueryDsl as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::{Error, url};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Any number will do, as long as nobody else takes the same advisory lock in our database.
const LOCK: i64 = 0x0056_4553_5449_4255;

/// Applies what is pending and returns its names. Blocking: several nodes may call it at once, one works
/// and the others find nothing left to do.
pub fn run(url: &str) -> Result<Vec<String>, Error> {
    let mut conn = connect(url)?;
    conn.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})"))?;
    let applied = conn.run_pending_migrations(MIGRATIONS).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

/// What [`run`] would apply, in order. Blocking.
pub fn pending(url: &str) -> Result<Vec<String>, Error> {
    let mut conn = connect(url)?;
    let pending = conn.pending_migrations(MIGRATIONS).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(pending.iter().map(|migration| migration.name().to_string()).collect())
}

/// How many migrations a database lacks that was migrated at least once. One read-only statement, unlike
/// [`pending`], which makes diesel's table when it is missing.
pub(super) fn count_missing(conn: &mut PgConnection) -> Result<usize, Error> {
    let ours: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(|e| Error::Internal(e.to_string()))?;
    let applied: Vec<String> = versions::table.select(versions::version).load(conn)?;
    let versions = ours.iter().map(|migration| migration.name().version().to_string());
    Ok(versions.filter(|version| !applied.contains(version)).count())
}

fn connect(address: &str) -> Result<PgConnection, Error> {
    PgConnection::establish(&url::bounded(address)).map_err(|error| Error::Unavailable(error.to_string()))
}

diesel::table! {
    #[sql_name = "__diesel_schema_migrations"]
    versions (version) {
        version -> Text,
    }
}
