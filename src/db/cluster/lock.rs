//! One service per data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::error::{Error, io_error};
use super::process;

const NAME: &str = "postgres.lock";

/// A service that is just ending, or was killed a moment ago, still holds its lock.
const PATIENCE: Duration = Duration::from_secs(3);

/// The kernel lets go of it when the process ends, however it ends; the file stays.
pub struct Lock(#[expect(dead_code, reason = "held, never read")] File);

impl Lock {
    /// Whether another process has it just now.
    pub fn is_held(data_dir: &Path) -> Result<bool, Error> {
        let path = data_dir.join(NAME);
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            opened => opened.map_err(io_error("open", &path))?,
        };
        // Shared: two that only ask do not take each other for a service.
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(source)) => Err(io_error("lock", &path)(source)),
        }
    }

    pub fn take(data_dir: &Path) -> Result<Self, Error> {
        let path = data_dir.join(NAME);
        // Not truncated on opening: until we hold it, the text in it is the other's.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io_error("open", &path))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(Duration::from_millis(50)),
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::InUse { folder: data_dir.to_path_buf(), process: holder(&mut file) });
                }
                Err(TryLockError::Error(source)) => return Err(io_error("lock", &path)(source)),
            }
        }
        sign(&mut file).map_err(io_error("write", &path))?;
        Ok(Self(file))
    }
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    write!(file, "{}", std::process::id())
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
    match pid.map(|pid| (pid, process::program(pid))) {
        Some((pid, Some(program))) => format!("process {pid} ({program})"),
        Some((pid, None)) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}
