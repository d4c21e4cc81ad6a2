//! What can keep the private cluster from running, said to the person who started the service.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "PostgreSQL {oldest} or newer is needed for the built-in database and was not found on PATH or where packages \
         put it. Install it (Debian, Ubuntu: apt-get install postgresql; Fedora, RHEL: dnf install postgresql-server; \
         Alpine: apk add postgresql; macOS: brew install postgresql) or name a server in database.url"
    )]
    NotInstalled { oldest: u32 },

    #[error(
        "the database in {} was made by PostgreSQL {made_by}, but installed is {installed}. Install PostgreSQL \
         {made_by} beside it (Debian, Ubuntu: apt-get install postgresql-{made_by}), or move the data with pg_upgrade",
        folder.display()
    )]
    OtherVersion { folder: PathBuf, made_by: u32, installed: String },

    #[error("the data folder {} is in use by {process}: stop that one first, or give this one its own data_dir", folder.display())]
    InUse { folder: PathBuf, process: String },

    #[error("the database in {} belongs to user {owner}: start the service as that user or as root", folder.display())]
    Foreign { folder: PathBuf, owner: u32 },

    #[error(
        "user {user}, who runs PostgreSQL, cannot reach {}: let others pass through the folders above it (chmod o+x)",
        folder.display()
    )]
    Unreachable { folder: PathBuf, user: String },

    #[error("{0}. PostgreSQL runs only under an account with a name; or name a server in database.url")]
    NoAccount(String),

    #[error("initdb could not make the database in {}: {said}", folder.display())]
    Making { folder: PathBuf, said: String },

    #[error("PostgreSQL did not start; {} says:\n{said}", log.display())]
    Starting { log: PathBuf, said: String },

    #[error("PostgreSQL (process {pid}) does not end")]
    Stopping { pid: u32 },

    #[error("the private PostgreSQL does not let the service in: {0}")]
    Connecting(#[from] diesel::ConnectionError),

    #[error("the service's own database could not be made: {0}")]
    Preparing(#[from] diesel::result::Error),

    #[error("could not {doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

/// For `map_err`: says what was being done, and to which file or program.
pub fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { doing, path, source }
}
