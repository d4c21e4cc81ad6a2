//! Which servers an address names, in the order in which they are tried.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::address::Words;
use super::passfile;
use super::untranslatable::Untranslatable;
use crate::kernel::secrets::Redacted;

/// Where libpq looks for a socket when no host is named: as distributions build it, and as PostgreSQL's own sources do.
const USUAL_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

#[derive(Clone)]
pub(super) struct Server {
    pub(super) place: Place,
    pub(super) port: u16,
    /// From the file of passwords.
    pub(super) password: Option<Redacted>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The folder of a Unix socket.
    Folder(PathBuf),
    /// The name is what a certificate must be for.
    Host { name: String, address: Option<IpAddr> },
}

pub(super) fn servers(words: &Words) -> Result<Vec<Server>, Untranslatable> {
    let (hosts, addresses, ports) = (words.list("host"), words.list("hostaddr"), words.list("port"));
    let count = hosts.len().max(addresses.len()).max(1);
    let fits = |list: &[&str]| list.is_empty() || list.len() == count;
    if !fits(&hosts) || !fits(&addresses) || !(fits(&ports) || ports.len() == 1) {
        return Err(Untranslatable::new("host", "there are not as many hosts as addresses or ports"));
    }
    let mut servers = Vec::with_capacity(count);
    for index in 0..count {
        let port = port(ports.get(index).or(ports.first()).copied().unwrap_or_default())?;
        let named = |list: &[&str]| list.get(index).copied().unwrap_or_default().to_owned();
        let place = place(&named(&hosts), &named(&addresses))?;
        servers.push(Server { place, port, password: None });
    }
    look_up_passwords(words, &mut servers);
    Ok(servers)
}

/// As libpq does for an address without a password.
fn look_up_passwords(words: &Words, servers: &mut [Server]) {
    let (None, Some(path), Some(user)) = (words.get("password"), words.get("passfile"), words.get("user")) else {
        return;
    };
    let Some(text) = passfile::read(path) else { return };
    let database = words.get("dbname").unwrap_or(user);
    for server in servers {
        let port = server.port.to_string();
        let find = |hosts: &[&str]| passfile::find(&text, hosts, [&port, database, user]);
        server.password = match &server.place {
            Place::Host { name, .. } => find(&[name]),
            Place::Folder(folder) if folder == Path::new(usual_folder()) => {
                find(&["localhost", &folder.display().to_string()])
            }
            Place::Folder(folder) => find(&[&folder.display().to_string()]),
        };
    }
}

fn port(text: &str) -> Result<u16, Untranslatable> {
    if text.is_empty() {
        return Ok(5432);
    }
    text.parse().map_err(|_| Untranslatable::new("port", "it is not a number from 1 to 65535"))
}

/// One only: anybody can put a socket into `/tmp` while the server of the other folder is down.
fn usual_folder() -> &'static str {
    let [of_distributions, of_the_sources] = USUAL_FOLDERS;
    if Path::new(of_distributions).is_dir() { of_distributions } else { of_the_sources }
}

fn place(host: &str, address: &str) -> Result<Place, Untranslatable> {
    let wrong = |_| Untranslatable::new("hostaddr", "it is not an IP address");
    match (host, address) {
        ("", "") => Ok(Place::Folder(usual_folder().into())),
        (host, "") if host.starts_with('/') => Ok(Place::Folder(host.into())),
        (host, "") if host.starts_with('@') => Err(Untranslatable::new("host", "it knows no abstract sockets")),
        (host, "") => Ok(Place::Host { name: host.to_owned(), address: None }),
        (host, address) => {
            let name = if host.is_empty() { address } else { host };
            Ok(Place::Host { name: name.to_owned(), address: Some(address.parse().map_err(wrong)?) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `folder:port` or `name@address:port`.
    fn places(address: &str) -> Vec<String> {
        let place = |server: &Server| match &server.place {
            Place::Folder(folder) => format!("{}:{}", folder.display(), server.port),
            Place::Host { name, address: None } => format!("{name}:{}", server.port),
            Place::Host { name, address: Some(address) } => format!("{name}@{address}:{}", server.port),
        };
        servers(&Words::parse(address).unwrap()).expect(address).iter().map(place).collect()
    }

    #[test]
    fn an_address_leads_to_the_same_servers_as_with_libpq() {
        for (address, expected) in [
            ("postgres://h/d", vec!["h:5432"]),
            ("postgresql://a:1,b:2/d", vec!["a:1", "b:2"]),
            ("postgresql://a,b/d?port=7", vec!["a:7", "b:7"]),
            ("postgresql://a,b:9/d", vec!["a:5432", "b:9"]),
            ("postgresql:///d?host=/run/a,/run/b&port=1,2", vec!["/run/a:1", "/run/b:2"]),
            ("postgres://%2Frun%2Fa:3/d", vec!["/run/a:3"]),
            ("host=a,b hostaddr=10.0.0.1,::1 port=4", vec!["a@10.0.0.1:4", "b@::1:4"]),
            ("hostaddr=10.0.0.1", vec!["10.0.0.1@10.0.0.1:5432"]),
            ("postgres://[::1]:5/d", vec!["::1:5"]),
            ("dbname=d port=6", vec![&format!("{}:6", usual_folder())]),
            ("host=a,", vec!["a:5432", &format!("{}:5432", usual_folder())]),
        ] {
            assert_eq!(places(address), expected, "{address}");
        }
    }
}
