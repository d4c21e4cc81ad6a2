//! Makes the cluster, wholly or not at all.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use super::account::Account;
use super::error::{Error, io_error};
use super::home::{Home, set_mode};
use super::log_file;
use super::programs::Programs;

/// The role that owns the cluster, and the database it is let in to. The service itself uses a lesser role.
pub const SUPERUSER: &str = "postgres";
const UNFINISHED: &str = "making-";

/// initdb works in a folder of another name, which becomes `data` in one step when it has finished: a
/// half-made cluster is never taken for one.
pub fn make_unless_made(home: &Home, account: &Account, programs: &Programs) -> Result<(), Error> {
    let abandoned = list_unfinished(home)?;
    if home.made_by().is_none() {
        let folder = make_next(home, &abandoned)?;
        account.give(&folder)?;
        run_initdb(&folder, account, programs)?;
        fs::rename(&folder, home.data()).map_err(io_error("move into place", &folder))?;
        let sync = File::open(home.path()).and_then(|parent| parent.sync_all());
        sync.map_err(io_error("write to disk", home.path()))?;
    }
    for folder in abandoned {
        // Its initdb may outlive the service that was killed, and still be writing: then it is the next
        // start's to remove.
        if let Err(error) = fs::remove_dir_all(&folder) {
            log::warn!("could not remove {}: {error}", folder.display());
        }
    }
    Ok(())
}

fn list_unfinished(home: &Home) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(home.path()).map_err(io_error("read", home.path()))?;
    let named = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED));
    Ok(named.map(|entry| entry.path()).collect())
}

/// Never the name of an abandoned one: its initdb, if it still runs, removes that folder when it fails.
fn make_next(home: &Home, abandoned: &[PathBuf]) -> Result<PathBuf, Error> {
    let mut names = (1_u32..).map(|number| home.path().join(format!("{UNFINISHED}{number}")));
    let Some(folder) = names.find(|name| !abandoned.contains(name)) else {
        return Err(io_error("make a folder in", home.path())(io::ErrorKind::AlreadyExists.into()));
    };
    fs::create_dir(&folder).map_err(io_error("make", &folder))?;
    set_mode(&folder, 0o700)?;
    Ok(folder)
}

fn run_initdb(folder: &PathBuf, account: &Account, programs: &Programs) -> Result<(), Error> {
    let initdb = programs.initdb();
    let output = account
        .command(&initdb)
        .arg("--pgdata")
        .arg(folder)
        .args(["--username", SUPERUSER, "--encoding", "UTF8", "--data-checksums", "--no-instructions"])
        .args(locale())
        // Not used: the rules are handed over at every start. Should somebody start this cluster by hand,
        // it is at least not open to everybody on the machine, as it is by default.
        .args(["--auth-local", "peer", "--auth-host", "reject"])
        .output()
        .map_err(io_error("run", &initdb))?;
    if output.status.success() {
        return Ok(());
    }
    let said = log_file::last_lines(&String::from_utf8_lossy(&output.stderr));
    let _ = fs::remove_dir_all(folder);
    Err(Error::Making { folder: folder.clone(), said })
}

/// The same on every machine: text sorts by code point, and letters are those of Unicode.
fn locale() -> &'static [&'static str] {
    if cfg!(target_os = "macos") { &["--locale=C", "--lc-ctype=UTF-8"] } else { &["--locale=C.UTF-8"] }
}
