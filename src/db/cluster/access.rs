//! Who may come in through the socket.
//!
//! Only the system account that runs the service: the kernel tells PostgreSQL who is at the other end
//! (`peer`), and a map says that this account may be either of our two roles. `trust` behind the folder's
//! mode would nearly do; but a cluster of root's may have to run as `nobody`, and then everything else that
//! runs as `nobody` can enter the folder too.

use std::ffi::OsString;
use std::fs;

use super::error::{Error, io_error};
use super::home::{Home, set_mode};
use super::{making, store};

/// Written at every start, since another account may run the service this time.
pub fn write_rules(home: &Home, service: &str) -> Result<(), Error> {
    let name = service.replace('"', "\"\"");
    let names = [making::SUPERUSER, store::ROLE].map(|role| format!("service \"{name}\" {role}\n")).concat();
    let rules = "local all all peer map=service\n".to_owned();
    for (path, text) in [(home.access_rules(), rules), (home.access_names(), names)] {
        fs::write(&path, text).map_err(io_error("write", &path))?;
        // For the account that runs PostgreSQL, whatever the umask.
        set_mode(&path, 0o644)?;
    }
    Ok(())
}

/// For PostgreSQL's command line.
pub fn settings(home: &Home) -> [OsString; 2] {
    [("hba_file=", home.access_rules()), ("ident_file=", home.access_names())].map(|(key, path)| {
        let mut setting = OsString::from(key);
        setting.push(path);
        setting
    })
}
