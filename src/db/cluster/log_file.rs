//! What PostgreSQL says, in a file of the cluster's folder.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::error::{Error, io_error};

const FULL: u64 = 1024 * 1024;

pub struct LogFile(PathBuf);

impl LogFile {
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Sets a full one aside; the one set aside before is lost.
    pub fn turn_over(&self) -> Result<(), Error> {
        if self.length() <= FULL {
            return Ok(());
        }
        fs::rename(&self.0, self.0.with_extension("log.old")).map_err(io_error("rename", &self.0))
    }

    pub fn open(&self) -> Result<File, Error> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.0);
        file.map_err(io_error("open", &self.0))
    }

    pub fn length(&self) -> u64 {
        fs::metadata(&self.0).map_or(0, |found| found.len())
    }

    /// The last lines of what was written after `position`.
    pub fn said_since(&self, position: u64) -> String {
        let mut said = Vec::new();
        let read = File::open(&self.0).and_then(|mut file| {
            file.seek(SeekFrom::Start(position))?;
            file.read_to_end(&mut said)
        });
        match read {
            Ok(_) => last_lines(&String::from_utf8_lossy(&said)),
            Err(error) => error.to_string(),
        }
    }
}

/// As many as a person reads of an error.
pub fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(12)).copied().collect::<Vec<_>>().join("\n")
}
