//! From the address that libpq is given to one that `tokio_postgres` understands.
//!
//! The pools connect through libpq and the listening connection does not, so this must lead to the same servers, as
//! the same user, and be as careful as libpq would be. What cannot be honoured is refused, never weakened.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, SslNegotiation, TargetSessionAttrs};

use super::address::Words;
use super::passfile;
use super::tls::Tls;
use super::untranslatable::Untranslatable;
use crate::kernel::secrets::Redacted;

/// What the servers see when the operator has not named us.
const NAME: &str = "vestibule live";

/// Where the libraries of distributions and of PostgreSQL itself look for a socket when no host is named.
const USUAL_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// Read or decided elsewhere (`keepalives…`, `sslmode` and what goes with it), or without any meaning here: how to
/// spread over hosts, how to speak Kerberos, which encoding to use.
const UNDERSTOOD: [&str; 34] = [
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "options",
    "passfile",
    "password",
    "port",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
];

pub(super) struct Translated {
    /// Everything but the server.
    pub(super) config: Config,
    /// In the order in which they are tried.
    pub(super) servers: Vec<Server>,
    pub(super) tls: Tls,
    /// For each server. `None` is for ever.
    pub(super) patience: Option<Duration>,
}

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

pub(super) fn translate(words: &Words) -> Result<Translated, Untranslatable> {
    refuse_unknown(words)?;
    let mut config = Config::new();
    identify(words, &mut config);
    bound(words, &mut config)?;
    choose(words, &mut config)?;
    let mut servers = servers(words)?;
    look_up_passwords(words, &mut servers);
    let tls = Tls::read(words)?;
    Ok(Translated { config, servers, tls, patience: patience(words)? })
}

fn refuse_unknown(words: &Words) -> Result<(), Untranslatable> {
    let unknown = |name: &str| !UNDERSTOOD.contains(&name) && name != "user";
    match words.iter().find(|(name, _)| unknown(name)) {
        Some((name, _)) => Err(Untranslatable::new(name, "it is not supported there")),
        None => Ok(()),
    }
}

fn identify(words: &Words, config: &mut Config) {
    if let Some(user) = words.get("user") {
        config.user(user);
    }
    if let Some(password) = words.get("password") {
        config.password(password);
    }
    if let Some(database) = words.get("dbname") {
        config.dbname(database);
    }
    if let Some(options) = words.get("options") {
        config.options(options);
    }
    let name = words.get("application_name").or_else(|| words.get("fallback_application_name"));
    config.application_name(name.unwrap_or(NAME));
}

/// How long a server that says nothing is waited for.
fn bound(words: &Words, config: &mut Config) -> Result<(), Untranslatable> {
    let positive = |name| Ok(words.number(name)?.and_then(|number| u64::try_from(number).ok()).filter(|n| *n > 0));
    if let Some(milliseconds) = positive("tcp_user_timeout")? {
        config.tcp_user_timeout(Duration::from_millis(milliseconds));
    }
    config.keepalives(words.number("keepalives")? != Some(0));
    if let Some(seconds) = positive("keepalives_idle")? {
        config.keepalives_idle(Duration::from_secs(seconds));
    }
    if let Some(seconds) = positive("keepalives_interval")? {
        config.keepalives_interval(Duration::from_secs(seconds));
    }
    if let Some(count) = positive("keepalives_count")? {
        config.keepalives_retries(u32::try_from(count).unwrap_or(u32::MAX));
    }
    Ok(())
}

/// As libpq: nothing or zero is for ever, and one second is too short.
fn patience(words: &Words) -> Result<Option<Duration>, Untranslatable> {
    let seconds = words.number("connect_timeout")?.and_then(|number| u64::try_from(number).ok());
    Ok(seconds.filter(|seconds| *seconds > 0).map(|seconds| Duration::from_secs(seconds.max(2))))
}

/// Whom to take and how to sign in there.
fn choose(words: &Words, config: &mut Config) -> Result<(), Untranslatable> {
    let refused = |name: &str, reason: &str| Err(Untranslatable::new(name, reason));
    config.target_session_attrs(match words.get("target_session_attrs") {
        None | Some("any") => TargetSessionAttrs::Any,
        // A primary that was told to take no writes has nothing to tell either.
        Some("read-write" | "primary") => TargetSessionAttrs::ReadWrite,
        Some(_) => return refused("target_session_attrs", "a server that takes no writes tells of no changes"),
    });
    config.channel_binding(match words.get("channel_binding") {
        None | Some("prefer") => ChannelBinding::Prefer,
        Some("disable") => ChannelBinding::Disable,
        Some("require") => ChannelBinding::Require,
        Some(_) => return refused("channel_binding", "its value is not known there"),
    });
    config.ssl_negotiation(match words.get("sslnegotiation") {
        None | Some("postgres") => SslNegotiation::Postgres,
        Some("direct") => SslNegotiation::Direct,
        Some(_) => return refused("sslnegotiation", "its value is not known there"),
    });
    match words.get("gssencmode") {
        None | Some("disable" | "prefer") => Ok(()),
        Some(_) => refused("gssencmode", "it does not speak Kerberos"),
    }
}

fn servers(words: &Words) -> Result<Vec<Server>, Untranslatable> {
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
        let places = places(&named(&hosts), &named(&addresses))?;
        servers.extend(places.into_iter().map(|place| Server { place, port, password: None }));
    }
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
            Place::Folder(folder) if USUAL_FOLDERS.iter().any(|usual| folder == Path::new(usual)) => {
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

fn places(host: &str, address: &str) -> Result<Vec<Place>, Untranslatable> {
    let wrong = |_| Untranslatable::new("hostaddr", "it is not an IP address");
    match (host, address) {
        ("", "") => Ok(USUAL_FOLDERS.map(|folder| Place::Folder(folder.into())).to_vec()),
        ("", address) => {
            Ok(vec![Place::Host { name: address.to_owned(), address: Some(address.parse().map_err(wrong)?) }])
        }
        (host, "") if host.starts_with('/') => Ok(vec![Place::Folder(host.into())]),
        (host, "") if host.starts_with('@') => Err(Untranslatable::new("host", "it knows no abstract sockets")),
        (host, "") => Ok(vec![Place::Host { name: host.to_owned(), address: None }]),
        (host, address) => {
            Ok(vec![Place::Host { name: host.to_owned(), address: Some(address.parse().map_err(wrong)?) }])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(address: &str) -> Result<Translated, Untranslatable> {
        translate(&Words::parse(address).expect(address))
    }

    fn refused(address: &str) -> String {
        translated(address).err().expect(address).to_string()
    }

    /// `folder:port` or `name@address:port`.
    fn places(address: &str) -> Vec<String> {
        let place = |server: &Server| match &server.place {
            Place::Folder(folder) => format!("{}:{}", folder.display(), server.port),
            Place::Host { name, address: None } => format!("{name}:{}", server.port),
            Place::Host { name, address: Some(address) } => format!("{name}@{address}:{}", server.port),
        };
        translated(address).expect(address).servers.iter().map(place).collect()
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
            ("dbname=d port=6", vec!["/var/run/postgresql:6", "/tmp:6"]),
            ("host=a,", vec!["a:5432", "/var/run/postgresql:5432", "/tmp:5432"]),
        ] {
            assert_eq!(places(address), expected, "{address}");
        }
    }

    #[test]
    fn who_we_are_and_how_long_we_wait_is_as_with_libpq() {
        let address = "postgres://ann:a%20b@h/d?options=-c%20work_mem%3D1MB&connect_timeout=1&tcp_user_timeout=1500\
                       &keepalives_idle=7&keepalives_interval=8&keepalives_count=9&target_session_attrs=read-write\
                       &channel_binding=require&client_encoding=auto&load_balance_hosts=random&gssencmode=prefer";
        let Translated { config, patience, .. } = translated(address).unwrap();
        let mut expected = Config::new();
        expected
            .user("ann")
            .password("a b")
            .dbname("d")
            .options("-c work_mem=1MB")
            .application_name(NAME)
            .tcp_user_timeout(Duration::from_millis(1500))
            .keepalives_idle(Duration::from_secs(7))
            .keepalives_interval(Duration::from_secs(8))
            .keepalives_retries(9)
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .channel_binding(ChannelBinding::Require);
        assert!(config == expected, "{config:?}");
        assert_eq!(patience, Some(Duration::from_secs(2)));
        assert_eq!(translated("connect_timeout=0").unwrap().patience, None);
        assert_eq!(translated("keepalives=0").unwrap().config.get_keepalives(), false);
        let names = ["application_name=a fallback_application_name=b", "fallback_application_name=b"];
        let name = |address| translated(address).unwrap().config.get_application_name().map(str::to_owned);
        assert_eq!(names.map(name), [Some("a".to_owned()), Some("b".to_owned())]);
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_by_its_name() {
        for (address, parameter) in [
            ("service=s", "service"),
            ("requirepeer=postgres", "requirepeer"),
            ("require_auth=scram-sha-256", "require_auth"),
            ("sslcrl=/x", "sslcrl"),
            ("sslpassword=hunter2", "sslpassword"),
            ("target_session_attrs=standby", "target_session_attrs"),
            ("target_session_attrs=prefer-standby", "target_session_attrs"),
            ("gssencmode=require", "gssencmode"),
            ("channel_binding=maybe", "channel_binding"),
            ("sslnegotiation=maybe", "sslnegotiation"),
            ("host=@abstract", "host"),
            ("host=a,b port=1,2,3", "host"),
            ("host=a,b hostaddr=::1", "host"),
            ("hostaddr=localhost", "hostaddr"),
            ("port=70000", "port"),
            ("connect_timeout=soon", "connect_timeout"),
            ("sslmode=maybe", "sslmode"),
            ("sslmode=verify-full", "sslmode"),
            ("sslmode=verify-ca", "sslmode"),
            ("sslmode=require sslrootcert=system", "sslmode"),
            ("sslmode=require sslrootcert=/nowhere", "sslrootcert"),
            ("sslcert=/nowhere sslkey=/nowhere", "sslkey"),
            ("sslcert=/nowhere", "sslkey"),
            ("sslcertmode=require", "sslcertmode"),
            ("ssl_max_protocol_version=TLSv1.1", "ssl_max_protocol_version"),
        ] {
            let refusal = refused(address);
            assert!(refusal.contains(&format!("cannot honour {parameter} of")), "{refusal}");
            assert!(!refusal.contains("hunter2"), "{refusal}");
        }
    }

    #[test]
    fn files_that_are_not_used_need_not_exist() {
        assert!(translated("sslmode=disable sslrootcert=/nowhere sslcert=/nowhere").is_ok());
        assert!(translated("sslcertmode=disable sslcert=/nowhere").is_ok());
        assert!(translated("passfile=/nowhere user=ann").is_ok());
    }
}
