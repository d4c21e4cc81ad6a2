//! From the address that libpq is given to one that `tokio_postgres` understands.
//!
//! The pools connect through libpq and the listening connection does not, so this must lead to the same servers, as
//! the same user, and be as careful as libpq would be. What cannot be honoured is refused, never weakened.

use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, SslNegotiation, TargetSessionAttrs};

use super::Error;
use super::address::Words;
use super::servers::{Server, servers};
use super::tls::Tls;
use super::untranslatable::Untranslatable;

/// What the servers see when the operator has not named us.
const NAME: &str = "vestibule live";

/// Read or decided elsewhere (`keepalives…`, `sslmode` and what goes with it), or without any meaning here: how to
/// spread over hosts, how to speak Kerberos, which encoding to use.
const UNDERSTOOD: [&str; 35] = [
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
    "user",
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

pub(super) fn translate(words: &Words) -> Result<Translated, Error> {
    refuse_unknown(words)?;
    let mut config = Config::new();
    identify(words, &mut config);
    bound(words, &mut config)?;
    choose(words, &mut config)?;
    let servers = servers(words)?;
    let tls = Tls::read(words, &servers)?;
    Ok(Translated { config, servers, tls, patience: patience(words)? })
}

fn refuse_unknown(words: &Words) -> Result<(), Untranslatable> {
    match words.iter().find(|(name, _)| !UNDERSTOOD.contains(name)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(address: &str) -> Result<Translated, Error> {
        translate(&Words::parse(address).expect(address).or_else([("host", "h".to_owned())]))
    }

    fn refused(address: &str) -> String {
        translated(address).err().expect(address).to_string()
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
        assert!(!translated("keepalives=0").unwrap().config.get_keepalives());
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
        assert!(translated("host=/run,/tmp sslmode=verify-full sslcert=/nowhere").is_ok());
        assert!(translated("sslcertmode=disable sslcert=/nowhere").is_ok());
        assert!(translated("passfile=/nowhere user=ann").is_ok());
    }

    #[test]
    fn a_file_that_cannot_be_read_may_be_there_the_next_time() {
        for (address, missing) in [
            ("sslmode=require sslrootcert=/nowhere", "sslrootcert /nowhere: "),
            ("sslcert=/nowhere sslkey=/nowhere", "sslkey /nowhere: "),
        ] {
            match translated(address) {
                Err(Error::Lost(reason)) => assert!(reason.starts_with(missing), "{reason}"),
                _ => panic!("{address}"),
            }
        }
    }
}
