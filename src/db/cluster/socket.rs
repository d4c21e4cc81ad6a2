//! The one way in: a Unix socket in a folder that only the cluster's account can enter.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::account::Account;
use super::error::{Error, io_error};
use super::home::{Home, make_folder};

/// Part of the socket's name only; nothing listens on it.
const PORT: &str = "5432";
/// What fits into `sockaddr_un`, without the closing zero.
const LONGEST: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

pub struct Socket {
    folder: PathBuf,
}

impl Socket {
    pub fn prepare(home: &Home, account: &Account) -> Result<Self, Error> {
        let folder = folder_of(home);
        if folder == home.socket() {
            make_folder(&folder, 0o700)?;
            account.give(&folder)?;
        } else {
            make_in_public(&folder, account)?;
        }
        Ok(Self { folder })
    }

    pub fn url(&self, user: &str, database: &str) -> String {
        url(&self.folder, user, database)
    }

    /// For PostgreSQL's command line. Unquoted, spaces at its ends would be cut off.
    pub fn settings(&self) -> [OsString; 3] {
        let mut folders = b"unix_socket_directories=\"".to_vec();
        for byte in self.folder.as_os_str().as_bytes() {
            folders.extend_from_slice(if *byte == b'"' { b"\"\"" } else { std::slice::from_ref(byte) });
        }
        folders.push(b'"');
        [OsString::from_vec(folders), format!("port={PORT}").into(), "unix_socket_permissions=0700".into()]
    }

    /// What a killed server left. PostgreSQL removes it itself unless another process has its number now.
    pub fn clear(&self) {
        for name in [socket_name(), format!("{}.lock", socket_name())] {
            let path = self.folder.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    log::warn!("could not remove {}: {error}", path.display());
                }
                Ok(()) | Err(_) => {}
            }
        }
    }
}

impl Drop for Socket {
    /// Made anew at every start. It stays as long as there is a socket in it.
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Where the cluster of a home is reached that another process runs.
pub fn url_of_running(home: &Home, user: &str, database: &str) -> String {
    url(&folder_of(home), user, database)
}

fn url(folder: &Path, user: &str, database: &str) -> String {
    let host = percent_encode(folder.as_os_str().as_bytes());
    format!("postgresql:///{database}?host={host}&port={PORT}&user={user}")
}

fn folder_of(home: &Home) -> PathBuf {
    let near = home.socket();
    if is_fit(&near) { near } else { Path::new("/tmp").join(format!("vestibule-{}", home.key())) }
}

/// For libpq a comma in the host, however it is written, makes it two hosts.
fn is_fit(folder: &Path) -> bool {
    let path = folder.join(socket_name());
    path.as_os_str().len() <= LONGEST && !path.as_os_str().as_bytes().contains(&b',')
}

fn socket_name() -> String {
    format!(".s.PGSQL.{PORT}")
}

/// In a folder where everybody may make files the name may be taken: a folder is ours only if it is no
/// link, belongs to the account that will run PostgreSQL, and lets nobody else in.
fn make_in_public(folder: &Path, account: &Account) -> Result<(), Error> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => account.give(folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(folder).map_err(io_error("look at", folder))?;
            let is_private = found.mode().trailing_zeros() >= 6;
            if found.is_dir() && account.may_own(found.uid()) && is_private {
                return account.give(folder);
            }
            let source = io::Error::other("it exists and is not private to the account that runs PostgreSQL");
            Err(io_error("use", folder)(source))
        }
        Err(error) => Err(io_error("make", folder)(error)),
    }
}

/// Everything but RFC 3986's unreserved characters (section 2.3).
fn percent_encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, &byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_any_name_is_one_folder_in_the_url_and_on_the_command_line() {
        let socket = Socket { folder: "/srv/a \"b\"/c&d=é".into() };
        let url = "postgresql:///vestibule?host=%2Fsrv%2Fa%20%22b%22%2Fc%26d%3D%C3%A9&port=5432&user=ann";
        assert_eq!(socket.url("ann", "vestibule"), url);
        assert_eq!(socket.settings()[0], OsString::from("unix_socket_directories=\"/srv/a \"\"b\"\"/c&d=é\""));
    }

    #[test]
    fn a_socket_path_is_fit_up_to_the_longest_and_without_a_comma() {
        let folder = |length: usize| PathBuf::from(format!("/{}", "x".repeat(length - 1)));
        let name = "/.s.PGSQL.5432".len();
        assert!(is_fit(&folder(LONGEST - name)));
        assert!(!is_fit(&folder(LONGEST - name + 1)));
        assert!(!is_fit(Path::new("/srv/a,b")));
    }
}
