//! Connections kept open, and thrown away as soon as they are known to be dead.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection as _};
use diesel::r2d2::{ConnectionManager, ManageConnection, Pool as R2d2, PooledConnection};
use diesel::result::{DatabaseErrorKind, Error as Diesel};
use diesel::sql_types::{Bool, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl as _, sql_query};

use super::watch::{Belief, Watch};
use super::{Error, url};

/// How long a request waits for a connection before it is told that the database is not available.
const PATIENCE: Duration = Duration::from_secs(3);

/// The same while the server is known to be out of reach.
const BRIEF_PATIENCE: Duration = Duration::from_millis(500);

/// One row and column: a text that is the same for as long as one server runs, on whatever way it was reached, and that
/// no other server has: when it was started, to the microsecond. An address would tell less: one server may have
/// several, and behind a proxy all servers have the same.
pub(super) const NAME_OF_SERVER: &str = "SELECT concat_ws(' ', \
     (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint, current_setting('port')) AS name";

#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    ReadWrite,
    ReadOnly,
}

/// How many there are just now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connections {
    pub idle: u32,
    pub busy: u32,
}

pub(super) struct Pool {
    pool: R2d2<Manager>,
    watch: Arc<Watch>,
}

impl Pool {
    pub(super) fn new(address: &str, size: u32, mode: Mode, watch: &Arc<Watch>) -> Self {
        let watch = Arc::clone(watch);
        let manager = Manager { inner: ConnectionManager::new(url::bounded(address)), mode, watch: Arc::clone(&watch) };
        let pool = R2d2::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(PATIENCE)
            .max_lifetime(Some(Duration::from_mins(30)))
            // A round trip once a second; see `Watch`.
            .test_on_check_out(true)
            .error_handler(Box::new(LogErrors))
            .build_unchecked(manager);
        Self { pool, watch }
    }

    /// A connection on which `begin` opened a transaction.
    pub(super) fn begin(&self, begin: &str) -> Result<Held, Error> {
        self.on_a_living_one(|conn| AnsiTransactionManager::begin_transaction_sql(conn, begin).map_err(Error::from))
            .map(|(conn, ())| conn)
    }

    /// Runs `work`, and again on another connection for as long as the one it got turns out to be dead. Also returns
    /// the name of the server that the last one led to.
    pub(super) fn retry_dead<T>(
        &self,
        work: impl FnMut(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<(T, Arc<str>), Error> {
        self.on_a_living_one(work).map(|(conn, value)| (value, Arc::clone(&conn.0.server)))
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
                Err(Error::Unavailable(_)) if conn.is_dead() => {
                    self.watch.distrust_all();
                    conn.discard();
                }
                Err(error) => return Err(error),
            }
        }
        let mut conn = self.get()?;
        let value = work(&mut conn)?;
        Ok((conn, value))
    }

    pub(super) fn connections(&self) -> Connections {
        let state = self.pool.state();
        Connections { idle: state.idle_connections, busy: state.connections.saturating_sub(state.idle_connections) }
    }

    fn get(&self) -> Result<Held, Error> {
        let patience = if self.watch.is_out_of_reach() { BRIEF_PATIENCE } else { PATIENCE };
        let conn = self.pool.get_timeout(patience).map_err(|error| Error::Unavailable(error.to_string()))?;
        Ok(Held(conn))
    }
}

/// A connection on loan. One that broke is not given back.
pub(super) struct Held(PooledConnection<Manager>);

impl Held {
    fn discard(mut self) {
        self.0.broken = true;
    }

    fn is_dead(&mut self) -> bool {
        self.0.conn.batch_execute("SELECT").is_err()
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
    server: Arc<str>,
    broken: bool,
    belief: Belief,
}

struct Manager {
    inner: ConnectionManager<PgConnection>,
    mode: Mode,
    watch: Arc<Watch>,
}

impl Manager {
    fn open(&self) -> Result<Kept, diesel::r2d2::Error> {
        let mut conn = self.inner.connect()?;
        conn.batch_execute(self.mode.settings()).map_err(diesel::r2d2::Error::QueryError)?;
        let server = name_of_server(&mut conn).map_err(diesel::r2d2::Error::QueryError)?;
        let named = Arc::from(server.as_str());
        Ok(Kept { conn, server: named, broken: false, belief: self.watch.has_reached(server) })
    }

    /// A new connection to a read-only server is used all the same: if there were another server, libpq would have
    /// been told to look for it.
    fn require_writable(&self, conn: &mut PgConnection) -> Result<(), Diesel> {
        if is_read_only(conn, self.mode)? {
            let reason = "the server takes no writes any more".to_owned();
            return Err(Diesel::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, Box::new(reason)));
        }
        Ok(())
    }
}

impl ManageConnection for Manager {
    type Connection = Kept;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Kept, Self::Error> {
        self.open().inspect_err(|_| self.watch.has_missed())
    }

    fn is_valid(&self, kept: &mut Kept) -> Result<(), Self::Error> {
        if self.watch.is_current(kept.belief) {
            return Ok(());
        }
        let belief = self.watch.belief();
        self.require_writable(&mut kept.conn).map_err(|error| {
            self.watch.distrust_all();
            diesel::r2d2::Error::QueryError(error)
        })?;
        kept.belief = belief;
        Ok(())
    }

    fn has_broken(&self, kept: &mut Kept) -> bool {
        kept.broken || self.inner.has_broken(&mut kept.conn)
    }
}

impl Mode {
    /// Where writes are wanted, a server that was made read-only stays so.
    fn settings(self) -> &'static str {
        match self {
            Self::ReadWrite => {
                "SET statement_timeout = '15s'; SET idle_in_transaction_session_timeout = '30s'; SET timezone = 'UTC'"
            }
            Self::ReadOnly => {
                // What is looked up is little and found by a key, whatever its value: to plan it anew each time takes
                // several times as long as to do it.
                "SET default_transaction_read_only = on; SET plan_cache_mode = force_generic_plan; \
                 SET statement_timeout = '15s'; SET idle_in_transaction_session_timeout = '30s'; SET timezone = 'UTC'"
            }
        }
    }
}

fn name_of_server(conn: &mut PgConnection) -> Result<String, Diesel> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Text)]
        name: String,
    }
    sql_query(NAME_OF_SERVER).get_result::<Answer>(conn).map(|answer| answer.name)
}

/// Whether the server is a standby, or was told to take no writes. On a connection whose own setting hides that, the
/// value it would go back to tells.
fn is_read_only(conn: &mut PgConnection, mode: Mode) -> Result<bool, Diesel> {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Bool)]
        is_read_only: bool,
    }
    let question = match mode {
        Mode::ReadWrite => {
            "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS is_read_only"
        }
        Mode::ReadOnly => {
            "SELECT pg_is_in_recovery() OR reset_val = 'on' AS is_read_only FROM pg_settings \
             WHERE name = 'default_transaction_read_only'"
        }
    };
    sql_query(question).get_result::<Answer>(conn).map(|answer| answer.is_read_only)
}

#[derive(Debug)]
struct LogErrors;

impl r2d2::HandleError<diesel::r2d2::Error> for LogErrors {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        log::warn!("connecting to the database: {error}");
    }
}
