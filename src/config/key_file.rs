//! The key of an installation that was given none: made once, kept beside its private cluster.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::parse;
use super::settings::{SecretKey, Settings};
use crate::kernel::Token;
use crate::kernel::secrets::random_bytes;

const FILE_NAME: &str = "key";

#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("the key file {} cannot be read or made: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the key file {0} can be read by others (mode {1:o}); run `chmod 600 {0}`", path.display(), mode)]
    OpenToOthers { path: PathBuf, mode: u32 },
    #[error("the key file {} does not hold a key; what was sealed with the right one is lost without it", path.display())]
    NoKey { path: PathBuf },
}

/// The configured keys, or the one kept in `data_dir`, which is made now if it is not there yet.
pub fn secret_keys(settings: &Settings) -> Result<Vec<SecretKey>, KeyFileError> {
    match settings.secrets.keys.as_slice() {
        [] => Ok(vec![made_once(&settings.server.data_dir)?]),
        keys => Ok(keys.to_vec()),
    }
}

fn made_once(data_dir: &Path) -> Result<SecretKey, KeyFileError> {
    let path = data_dir.join(FILE_NAME);
    let failed = |source| KeyFileError::Io { path: path.clone(), source };
    if !path.try_exists().map_err(failed)? {
        fs::create_dir_all(data_dir).and_then(|()| make(data_dir, &path)).map_err(failed)?;
    }
    read(&path)
}

/// The file appears whole or not at all, and of several processes one wins: a link is made only to a
/// finished file and never over another.
fn make(data_dir: &Path, path: &Path) -> io::Result<()> {
    let draft = data_dir.join(format!("{FILE_NAME}.{}", Token::generate().expose()));
    let made = write_new(&draft).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    made.and(removed)?;
    // The name is in the folder: until that is on the disk, so is nothing.
    File::open(data_dir)?.sync_all()
}

fn write_new(path: &Path) -> io::Result<()> {
    let bytes = Zeroizing::new(random_bytes::<{ SecretKey::MIN_BYTES }>());
    let text = Zeroizing::new(format!("{}\n", STANDARD.encode(bytes.as_slice())));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn read(path: &Path) -> Result<SecretKey, KeyFileError> {
    let failed = |source| KeyFileError::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::OpenToOthers { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(failed)?;
    parse::secret_key(&text).map_err(|_| KeyFileError::NoKey { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::TempFolder;

    #[test]
    fn the_key_is_made_once_and_kept() {
        let folder = TempFolder::new();
        let data_dir = folder.path().join("not/yet/there");
        let first = made_once(&data_dir).unwrap();
        let second = made_once(&data_dir).unwrap();
        assert_eq!(first, second);
        assert_eq!(first.expose().len(), SecretKey::MIN_BYTES);
        let files: Vec<_> = fs::read_dir(&data_dir).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, ["key"]);
        assert_eq!(fs::metadata(data_dir.join("key")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn of_many_at_once_one_wins() {
        let folder = TempFolder::new();
        let keys: Vec<SecretKey> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..16).map(|_| scope.spawn(|| made_once(folder.path()).unwrap())).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = TempFolder::new();
        made_once(folder.path()).unwrap();
        fs::set_permissions(folder.path().join("key"), fs::Permissions::from_mode(0o640)).unwrap();
        let error = made_once(folder.path()).unwrap_err();
        assert!(matches!(error, KeyFileError::OpenToOthers { mode: 0o640, .. }), "{error}");
    }

    #[test]
    fn a_broken_key_is_never_replaced() {
        let folder = TempFolder::new();
        made_once(folder.path()).unwrap();
        fs::write(folder.path().join("key"), "").unwrap();
        assert!(matches!(made_once(folder.path()), Err(KeyFileError::NoKey { .. })));
        assert_eq!(fs::read(folder.path().join("key")).unwrap(), b"");
    }
}
