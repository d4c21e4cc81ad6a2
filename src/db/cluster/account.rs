//! Under which account PostgreSQL runs: our own, except for root, whom it refuses.

use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::{Error, io_error};

const ROOT: u32 = 0;
/// In this order: the account that packages of PostgreSQL make, then the one that every system has.
const INSTEAD_OF_ROOT: [&str; 2] = ["postgres", "nobody"];

/// Who runs the service and who runs PostgreSQL.
#[derive(Debug)]
pub struct Account {
    /// The service's own name, which PostgreSQL sees at the other end of the socket.
    service: String,
    uid: u32,
    /// `Some` when PostgreSQL runs as another user than the service.
    gid_to_become: Option<u32>,
}

impl Account {
    /// For a new cluster.
    pub fn for_new() -> Result<Self, Error> {
        let me = Self::ourselves()?;
        if me.uid != ROOT {
            return Ok(me);
        }
        let other = INSTEAD_OF_ROOT.into_iter().find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)));
        match other {
            Some((uid, gid)) => Ok(me.becoming(uid, gid)),
            None => Err(Error::NoAccount("There is neither a user postgres nor a user nobody".to_owned())),
        }
    }

    /// For a cluster that exists: the one it belongs to.
    pub fn for_owner(data: &Path, uid: u32, gid: u32) -> Result<Self, Error> {
        let me = Self::ourselves()?;
        match me.uid {
            mine if mine == uid => Ok(me),
            ROOT => Ok(me.becoming(uid, gid)),
            _ => Err(Error::Foreign { folder: data.to_path_buf(), owner: uid }),
        }
    }

    fn ourselves() -> Result<Self, Error> {
        let uid = id(&["-u"]).ok_or_else(|| Error::NoAccount("id -u does not say who we are".to_owned()))?;
        let service =
            say_id(&["-un"]).ok_or_else(|| Error::NoAccount(format!("User {uid} has no entry in /etc/passwd")))?;
        Ok(Self { service, uid, gid_to_become: None })
    }

    fn becoming(self, uid: u32, gid: u32) -> Self {
        Self { uid, gid_to_become: Some(gid), ..self }
    }

    pub fn service(&self) -> &str {
        &self.service
    }

    /// Whether a folder of this owner is ours: the cluster's, or root's own which was not yet given away.
    pub fn may_own(&self, uid: u32) -> bool {
        uid == self.uid || (self.is_another() && uid == ROOT)
    }

    pub fn is_another(&self) -> bool {
        self.gid_to_become.is_some()
    }

    /// The name that belongs to the number, or the number.
    pub fn name(&self) -> String {
        let uid = self.uid.to_string();
        say_id(&["-un", &uid]).unwrap_or(uid)
    }

    /// A command that runs under this account, away from our terminal and without our environment, which
    /// holds secrets (`VESTIBULE__…`) and settings of libpq (`PG…`) that are none of PostgreSQL's business.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LC_ALL", "C");
        command.current_dir("/").stdin(Stdio::null());
        // Ctrl-C goes to every process of the terminal's foreground group. PostgreSQL must not hear it: the
        // service still has requests to finish, and stops it afterwards.
        command.process_group(0);
        if let Some(gid) = self.gid_to_become {
            // Setting the uid as root drops root's supplementary groups as well.
            command.uid(self.uid).gid(gid);
        }
        command
    }

    /// Whether files in this folder can be opened under this account, by name.
    pub fn may_enter(&self, folder: &Path) -> bool {
        self.command("test").arg("-x").arg(folder).status().is_ok_and(|status| status.success())
    }

    /// Hands a folder that we made to this account.
    pub fn give(&self, folder: &Path) -> Result<(), Error> {
        match self.gid_to_become {
            Some(gid) => chown(folder, Some(self.uid), Some(gid)).map_err(io_error("give away", folder)),
            None => Ok(()),
        }
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    say_id(arguments)?.parse().ok()
}

/// `id` rather than /etc/passwd, because accounts may come from a directory.
fn say_id(arguments: &[&str]) -> Option<String> {
    let output = Command::new("id").args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_inherits_nothing_of_our_environment() {
        let output = Account::for_new().unwrap().command("env").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        assert_eq!(names, ["LC_ALL", "PATH"]);
    }

    #[test]
    fn postgresql_never_runs_as_root_and_the_service_keeps_its_name() {
        let account = Account::for_new().unwrap();
        let output = account.command("id").arg("-u").output().unwrap();
        let uid: u32 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        assert_ne!(uid, ROOT);
        assert_eq!(uid, account.uid);
        assert_eq!(account.service(), say_id(&["-un"]).unwrap());
    }
}
