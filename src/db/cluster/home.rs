//! Where the cluster lives.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::account::Account;
use super::error::{Error, io_error};
use crate::kernel::Digest;

/// For a service run as root whose `data_dir` another account cannot reach.
const ELSEWHERE: &str = "/var/lib/vestibule";

/// The folder of one cluster; the table in the module's head says what is in it.
pub struct Home(PathBuf);

impl Home {
    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    pub fn socket(&self) -> PathBuf {
        self.0.join("socket")
    }

    pub fn log(&self) -> PathBuf {
        self.0.join("postgres.log")
    }

    pub fn access_rules(&self) -> PathBuf {
        self.0.join("pg_hba.conf")
    }

    pub fn access_names(&self) -> PathBuf {
        self.0.join("pg_ident.conf")
    }

    pub fn pid_file(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }

    /// The major version that made the cluster, `None` when there is no cluster yet.
    pub fn made_by(&self) -> Option<u32> {
        fs::read_to_string(self.data().join("PG_VERSION")).ok()?.trim().split('.').next()?.parse().ok()
    }

    /// A short name of this folder and no other.
    pub fn key(&self) -> String {
        key(&self.0)
    }
}

/// Makes `data_dir` when it is missing and gives its one name: two ways of writing it are one folder.
pub fn open_data_dir(data_dir: &Path) -> Result<PathBuf, Error> {
    if !data_dir.exists() {
        fs::create_dir_all(data_dir).map_err(io_error("make", data_dir))?;
        // Ours alone; for root, the account that runs PostgreSQL must be able to pass through.
        let is_root = fs::metadata(data_dir).map_err(io_error("look at", data_dir))?.uid() == 0;
        set_mode(data_dir, if is_root { 0o711 } else { 0o700 })?;
    }
    fs::canonicalize(data_dir).map_err(io_error("find", data_dir))
}

/// The home of `data_dir`'s cluster and the account that runs it. What exists is kept, wherever it is: to
/// start with an empty database because a permission has changed would look like a loss of all data.
pub fn settle(data_dir: &Path) -> Result<(Home, Account), Error> {
    let near = Home(data_dir.join("postgres"));
    let far = Home(Path::new(ELSEWHERE).join(key(data_dir)));
    let near_owner = owner(&near)?;
    // Only root makes one there; whoever cannot see it has none.
    let far_owner = owner(&far).unwrap_or_default();
    let (home, account) = match (near_owner, far_owner) {
        (Some((uid, gid)), _) => (near, Account::for_owner(data_dir, uid, gid)?),
        (None, Some((uid, gid))) => (far, Account::for_owner(data_dir, uid, gid)?),
        (None, None) => make_home(near, far, data_dir)?,
    };
    if account.may_enter(home.path()) {
        return Ok((home, account));
    }
    Err(Error::Unreachable { folder: home.0, user: account.name() })
}

fn make_home(near: Home, far: Home, data_dir: &Path) -> Result<(Home, Account), Error> {
    let account = Account::for_new()?;
    if !account.is_another() {
        make_folder(near.path(), 0o700)?;
        return Ok((near, account));
    }
    let home = if account.may_enter(data_dir) {
        near
    } else {
        make_folder(Path::new(ELSEWHERE), 0o755)?;
        far
    };
    make_folder(home.path(), 0o755)?;
    Ok((home, account))
}

/// Whom the cluster belongs to, `None` when there is none.
fn owner(home: &Home) -> Result<Option<(u32, u32)>, Error> {
    let data = home.data();
    match fs::metadata(&data) {
        Ok(found) => Ok(Some((found.uid(), found.gid()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("look at", &data)(error)),
    }
}

/// Makes a folder with exactly this mode, whatever the umask.
pub fn make_folder(path: &Path, mode: u32) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(io_error("make", path))?;
    set_mode(path, mode)
}

pub fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(io_error("set the permissions of", path))
}

fn key(path: &Path) -> String {
    let digest = Digest::of(path.as_os_str().as_bytes());
    digest.as_bytes().iter().take(8).fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
