//! From the address that libpq is given to one that `tokio_postgres` understands.
//!
//! The pools connect through libpq and the listening connection does not, so this must lead to the same servers, as
//! the same user, and be as careful as libpq would be. What cannot be honoured is refused, never weakened.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, SslNegotiation, TargetSessionAttrs};

use super::address::Words;
use super::tls::Tls;
use super::untranslatable::Untranslatable;

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

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) place: Place,
    pub(super) port: u16,
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
    let servers = servers(words)?;
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
        servers.extend(places.into_iter().map(|place| Server { place, port }));
    }
    Ok(servers)
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
