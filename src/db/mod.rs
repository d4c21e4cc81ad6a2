//! PostgreSQL: transactions, connections, migrations, and the private cluster of the embedded default.
//!
//! There are three ways in, and each says what it may do:
//!
//! - [`Db::write`]: all or nothing, at one instant, on somebody's behalf;
//! - [`Db::read`]: a READ ONLY transaction, and PostgreSQL enforces it;
//! - [`Db::look_up`]: one autocommitted statement, for the hot path: three round trips less.
//!
//! And [`Db::listen`] hears what the others have changed: see [`feed`].
//!
//! All of the former run off the async threads. Nothing slow (hashing, HTTP, SMTP) belongs inside: what was read
//! before the slow part is locked and checked again within the transaction. An `Err` rolls back, so a refusal
//! that must be remembered is an `Ok`.

mod change;
pub mod cluster;
mod error;
pub mod feed;
pub mod migrations;
mod pool;
pub mod schema;
mod tx;
mod url;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};

pub use change::{CHANNEL, Change, Told};
pub use error::Error;
pub use pool::Connections;
pub use tx::{ReadTx, Tx};

use crate::kernel::{Clock, Origin, request_id};
use crate::meters::Meters;
use pool::Pool;
use watch::Watch;

/// Longer than any statement may take. A connection whose other end went silent holds its thread, not its caller.
const LONGEST: Duration = Duration::from_secs(20);

/// The way to PostgreSQL. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    transactions: Pool,
    /// Connections on which every statement is read only by default.
    lookups: Pool,
    watch: Arc<Watch>,
    /// For the connection that listens.
    address: String,
    clock: Clock,
    meters: Meters,
    told: Told,
}

impl Db {
    /// Opens no connection yet: the server may come up later than we do.
    pub fn new(url: &str, pool_size: u32, clock: Clock) -> Self {
        let watch = Arc::new(Watch::default());
        let inner = Inner {
            transactions: Pool::new(url, pool_size, pool::Mode::ReadWrite, &watch),
            lookups: Pool::new(url, pool_size, pool::Mode::ReadOnly, &watch),
            watch,
            address: url.to_owned(),
            clock,
            meters: Meters::default(),
            told: Told::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Runs `work` in a transaction that commits when it returns `Ok` and rolls back when it returns `Err`.
    pub async fn write<T, E, F>(&self, origin: &Origin, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let origin = origin.clone();
        off_the_async_threads(move || {
            let mut conn = inner.transactions.begin("BEGIN")?;
            let mut tx = Tx::new(&mut conn, inner.clock.now(), origin, inner.meters.clone());
            let outcome = work(&mut tx);
            let told = tx.told();
            let outcome = finish(&mut conn, outcome);
            // After an error as well: a commit whose connection broke may have happened.
            inner.told.tell(told);
            outcome
        })
        .await
    }

    /// What is counted on this node, also within transactions.
    pub fn meters(&self) -> &Meters {
        &self.inner.meters
    }

    /// What this node has changed itself.
    pub fn told(&self) -> &Told {
        &self.inner.told
    }

    /// Runs `work` in a READ ONLY transaction.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&mut ReadTx<'_>) -> Result<T, E> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        off_the_async_threads(move || {
            let mut conn = inner.transactions.begin("BEGIN READ ONLY")?;
            let outcome = work(&mut ReadTx::new(&mut conn, inner.clock.now()));
            finish(&mut conn, outcome)
        })
        .await
    }

    /// Runs one read-only statement without a transaction around it. `work` may run again on a fresh
    /// connection when the first one turns out to be dead.
    pub async fn look_up<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut ReadTx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.look_up_somewhere(work).await.map(|(value, _server)| value)
    }

    /// As [`Self::look_up`], with the name of the server that has answered: that of a [`feed::Feed`] if it is the same.
    pub async fn look_up_somewhere<T, F>(&self, mut work: F) -> Result<(T, Arc<str>), Error>
    where
        T: Send + 'static,
        F: FnMut(&mut ReadTx<'_>) -> Result<T, Error> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        off_the_async_threads(move || {
            let now = inner.clock.now();
            inner.lookups.retry_dead(|conn| work(&mut ReadTx::new(conn, now)))
        })
        .await
    }

    /// The connections of each pool, by what it is for.
    pub fn connections(&self) -> [(&'static str, Connections); 2] {
        [("transactions", self.inner.transactions.connections()), ("lookups", self.inner.lookups.connections())]
    }

    /// Whether the server answers within `patience`, and how many migrations it still lacks.
    pub async fn check(&self, patience: Duration) -> Result<usize, Error> {
        let answer = self.look_up(|tx| migrations::count_missing(tx.conn()));
        tokio::time::timeout(patience, answer).await.map_err(|_| Error::Unavailable("no answer in time".to_owned()))?
    }
}

/// Commits or rolls back. A commit whose connection broke is an error, although it may have happened.
fn finish<T, E: From<Error>>(conn: &mut PgConnection, outcome: Result<T, E>) -> Result<T, E> {
    match outcome {
        Ok(value) => {
            AnsiTransactionManager::commit_transaction(conn).map_err(Error::from)?;
            Ok(value)
        }
        Err(refused) => {
            if let Err(error) = AnsiTransactionManager::rollback_transaction(conn) {
                log::warn!("rolling back: {error}");
            }
            Err(refused)
        }
    }
}

/// `spawn_blocking`, with the request id of the caller in its log lines.
async fn off_the_async_threads<T, E, F>(work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    let id = request_id::current();
    let task = tokio::task::spawn_blocking(move || match id {
        Some(id) => request_id::scope_sync(id, work),
        None => work(),
    });
    match tokio::time::timeout(LONGEST, task).await {
        Ok(ended) => ended.map_err(|panic| Error::Internal(format!("a database task ended early: {panic}")))?,
        Err(_) => Err(Error::Unavailable(format!("no answer in {} s", LONGEST.as_secs())).into()),
    }
}
