//! Texts into values, one function each. None of them quotes a secret.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::TimeDelta;
use ipnet::IpNet;
use log::LevelFilter;
use secrecy::SecretString;

use super::findings::Wrong;
use super::settings::{Action, Allow, Factor, Limit, LogFormat, SecretKey, Signup, Tls, Transport};
use crate::breaches::HashFile;
use crate::kernel::EmailAddress;

const LONGEST: TimeDelta = TimeDelta::days(3650);

pub(super) fn socket_address(text: &str) -> Result<SocketAddr, Wrong> {
    text.parse().map_err(|_| {
        let remedy = r#"Write an IP address and a port, as in "127.0.0.1:8080", "0.0.0.0:8080" or "[::1]:8080"."#;
        Wrong::quoting(text, "an address to listen on", remedy)
    })
}

/// Who answers for names; on the usual port unless another is said.
pub(super) fn dns_server(text: &str) -> Result<SocketAddr, Wrong> {
    const USUAL_PORT: u16 = 53;
    let address = text.parse::<SocketAddr>();
    address.or_else(|_| text.parse::<IpAddr>().map(|address| SocketAddr::new(address, USUAL_PORT))).map_err(|_| {
        let remedy = r#"Write its IP address, with a port where it is not 53, as in "192.0.2.53" or "127.0.0.1:5353"."#;
        Wrong::quoting(text, "the address of a DNS server", remedy)
    })
}

/// A network, or one address.
pub(super) fn network(text: &str) -> Result<IpNet, Wrong> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let remedy = r#"Write it as in "10.0.0.0/8", "2001:db8::/32" or "192.0.2.1"."#;
    network.map(|network| network.trunc()).map_err(|_| Wrong::quoting(text, "a network", remedy))
}

/// A folder or file that need not be there yet.
pub(super) fn path(text: &str) -> Result<PathBuf, Wrong> {
    if text.is_empty() { Err(Wrong::new("It is empty.", "Write a path.")) } else { Ok(PathBuf::from(text)) }
}

pub(super) fn existing_folder(text: &str) -> Result<PathBuf, Wrong> {
    let remedy = "Write the path of a folder that is there.";
    if Path::new(text).is_dir() { Ok(PathBuf::from(text)) } else { Err(Wrong::quoting(text, "a folder", remedy)) }
}

pub(super) fn pem_file(text: &str) -> Result<PathBuf, Wrong> {
    let remedy = "Write the path of a PEM file with one or more certificates.";
    let pem = std::fs::read(text).map_err(|error| Wrong::new(format!("{text:?} cannot be read: {error}."), remedy))?;
    if String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        Ok(PathBuf::from(text))
    } else {
        Err(Wrong::new(format!("There is no certificate in {text:?}."), remedy))
    }
}

/// A list of leaked passwords' hashes.
pub(super) fn hash_file(text: &str) -> Result<PathBuf, Wrong> {
    let remedy = "Write the path of a list of SHA-1 hashes that is sorted by hash, a line each.";
    let path = PathBuf::from(text);
    match HashFile::open(&path) {
        Ok(_) => Ok(path),
        Err(error) => Err(Wrong::new(format!("{text:?} is of no use: {error}."), remedy)),
    }
}

/// More than nothing and at most ten years, so that adding it to an instant never overflows.
pub(super) fn duration(text: &str) -> Result<TimeDelta, Wrong> {
    let remedy = r#"Write a duration, as in "90s", "30m", "24h" or "7d"."#;
    let parsed = humantime::parse_duration(text).map_err(|_| Wrong::quoting(text, "a duration", remedy))?;
    let duration = TimeDelta::from_std(parsed).unwrap_or(TimeDelta::MAX);
    if duration <= TimeDelta::zero() {
        Err(Wrong::new("It is no time at all.", remedy))
    } else if duration > LONGEST {
        Err(Wrong::new(format!("{text:?} is more than ten years."), remedy))
    } else {
        Ok(duration)
    }
}

/// "5 per 15m"
pub(super) fn limit(text: &str) -> Result<Limit, Wrong> {
    let remedy = r#"Write how many, and in how long, as in "5 per 15m"."#;
    let (count, period) = text.split_once(" per ").ok_or_else(|| Wrong::quoting(text, "a limit", remedy))?;
    let period = duration(period.trim())?;
    match count.trim().parse() {
        Ok(count @ 1..=1_000_000) => Ok(Limit { count, period }),
        _ => Err(Wrong::quoting(count, "a number of attempts", remedy)),
    }
}

/// "1m for password"
pub(super) fn window(text: &str) -> Result<(Action, TimeDelta), Wrong> {
    let remedy = r#"Write how long, and for what, as in "1m for password"."#;
    let (time, action) = text.split_once(" for ").ok_or_else(|| Wrong::quoting(text, "a window", remedy))?;
    Ok((
        choice(
            action.trim(),
            &[
                ("password", Action::Password),
                ("email", Action::Email),
                ("factors", Action::Factors),
                ("api_keys", Action::ApiKeys),
                ("deletion", Action::Deletion),
            ],
        )?,
        duration(time.trim())?,
    ))
}

pub(super) fn database_url(text: &str) -> Result<SecretString, Wrong> {
    let remedy = r#"Write it as in "postgres://user:password@host:5432/database"."#;
    let url = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
    match url {
        Some(url) if is_escaped(url) => Ok(SecretString::from(text)),
        Some(_) => {
            let problem = "The user or the password has a sign in it that means something else in a URL.";
            Err(Wrong::new(problem, "Write @ as %40, / as %2F, : as %3A and % as %25 there."))
        }
        // libpq also takes `host=… dbname=…`.
        None if text.contains('=') && !text.contains("://") => Ok(SecretString::from(text)),
        None => Err(Wrong::new("This is not a PostgreSQL URL.", remedy)),
    }
}

/// libpq quotes what it cannot read, and with a stray `%`, `@` or `/` that is a part of the password.
fn is_escaped(url: &str) -> bool {
    let is_hex = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
    let has_whole_escapes = url.split('%').skip(1).all(|rest| {
        let mut bytes = rest.bytes();
        is_hex(bytes.next()) && is_hex(bytes.next())
    });
    // As libpq does: a `?` before the first slash belongs to whatever it stands in.
    let (authority, rest) = url.split_once('/').unwrap_or((url, ""));
    let path = rest.split('?').next().unwrap_or_default();
    has_whole_escapes && authority.matches('@').count() <= 1 && !path.contains('@')
}

/// Base64 of either alphabet, padded or not (RFC 4648, sections 4 and 5).
pub(super) fn secret_key(text: &str) -> Result<SecretKey, Wrong> {
    let remedy = "Make one with `openssl rand -base64 32`.";
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, lenient);
    let decoded = engine.decode(text.trim().replace('-', "+").replace('_', "/"));
    let bytes = decoded.map_err(|_| Wrong::new("A key is not base64.", remedy))?;
    let problem = format!("A key has {} bytes; {} are the fewest.", bytes.len(), SecretKey::MIN_BYTES);
    SecretKey::from_bytes(bytes).ok_or_else(|| Wrong::new(problem, remedy))
}

pub(super) fn signup(text: &str) -> Result<Signup, Wrong> {
    choice(text, &[("open", Signup::Open), ("invite", Signup::Invite), ("closed", Signup::Closed)])
}

pub(super) fn transport(text: &str) -> Result<Transport, Wrong> {
    choice(text, &[("inbox", Transport::Inbox), ("smtp", Transport::Smtp)])
}

pub(super) fn tls(text: &str) -> Result<Tls, Wrong> {
    choice(text, &[("required", Tls::Required), ("opportunistic", Tls::Opportunistic), ("off", Tls::Off)])
}

pub(super) fn allow(text: &str) -> Result<Allow, Wrong> {
    choice(
        text,
        &[
            ("deny", Allow::Deny),
            ("signed_in", Allow::SignedIn),
            ("two_factor", Allow::TwoFactor),
            ("public", Allow::Public),
        ],
    )
}

pub(super) fn factor(text: &str) -> Result<Factor, Wrong> {
    choice(text, &[("passkey", Factor::Passkey)])
}

/// How long ago a proof may be. In less than that nobody has confirmed and is back where they were.
pub(super) fn recent(text: &str) -> Result<TimeDelta, Wrong> {
    const SHORTEST: TimeDelta = TimeDelta::seconds(10);
    let duration = duration(text)?;
    let wrong = || Wrong::new(format!("{text:?} is over before anybody is back."), r#"Write "10s" or more."#);
    if duration < SHORTEST { Err(wrong()) } else { Ok(duration) }
}

/// RFC 9110, section 9.1. Case does not count here: who writes `post` means POST.
pub(super) fn method(text: &str) -> Result<String, Wrong> {
    let is_token =
        !text.is_empty() && text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    let remedy = r#"Write it as in "POST" or "DELETE"."#;
    if is_token { Ok(text.to_ascii_uppercase()) } else { Err(Wrong::quoting(text, "a method", remedy)) }
}

pub(super) fn address(text: &str) -> Result<EmailAddress, Wrong> {
    let remedy = r#"Write it as in "ann@example.com"."#;
    EmailAddress::parse(text).map_err(|_| Wrong::quoting(text, "an address", remedy))
}

/// What is shown to people in one line.
pub(super) fn line(text: &str) -> Result<String, Wrong> {
    const LONGEST: usize = 200;
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
        return Err(Wrong::new("It is empty, or no line.", format!("Write a line of up to {LONGEST} letters.")));
    }
    Ok(text.to_owned())
}

/// A picture among our own files: pages show nothing from elsewhere.
pub(super) fn icon(text: &str) -> Result<String, Wrong> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_below = text.strip_prefix("/static/").is_some_and(|name| !name.is_empty() && name.chars().all(is_plain));
    let remedy = r#"Put it into server.overrides_dir as static/wiki.svg and write "/static/wiki.svg"."#;
    if is_below { Ok(text.to_owned()) } else { Err(Wrong::quoting(text, "a file of ours", remedy)) }
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, Wrong> {
    choice(text, &[("text", LogFormat::Text), ("json", LogFormat::Json)])
}

pub(super) fn log_level(text: &str) -> Result<LevelFilter, Wrong> {
    let levels = LevelFilter::iter().map(|level| (level.as_str().to_ascii_lowercase(), level)).collect::<Vec<_>>();
    choice(text, &levels)
}

fn choice<T: Copy, N: AsRef<str>>(text: &str, choices: &[(N, T)]) -> Result<T, Wrong> {
    let found = choices.iter().find(|(name, _)| name.as_ref() == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<String> = choices.iter().map(|(name, _)| format!("{:?}", name.as_ref())).collect();
        Wrong::quoting(text, "one of the choices", format!("Write {}.", one_of(&names)))
    })
}

/// `a`, `b` or `c`
fn one_of(names: &[String]) -> String {
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_positive_and_within_reason() {
        assert_eq!(duration("30m"), Ok(TimeDelta::minutes(30)));
        assert_eq!(duration("1h 30m"), Ok(TimeDelta::minutes(90)));
        for text in ["", "0s", "30", "-5m", "soon", "3651d", "99999999999999999999y", "300000000000y"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn limits_are_so_many_in_so_long() {
        assert_eq!(limit("5 per 15m"), Ok(Limit { count: 5, period: TimeDelta::minutes(15) }));
        for text in ["", "5", "5 per", "0 per 1h", "5 per 0s", "-1 per 1h", "5 in 1h", "five per 1h"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_window_is_so_long_for_one_action() {
        assert_eq!(window("1m for password"), Ok((Action::Password, TimeDelta::minutes(1))));
        for text in ["", "1m", "1m for", "for password", "0s for password", "1m for anything"] {
            assert!(window(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_has_at_least_32_bytes_in_either_base64() {
        let padded = "//////////////////////////////////////////8=";
        for text in [padded, padded.trim_end_matches('='), &padded.replace('/', "_"), &format!(" {padded}\n")] {
            assert_eq!(secret_key(text).unwrap().expose(), [[0xff; 31].as_slice(), &[0xff]].concat(), "{text}");
        }
        for text in ["", "c2hvcnQ=", "correct horse battery staple"] {
            let wrong = secret_key(text).unwrap_err();
            assert!(text.is_empty() || !wrong.problem.contains(text), "{wrong:?}");
        }
    }

    #[test]
    fn a_dns_server_is_an_address_with_or_without_a_port() {
        let servers = [
            ("192.0.2.53", "192.0.2.53:53"),
            ("127.0.0.1:5353", "127.0.0.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]:5353", "[::1]:5353"),
        ];
        for (text, expected) in servers {
            assert_eq!(dns_server(text).unwrap().to_string(), expected);
        }
        for text in ["", "localhost", "dns.example.com:53", "192.0.2.53:", "1.2.3", "127.0.0.1:99999"] {
            assert!(dns_server(text).is_err(), "{text}");
        }
    }

    #[test]
    fn networks_and_single_addresses_are_trusted_alike() {
        let networks = [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("192.0.2.1", "192.0.2.1/32"),
            ("::1", "::1/128"),
        ];
        for (text, expected) in networks {
            assert_eq!(network(text).unwrap().to_string(), expected);
        }
        for text in ["", "10.0.0.0/33", "localhost", "10.0.0"] {
            assert!(network(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_wrong_choice_names_the_right_ones() {
        let wrong = allow("maybe").unwrap_err();
        assert_eq!(wrong.problem, r#""maybe" is not one of the choices."#);
        assert_eq!(wrong.remedy, r#"Write "deny", "signed_in", "two_factor" or "public"."#);
        assert_eq!(log_level("debug"), Ok(LevelFilter::Debug));
    }

    #[test]
    fn a_database_url_is_postgres_and_never_quoted() {
        for text in
            ["postgres://u:p@h/d", "postgresql://h0:1,h1:2/d?target_session_attrs=read-write", "host=/run dbname=v"]
        {
            assert!(database_url(text).is_ok(), "{text}");
        }
        for text in ["mysql://u:hunter2@h/d", "hunter2", "http://h/?a=b"] {
            assert!(!database_url(text).unwrap_err().problem.contains(text));
        }
    }

    /// libpq would name the place, and with it the password.
    #[test]
    fn a_database_url_whose_password_is_not_escaped_is_refused_before_it_is_used() {
        for password in ["hunt%er2", "hunter2%", "hunter2%4", "hunt@er2", "hunt/er2", "/hunter2"] {
            let wrong = database_url(&format!("postgres://u:{password}@h:5432/d")).unwrap_err();
            assert!(!format!("{wrong:?}").contains("hunt"), "{wrong:?}");
        }
        for text in [
            "postgres://u:hunt%25er2@h/d",
            "postgres://u:hunt?er2@h/d",
            "postgresql:///d?host=/run",
            "postgres://h/d?application_name=a@b",
        ] {
            assert!(database_url(text).is_ok(), "{text}");
        }
    }
}
