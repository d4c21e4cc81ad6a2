//! Finds the programs of PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::account::Account;
use super::error::Error;
use super::home::Home;

/// The oldest whose `gen_random_uuid` and trusted extensions need no superuser.
const OLDEST: u32 = 13;
/// Where packages put them: (folder, what the names in it begin with, where below).
const PLACES: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
];

/// One installed PostgreSQL.
#[derive(Clone, Debug, PartialEq)]
pub struct Programs {
    folder: PathBuf,
    major: u32,
}

impl Programs {
    /// The one to run this cluster with. On PATH comes first, that is somebody's choice; then the newest.
    /// An existing cluster is run by its own version wherever that is.
    pub fn find(account: &Account, home: &Home) -> Result<Self, Error> {
        let mut found: Vec<Self> = package_folders().filter_map(|folder| Self::look_into(folder, account)).collect();
        found.sort_by_key(|programs| std::cmp::Reverse(programs.major));
        let chosen = folder_on_path().and_then(|folder| Self::look_into(folder, account));
        choose(chosen.into_iter().chain(found).collect(), home.made_by(), &home.data())
    }

    /// Asked under the account that will run them, so that what it may not execute is not found.
    fn look_into(folder: PathBuf, account: &Account) -> Option<Self> {
        if !["initdb", "pg_ctl"].iter().all(|name| folder.join(name).is_file()) {
            return None;
        }
        let output = account.command(folder.join("postgres")).arg("--version").output().ok()?;
        let major = parse_version(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { folder, major })
    }

    pub fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub fn pg_ctl(&self) -> PathBuf {
        self.folder.join("pg_ctl")
    }

    pub fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }
}

fn choose(found: Vec<Programs>, made_by: Option<u32>, data: &Path) -> Result<Programs, Error> {
    let majors: Vec<String> = found.iter().map(|programs| programs.major.to_string()).collect();
    let mut fitting = found.into_iter().filter(|programs| match made_by {
        Some(major) => programs.major == major,
        None => programs.major >= OLDEST,
    });
    match (fitting.next(), made_by) {
        (Some(programs), _) => Ok(programs),
        (None, Some(made_by)) if !majors.is_empty() => {
            Err(Error::OtherVersion { folder: data.to_path_buf(), made_by, installed: majors.join(", ") })
        }
        (None, _) => Err(Error::NotInstalled { oldest: OLDEST }),
    }
}

/// `postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)` is 15.
fn parse_version(line: &str) -> Option<u32> {
    let version = line.strip_prefix("postgres (PostgreSQL) ")?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn package_folders() -> impl Iterator<Item = PathBuf> {
    PLACES.into_iter().flat_map(|(place, prefix, below)| {
        let entries = fs::read_dir(place).into_iter().flatten().flatten();
        let named = entries.filter(move |entry| entry.file_name().to_string_lossy().starts_with(prefix));
        named.map(move |entry| entry.path().join(below))
    })
}

/// The shell is asked because reading the environment is left to `config`. What is on PATH is often one
/// symbolic link per program; the others are beside the file it points to.
fn folder_on_path() -> Option<PathBuf> {
    let output = Command::new("/bin/sh").args(["-c", "command -v postgres"]).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(fs::canonicalize(text.trim_end()).ok()?.parent()?.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(majors: &[u32]) -> Vec<Programs> {
        majors.iter().map(|&major| Programs { folder: format!("/pg/{major}").into(), major }).collect()
    }

    #[test]
    fn the_version_is_read_from_what_each_build_says() {
        assert_eq!(parse_version("postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_version("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(parse_version("postgres (PostgreSQL) 9.6.24\n"), Some(9));
        assert_eq!(parse_version("some other program 17\n"), None);
    }

    #[test]
    fn a_cluster_is_run_by_the_version_that_made_it_and_a_new_one_by_the_first_found() {
        for (found, made_by, expected) in [
            (&[17, 16, 15][..], None, Some(17)),
            (&[17, 16, 15], Some(15), Some(15)),
            (&[12, 14], None, Some(14)),
            (&[12], None, None),
            (&[17, 16], Some(15), None),
            (&[], None, None),
            (&[], Some(15), None),
        ] {
            let chosen = choose(installed(found), made_by, Path::new("/data")).ok();
            assert_eq!(chosen.map(|programs| programs.major), expected, "{found:?} for {made_by:?}");
        }
    }

    #[test]
    fn a_missing_postgresql_is_an_error_that_names_the_packages() {
        let account = Account::for_new().unwrap();
        let nothing = Programs::look_into("/nonexistent".into(), &account);
        let text = choose(nothing.into_iter().collect(), None, Path::new("/data")).unwrap_err().to_string();
        for hint in ["PostgreSQL 13", "apt-get install postgresql", "brew install postgresql", "database.url"] {
            assert!(text.contains(hint), "{hint:?} is not in {text:?}");
        }
    }

    #[test]
    fn another_version_is_an_error_that_names_both() {
        let text = choose(installed(&[17, 16]), Some(15), Path::new("/srv/data")).unwrap_err().to_string();
        assert!(text.contains("/srv/data") && text.contains("made by PostgreSQL 15"), "{text}");
        assert!(text.contains("installed is 17, 16"), "{text}");
    }
}
