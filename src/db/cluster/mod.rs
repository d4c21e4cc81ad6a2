//! The private PostgreSQL cluster behind an empty `database.url`.
//!
//! It promises: one service per data folder; durability (fsync on); a Unix socket in a private folder
//! and no TCP port; that a `kill -9` of the service, of the cluster or in the middle of making it leaves
//! nothing that the next start cannot put right; and that a cluster which dies while the service runs is
//! back within seconds, at the same URL. It leaves the schema and the pool of connections to `db`.
//!
//! What is where, below [`Cluster::folder`]:
//!
//! | | owner | |
//! | --- | --- | --- |
//! | `data/` | the account that runs PostgreSQL | the cluster itself |
//! | `socket/` | the same, 0700 | the way in (below `/tmp` when no socket can have this path) |
//! | `pg_hba.conf`, `pg_ident.conf` | the service | who may come in, written at every start |
//! | `postgres.log` | the service | what PostgreSQL says |
//!
//! Everything outside `data/` and `socket/` belongs to the service, so that a service started as root
//! never writes where the account it hands the cluster to could have put a symbolic link.

mod access;
mod account;
mod error;
mod home;
mod lock;
mod log_file;
mod making;
mod process;
mod programs;
mod server;
mod socket;
mod store;
mod supervisor;

use std::path::{Path, PathBuf};

pub use error::Error;
use lock::Lock;
use programs::Programs;
use server::Server;
use socket::Socket;
use supervisor::Supervisor;

/// A running cluster. Dropping it stops it too, but only [`Cluster::stop`] says whether that went well.
pub struct Cluster {
    url: String,
    folder: PathBuf,
    supervisor: Supervisor,
    /// Let go of last: nobody else may start before this cluster has ended.
    _lock: Lock,
}

impl Cluster {
    /// Finds PostgreSQL, makes the cluster of `data_dir` unless it exists, starts it and waits until it
    /// answers. Blocks for half a second the first time, less later, longer after a crash.
    ///
    /// # Errors
    /// Each says what would be right; none leaves a cluster running.
    pub fn start(data_dir: &Path) -> Result<Self, Error> {
        let data_dir = home::open_data_dir(data_dir)?;
        let lock = Lock::take(&data_dir)?;
        let (home, account) = home::settle(&data_dir)?;
        let programs = Programs::find(&account, &home)?;
        making::make_unless_made(&home, &account, &programs)?;
        let socket = Socket::prepare(&home, &account)?;

        let url = socket.url(store::ROLE, store::DATABASE);
        let folder = home.path().to_path_buf();
        let admin_url = socket.url(making::SUPERUSER, making::SUPERUSER);
        let supervisor = Supervisor::watch(Server::new(home, account, programs, socket).start()?)?;
        // From here on an error drops the supervisor, which stops the server.
        store::prepare(&admin_url)?;
        Ok(Self { url, folder, supervisor, _lock: lock })
    }

    /// The URL of the cluster that another process runs for `data_dir`; `None` when there is none.
    ///
    /// # Errors
    /// As [`Cluster::start`], when the folder is not ours.
    pub fn url_of_running(data_dir: &Path) -> Result<Option<String>, Error> {
        if !data_dir.exists() {
            return Ok(None);
        }
        let data_dir = home::open_data_dir(data_dir)?;
        if !Lock::is_held(&data_dir)? {
            return Ok(None);
        }
        let (home, _) = home::settle(&data_dir)?;
        Ok(Some(socket::url_of_running(&home, store::ROLE, store::DATABASE)))
    }

    /// Where to connect: a libpq URL over the Unix socket. It stays the same while the service runs.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the cluster really lives; not always below `data_dir` when the service runs as root.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends every connection, stops the cluster and waits until it has ended.
    ///
    /// # Errors
    /// When it could not be ended, not even by force.
    pub fn stop(mut self) -> Result<(), Error> {
        self.supervisor.stop()
    }
}
