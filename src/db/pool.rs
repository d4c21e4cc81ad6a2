//! Connections kept open, and thrown away as soon as they are known to be dead.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::{AnsiTransactionManager, SimpleConnection as _};
use diesel::r2d2::{ConnectionManager, ManageConnection, Pool as R2d2, PooledConnection};

use super::Error;

/// How long a request waits for a connection before it is told that the database is not available.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    ReadWrite,
    ReadOnly,
}

pub(super) struct Pool {
    pool: R2d2<Manager>,
}

impl Pool {
    pub(super) fn new(url: &str, size: u32, mode: Mode) -> Self {
        let manager = Manager { inner: ConnectionManager::new(url), mode };
        let pool = R2d2::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(PATIENCE)
            .max_lifetime(Some(Duration::from_mins(30)))
            // It would cost a round trip for every request; a dead connection is found by using it.
            .test_on_check_out(false)
            .error_handler(Box::new(LogErrors))
            .build_unchecked(manager);
        Self { pool }
    }

    /// A connection on which `begin` opened a transaction.
    pub(super) fn begin(&self, begin: &str) -> Result<Held, Error> {
        self.on_a_living_one(|conn| AnsiTransactionManager::begin_transaction_sql(conn, begin).map_err(Error::from))
            .map(|(conn, ())| conn)
    }

    /// Runs `work`, and again on another connection for as long as the one it got turns out to be dead.
    pub(super) fn retry_dead<T>(&self, work: impl FnMut(&mut PgConnection) -> Result<T, Error>) -> Result<T, Error> {
        self.on_a_living_one(work).map(|(_conn, value)| value)
    }

    fn on_a_living_one<T>(
        &self,
        mut work: impl FnMut(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<(Held, T), Error> {
        // After a restart of the server every pooled connection may be dead; the next one is fresh.
        for _ in 0..self.pool.max_size() {
            let mut conn = self.get()?;
            match work(&mut conn) {
                Ok(value) => return Ok((conn, value)),
                Err(Error::Unavailable(_)) => conn.discard(),
                Err(error) => return Err(error),
            }
        }
        let mut conn = self.get()?;
        let value = work(&mut conn)?;
        Ok((conn, value))
    }

    fn get(&self) -> Result<Held, Error> {
        let conn = self.pool.get().map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Held(conn))
    }
}

/// A connection on loan. One that broke is not given back.
pub(super) struct Held(PooledConnection<Manager>);

impl Held {
    fn discard(mut self) {
        self.0.broken = true;
    }
}

impl Deref for Held {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0.conn
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0.conn
    }
}

pub(super) struct Kept {
    conn: PgConnection,
    broken: bool,
}

struct Manager {
    inner: ConnectionManager<PgConnection>,
    mode: Mode,
}

impl ManageConnection for Manager {
    type Connection = Kept;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Kept, Self::Error> {
        let mut conn = self.inner.connect()?;
        let read_only = match self.mode {
            Mode::ReadWrite => "off",
            Mode::ReadOnly => "on",
        };
        let settings = format!(
            "SET default_transaction_read_only = {read_only}; SET statement_timeout = '15s'; \
             SET idle_in_transaction_session_timeout = '30s'; SET timezone = 'UTC'"
        );
        conn.batch_execute(&settings).map_err(diesel::r2d2::Error::QueryError)?;
        Ok(Kept { conn, broken: false })
    }

    fn is_valid(&self, kept: &mut Kept) -> Result<(), Self::Error> {
        self.inner.is_valid(&mut kept.conn)
    }

    fn has_broken(&self, kept: &mut Kept) -> bool {
        kept.broken || self.inner.has_broken(&mut kept.conn)
    }
}

#[derive(Debug)]
struct LogErrors;

impl r2d2::HandleError<diesel::r2d2::Error> for LogErrors {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        log::warn!("connecting to the database: {error}");
    }
}
