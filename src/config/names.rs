//! URLs, hosts, domains and mailboxes: texts that name a place.

use std::net::IpAddr;

use url::{Host, Url};

use super::findings::Wrong;
use super::settings::{Mailbox, SmtpScheme, SmtpUrl};
use crate::kernel::EmailAddress;

/// An origin: scheme, host, port.
pub(super) fn public_url(text: &str) -> Result<Url, Wrong> {
    let remedy = r#"Write scheme and host, and a port where it is not the usual one: "https://auth.example.com"."#;
    let url = Url::parse(text).map_err(|_| Wrong::quoting(text, "a URL", remedy))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Wrong::quoting(text, "an http or https URL", remedy));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Wrong::new("The URL holds a user name or password.", remedy));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(Wrong::new(format!("{text:?} says more than scheme, host and port."), remedy));
    }
    if url.host_str().is_none_or(|host| host.ends_with('.')) {
        return Err(Wrong::quoting(text, "a URL whose host browsers keep as it is", remedy));
    }
    Ok(url)
}

/// What requests go to: with a path or without, and nothing after it.
pub(super) fn service_url(text: &str) -> Result<Url, Wrong> {
    let remedy = r#"Write it as in "https://api.pwnedpasswords.com", or "" for none."#;
    let url = Url::parse(text).map_err(|_| Wrong::quoting(text, "a URL", remedy))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(Wrong::quoting(text, "an http or https URL", remedy));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Wrong::new("The URL holds a user name or password.", remedy));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Wrong::new(format!("{text:?} says more than scheme, host, port and path."), remedy));
    }
    Ok(url)
}

/// A domain that browsers accept in a cookie, in lower case and ASCII.
pub(super) fn cookie_domain(text: &str) -> Result<String, Wrong> {
    let remedy = r#"Write the domain that your apps share, as in "example.com"."#;
    // First of all: the public suffix list takes an address for a name.
    if text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        let problem = format!("{text:?} is an address: browsers keep a cookie for many hosts under names only.");
        return Err(Wrong::new(problem, remedy));
    }
    if text.starts_with('.') {
        return Err(Wrong::new(format!("{text:?} begins with a dot."), "Leave the dot out: subdomains are included."));
    }
    let domain = idna::domain_to_ascii_strict(text).unwrap_or_default();
    if domain.is_empty() || domain.ends_with('.') {
        return Err(Wrong::quoting(text, "a domain name", remedy));
    }
    if domain == "localhost" {
        let remedy =
            r#"Use "vestibule.localhost" and hosts below it, or leave the list empty: cookies do not know ports."#;
        return Err(Wrong::new("Browsers refuse a cookie for the whole of localhost.", remedy));
    }
    if psl::domain_str(&domain).is_none() {
        let problem = format!("{domain:?} is a public suffix: browsers refuse a cookie for all that is below it.");
        return Err(Wrong::new(problem, remedy));
    }
    Ok(domain)
}

/// What names every organization there is.
pub(super) const ALL_ORGANIZATIONS: &str = "*";

/// An organization's slug, as it stands in its address; or all of them.
pub(super) fn organization(text: &str) -> Result<String, Wrong> {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_slug =
        (1..=40).contains(&text.len()) && text.chars().all(is_inner) && !text.starts_with('-') && !text.ends_with('-');
    if is_slug || text == ALL_ORGANIZATIONS {
        return Ok(text.to_owned());
    }
    let remedy = r#"Write it as in its address: "acme" for /orgs/acme. "*" is all of them."#;
    Err(Wrong::quoting(text, "an organization", remedy))
}

/// `acme` (member of), `acme:admin` (role), `acme/engineering` (group).
pub(super) fn group(text: &str) -> Result<String, Wrong> {
    let remedy = r#"Write "acme" for its members, "acme:admin" for a role, "acme/engineering" for a group."#;
    let wrong = || Wrong::quoting(text, "a group", remedy);
    let (slug, is_whole) = match text.split_once([':', '/']) {
        Some((slug, role)) if text.contains(':') => (slug, matches!(role, "owner" | "admin" | "member")),
        Some((slug, name)) => {
            (slug, !name.is_empty() && !name.contains([',', ':', '/']) && !name.contains(char::is_control))
        }
        None => (text, true),
    };
    let is_slug = slug != ALL_ORGANIZATIONS && organization(slug).is_ok();
    if is_slug && is_whole { Ok(text.to_owned()) } else { Err(wrong()) }
}

/// `app.example.com`, `*.example.com`, `localhost:8081`, in lower case and ASCII.
pub(super) fn host_pattern(text: &str) -> Result<String, Wrong> {
    let remedy = r#"Write it as in "app.example.com", "*.example.com" or "localhost:8081"."#;
    let wrong = || Wrong::quoting(text, "a host", remedy);
    let (name, port) = split_port(text).ok_or_else(wrong)?;
    if let Some(port @ (80 | 443)) = port {
        return Err(Wrong::new(format!("{text:?} names the usual port."), format!("Leave out the :{port}.")));
    }
    let (star, host) = name.strip_prefix("*.").map_or(("", name), |rest| ("*.", rest));
    let host = parse_host(host).ok_or_else(wrong)?;
    if !star.is_empty() && !matches!(host, Host::Domain(_)) {
        return Err(wrong());
    }
    Ok(port.map_or_else(|| format!("{star}{host}"), |port| format!("{star}{host}:{port}")))
}

/// A host and, where it says so, its port.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let port_at = text.rfind(':').filter(|at| text.rfind(']').is_none_or(|bracket| bracket < *at));
    let Some(at) = port_at else { return Some((text, None)) };
    let (host, port) = text.split_at(at);
    // Without this, `+80` would be a port.
    let digits = port.trim_start_matches(':');
    let is_number = port.len() == digits.len() + 1 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|port| *port > 0 && is_number)?;
    Some((host, Some(port)))
}

fn parse_host(text: &str) -> Option<Host> {
    let host = Host::parse(text).ok()?;
    let is_name = |name: &str| {
        let is_word =
            |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        name.len() <= 253 && name.split('.').all(is_word)
    };
    match &host {
        Host::Domain(name) if !is_name(name) => None,
        _ => Some(host),
    }
}

/// `/admin/**`: `*` within one segment, `**` as the last one.
pub(super) fn path_pattern(text: &str) -> Result<String, Wrong> {
    let remedy = r#"Write it as in "/admin/**", "/feed.xml" or "/files/*/preview"."#;
    if !text.starts_with('/') {
        return Err(Wrong::new(format!("{text:?} does not begin with a slash."), remedy));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || "?#\\".contains(c)) {
        return Err(Wrong::new(format!("{text:?} holds a sign that no path has."), remedy));
    }
    if text.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(Wrong::new(format!("{text:?} has a dot segment: paths are compared without them."), remedy));
    }
    let inner = text.strip_suffix("/**").unwrap_or(text);
    if inner.contains("**") {
        return Err(Wrong::new(format!("In {text:?}, ** is not the whole last segment."), remedy));
    }
    Ok(text.to_owned())
}

/// `submissions://user@host:465`
pub(super) fn smtp_url(text: &str) -> Result<SmtpUrl, Wrong> {
    let remedy = r#"Write it as in "submissions://smtp.example.com:465" or "submission://smtp.example.com:587"."#;
    let wrong = || Wrong::new("This is not the URL of a mail server.", remedy);
    let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
    let (scheme, usual_port) = match scheme {
        "smtp" => (SmtpScheme::Smtp, 25),
        "submission" => (SmtpScheme::Submission, 587),
        "submissions" => (SmtpScheme::Submissions, 465),
        _ => return Err(Wrong::quoting(scheme, "the scheme of a mail server", remedy)),
    };
    let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
    if user.is_some_and(|user| user.is_empty() || user.contains([':', '%', '/'])) {
        let problem = "The URL holds more than a plain user name.";
        return Err(Wrong::new(problem, "Write the name in mail.username and the password in mail.password."));
    }
    let (host, port) = split_port(place.strip_suffix('/').unwrap_or(place)).ok_or_else(wrong)?;
    let host = match parse_host(host).ok_or_else(wrong)? {
        Host::Ipv6(address) => address.to_string(),
        host => host.to_string(),
    };
    Ok(SmtpUrl { scheme, host, port: port.unwrap_or(usual_port), user: user.map(str::to_owned) })
}

/// `Name <address>`, or the address alone.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, Wrong> {
    let remedy = r#"Write it as in "Vestibule <no-reply@example.com>"."#;
    let bare = || ("", text);
    let (name, address) = text.trim().strip_suffix('>').and_then(|rest| rest.rsplit_once('<')).unwrap_or_else(bare);
    let name = name.trim();
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    if name.chars().any(|c| c.is_control() || "<>\"".contains(c)) {
        return Err(Wrong::quoting(text, "a name and an address", remedy));
    }
    let address = EmailAddress::parse(address).map_err(|_| Wrong::quoting(address, "an email address", remedy))?;
    Ok(Mailbox { name: (!name.is_empty()).then(|| name.to_owned()), address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        for text in
            ["https://auth.example.com", "http://localhost:8080", "https://auth.example.com/", "http://[::1]:8080"]
        {
            assert!(public_url(text).is_ok(), "{text}");
        }
        let wrong = [
            "",
            "auth.example.com",
            "ftp://auth.example.com",
            "https://auth.example.com/login",
            "https://auth.example.com/?x",
            "https://auth.example.com/#x",
            "https://ann@auth.example.com",
            "https://auth.example.com.",
        ];
        for text in wrong {
            assert!(public_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn browsers_accept_a_cookie_for_the_domains_that_are_let_through() {
        let good = [
            ("example.com", "example.com"),
            ("Example.COM", "example.com"),
            ("vestibule.localhost", "vestibule.localhost"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("intern.corp", "intern.corp"),
        ];
        for (text, domain) in good {
            assert_eq!(cookie_domain(text).unwrap(), domain);
        }
        let bad = [
            "",
            "com",
            "co.uk",
            "github.io",
            "localhost",
            "intranet",
            "192.168.1.1",
            "::1",
            "[::1]",
            ".example.com",
            "example.com.",
            "exa mple.com",
            "*.example.com",
            "example.com:8080",
            "https://example.com",
        ];
        for text in bad {
            assert!(cookie_domain(text).is_err(), "{text}");
        }
        assert!(cookie_domain("localhost").unwrap_err().remedy.contains("vestibule.localhost"));
    }

    #[test]
    fn an_organization_is_named_by_its_slug() {
        for text in ["acme", "a", "7", "acme-2", "*", "a".repeat(40).as_str()] {
            assert_eq!(organization(text).unwrap(), text);
        }
        for text in
            ["", "Acme", "acme:admin", "acme/engineering", "-a", "a-", "a b", "acme.", "é", "**", &"a".repeat(41)]
        {
            assert!(organization(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_host_pattern_is_a_host_with_perhaps_a_star_and_a_port() {
        let good = [
            ("app.example.com", "app.example.com"),
            ("*.Example.com", "*.example.com"),
            ("localhost:8081", "localhost:8081"),
            ("127.0.0.1:8081", "127.0.0.1:8081"),
            ("[::1]:8081", "[::1]:8081"),
            ("*.example.com:8443", "*.example.com:8443"),
        ];
        for (text, pattern) in good {
            assert_eq!(host_pattern(text).unwrap(), pattern);
        }
        let bad = [
            "",
            "*",
            "*.",
            "app.*.com",
            "*app.example.com",
            "**.example.com",
            "https://app.example.com",
            "app.example.com/x",
            "app.example.com:443",
            "app.example.com:0",
            "app.example.com:",
            "app.example.com:+1",
            "app.example.com:99999",
            "app..example.com",
            "*.192.0.2.1",
            "a b",
            "::1",
            "app.example.com.",
        ];
        for text in bad {
            assert!(host_pattern(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_pattern_begins_with_a_slash_and_ends_its_stars_in_time() {
        for text in ["/", "/**", "/admin/**", "/feed.xml", "/files/*/preview", "/a*"] {
            assert!(path_pattern(text).is_ok(), "{text}");
        }
        for text in ["", "admin", "/a?b", "/a#b", "/a b", "/a\\b", "/a/../b", "/./a", "/a/**/b", "/a**", "/a\n"] {
            assert!(path_pattern(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_scheme_of_a_mail_server_implies_its_port() {
        let good = [
            ("smtp://localhost:1025", SmtpScheme::Smtp, "localhost", 1025, None),
            ("smtp://mail.example.com", SmtpScheme::Smtp, "mail.example.com", 25, None),
            ("submission://ann@mail.example.com/", SmtpScheme::Submission, "mail.example.com", 587, Some("ann")),
            ("submissions://ann@example.com@[::1]", SmtpScheme::Submissions, "::1", 465, Some("ann@example.com")),
        ];
        for (text, scheme, host, port, user) in good {
            let expected = SmtpUrl { scheme, host: host.into(), port, user: user.map(str::to_owned) };
            assert_eq!(smtp_url(text).unwrap(), expected);
        }
        let bad = [
            "",
            "localhost",
            "http://localhost",
            "smtp://",
            "smtp://a:hunter2@h",
            "smtp://h:0",
            "smtp://h/x",
            "smtp://@h",
        ];
        for text in bad {
            let wrong = smtp_url(text).unwrap_err();
            assert!(!wrong.problem.contains("hunter2"), "{wrong:?}");
        }
    }

    #[test]
    fn a_mailbox_is_a_name_and_an_address() {
        let named = mailbox("Vestibule <no-reply@example.com>").unwrap();
        assert_eq!((named.name.as_deref(), named.address.as_str()), (Some("Vestibule"), "no-reply@example.com"));
        assert_eq!(mailbox(r#""Door, Front" <a@example.com>"#).unwrap().name.as_deref(), Some("Door, Front"));
        assert_eq!(mailbox("a@example.com").unwrap().name, None);
        for text in ["", "Vestibule", "Vestibule <>", "A <a@b> <c@d>", "A\r\nBcc: x <a@example.com>"] {
            assert!(mailbox(text).is_err(), "{text}");
        }
    }
}
