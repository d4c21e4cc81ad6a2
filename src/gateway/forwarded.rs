//! The request that a proxy has stopped, as the proxy tells of it.
//!
//! Proxies pass on what the visitor wrote byte by byte (`..`, `%2e`, `//evil.example/x`, even a `#`), so this
//! is a strict parser: what is not clearly one URL on one host is refused, and nothing is repaired.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

use url::{Host, Url};

use super::path::{Path, steps_above_root};
use super::pattern::split_port;

/// A request for an app, understood. Most are made of what the proxy wrote as it stands there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    pub scheme: Scheme,
    /// In lower case, an IPv6 address in brackets; no port, no dot at the end.
    pub host: Cow<'a, str>,
    pub port: u16,
    path: Path,
    /// Path and query as the visitor wrote them, in ASCII.
    target: Cow<'a, str>,
    /// Who asks, behind all trusted proxies.
    pub client: IpAddr,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scheme {
    Http,
    Https,
}

/// Why a forwarded request was not understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// The headers' values as they came. What is missing is empty, and refused as such.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    pub method: &'a [u8],
    pub scheme: &'a [u8],
    /// Host and perhaps port.
    pub authority: &'a [u8],
    /// Path and query.
    pub target: &'a [u8],
}

impl<'a> Request<'a> {
    /// From a proxy that tells of scheme, host and path separately.
    pub fn from_parts(parts: Parts<'a>, client: IpAddr) -> Result<Self, Malformed> {
        let scheme = Scheme::parse(parts.scheme)?;
        let (host, port) = parse_authority(parts.authority)?;
        let target = parse_target(parts.target)?;
        Ok(Self {
            method: parse_method(parts.method)?,
            port: port.unwrap_or(scheme.usual_port()),
            path: Path::parse(path_of(&target))?,
            scheme,
            host,
            target,
            client,
        })
    }

    /// From a proxy that tells of the whole URL at once.
    pub fn from_url(method: &'a [u8], url: &'a [u8], client: IpAddr) -> Result<Self, Malformed> {
        const NOT_ABSOLUTE: Malformed = Malformed("the URL is not absolute");
        let (scheme, rest) = split_at_bytes(url, b"://").ok_or(NOT_ABSOLUTE)?;
        let slash = rest.iter().position(|byte| *byte == b'/').ok_or(NOT_ABSOLUTE)?;
        let (authority, target) = rest.split_at(slash);
        let scheme = scheme.strip_suffix(b"://").ok_or(NOT_ABSOLUTE)?;
        Self::from_parts(Parts { method, scheme, authority, target }, client)
    }

    /// The path in every way that somebody may read it: at least one.
    pub(super) fn readings(&self) -> impl Iterator<Item = &[u8]> {
        self.path.readings(path_of(&self.target))
    }

    /// How many steps the path takes out of its root, as some reader has it.
    pub fn steps_above_root(&self) -> usize {
        match &self.path {
            Path::Ordinary => 0,
            Path::Odd(_) => steps_above_root(path_of(&self.target)),
        }
    }

    /// As the visitor wrote it, without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Where the visitor was going, as a URL parser writes it. `None` for what it does not take after all.
    pub fn url(&self) -> Option<String> {
        if self.is_written_like_a_url() { Some(self.joined()) } else { self.parsed().map(String::from) }
    }

    /// The same place without path and query.
    pub fn site(&self) -> Option<String> {
        self.parsed_site().map(String::from)
    }

    /// Whether a URL parser would change nothing about it.
    fn is_written_like_a_url(&self) -> bool {
        let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&()*+,=:@?%;".contains(&byte);
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        self.path == Path::Ordinary && query.bytes().all(is_kept) && is_ordinary_name(&self.host)
    }

    /// Scheme and host, with a port that is not the usual one (RFC 6454, section 6.2).
    pub fn origin(&self) -> String {
        self.beginning(0)
    }

    fn joined(&self) -> String {
        let mut url = self.beginning(self.target.len());
        url.push_str(&self.target);
        url
    }

    /// With room for so many bytes more.
    fn beginning(&self, room: usize) -> String {
        let scheme = self.scheme.as_str();
        let mut url = String::with_capacity(scheme.len() + 9 + self.host.len() + room);
        url.extend([scheme, "://", &self.host]);
        if self.port != self.scheme.usual_port() {
            // A String takes whatever is written to it.
            let _ = write!(url, ":{}", self.port);
        }
        url
    }

    fn parsed(&self) -> Option<Url> {
        let mut url = self.parsed_site()?;
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target.as_ref(), None),
        };
        url.set_path(path);
        url.set_query(query);
        Some(url)
    }

    fn parsed_site(&self) -> Option<Url> {
        let mut url = Url::parse(self.scheme.blank_url()).ok()?;
        url.set_host(Some(&self.host)).ok()?;
        url.set_port(Some(self.port)).ok()?;
        Some(url)
    }
}

impl Scheme {
    fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let is = |scheme: &[u8]| text.eq_ignore_ascii_case(scheme);
        // Some proxies name the scheme of a websocket.
        if is(b"https") || is(b"wss") {
            return Ok(Self::Https);
        }
        if is(b"http") || is(b"ws") {
            return Ok(Self::Http);
        }
        Err(Malformed(if text.is_empty() { "the scheme is missing" } else { "the scheme is neither http nor https" }))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn usual_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    fn blank_url(self) -> &'static str {
        match self {
            Self::Http => "http://blank/",
            Self::Https => "https://blank/",
        }
    }
}

/// `text` up to and with `mark`, and what follows.
fn split_at_bytes<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(mark.len()).position(|window| window == mark)?;
    Some(text.split_at(at + mark.len()))
}

fn path_of(target: &str) -> &[u8] {
    target.split('?').next().unwrap_or_default().as_bytes()
}

/// RFC 9110, section 9.1: a token, and its case matters.
fn parse_method(text: &[u8]) -> Result<&str, Malformed> {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    match std::str::from_utf8(text) {
        Ok(method) if !text.is_empty() && text.len() <= 32 && text.iter().all(is_token) => Ok(method),
        _ => Err(Malformed("the method is missing or no method")),
    }
}

/// RFC 1035, section 2.3.4, without the dot at the end.
pub(super) const LONGEST_NAME: usize = 253;

const NO_HOST: Malformed = Malformed("the host is missing or no host");

fn parse_authority(text: &[u8]) -> Result<(Cow<'_, str>, Option<u16>), Malformed> {
    let is_of_a_host = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(byte);
    if !text.iter().all(is_of_a_host) {
        return Err(NO_HOST);
    }
    let text = std::str::from_utf8(text).map_err(|_| NO_HOST)?;
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let text = text.to_ascii_lowercase();
        let (name, port) = parse_lower_case(&text)?;
        return Ok((Cow::Owned(name.to_owned()), port));
    }
    let (name, port) = parse_lower_case(text)?;
    Ok((Cow::Borrowed(name), port))
}

fn parse_lower_case(authority: &str) -> Result<(&str, Option<u16>), Malformed> {
    let (name, port) = split_port(authority);
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_host = name.len() <= LONGEST_NAME && !name.ends_with('.') && (is_ordinary_name(name) || is_canonical(name));
    if is_host && port != Some(0) { Ok((name, port)) } else { Err(NO_HOST) }
}

/// A URL parser turns `127.1` or `0x7f.1` into another text, and then two readers differ about the host. It takes names
/// with nothing between two dots, or before the first: no such host can be (RFC 1035, section 2.3.1).
fn is_canonical(name: &str) -> bool {
    !name.split('.').any(str::is_empty) && Host::parse(name).is_ok_and(|host| host.to_string() == name)
}

/// What no URL parser would turn into anything else: no number at the end, no punycode, nothing empty.
fn is_ordinary_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let begins_well = |label: &str| label.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let last = name.rsplit('.').next().and_then(|label| label.bytes().next());
    name.bytes().all(is_plain)
        && !name.contains("--")
        && name.split('.').all(begins_well)
        && last.is_some_and(|byte| byte.is_ascii_lowercase())
}

fn parse_target(text: &[u8]) -> Result<Cow<'_, str>, Malformed> {
    if text.first() != Some(&b'/') {
        return Err(Malformed("the path is missing or does not begin with a slash"));
    }
    if text.iter().any(|byte| byte.is_ascii_control() || b" \\#".contains(byte)) {
        return Err(Malformed("the path or query has a space, a backslash, a fragment or a control character"));
    }
    match std::str::from_utf8(text) {
        Ok(target) if target.is_ascii() => Ok(Cow::Borrowed(target)),
        _ => Ok(Cow::Owned(in_ascii(text))),
    }
}

fn in_ascii(text: &[u8]) -> String {
    let mut target = String::with_capacity(text.len());
    for byte in text {
        match byte {
            0x80.. => target.extend(percent_encode(*byte)),
            _ => target.push(char::from(*byte)),
        }
    }
    target
}

fn percent_encode(byte: u8) -> impl Iterator<Item = char> {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0').to_ascii_uppercase();
    ['%', digit(byte >> 4), digit(byte & 0xf)].into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));

    fn from_url<T: AsRef<[u8]> + ?Sized>(url: &T) -> Result<Request<'_>, Malformed> {
        Request::from_url(b"GET", url.as_ref(), CLIENT)
    }

    fn parts<'a>(scheme: &'a str, authority: &'a str, target: &'a str) -> Parts<'a> {
        Parts { method: b"GET", scheme: scheme.as_bytes(), authority: authority.as_bytes(), target: target.as_bytes() }
    }

    #[test]
    fn scheme_host_and_port_are_understood() {
        let cases = [
            ("https", "app.example.com", Scheme::Https, "app.example.com", 443),
            ("wss", "App.Example.COM", Scheme::Https, "app.example.com", 443),
            ("HTTP", "app.example.com:80", Scheme::Http, "app.example.com", 80),
            ("ws", "app.example.com:8080", Scheme::Http, "app.example.com", 8080),
            ("https", "app.example.com.", Scheme::Https, "app.example.com", 443),
            ("https", "app.example.com.:8443", Scheme::Https, "app.example.com", 8443),
            ("http", "192.0.2.1:81", Scheme::Http, "192.0.2.1", 81),
            ("http", "[::1]:81", Scheme::Http, "[::1]", 81),
            ("http", "[::1]", Scheme::Http, "[::1]", 80),
            ("http", "my_app.localhost", Scheme::Http, "my_app.localhost", 80),
        ];
        for (scheme, authority, expected, host, port) in cases {
            let request = Request::from_parts(parts(scheme, authority, "/"), CLIENT).unwrap();
            assert_eq!((request.scheme, request.host.as_ref(), request.port), (expected, host, port), "{authority}");
        }
    }

    #[test]
    fn what_is_no_scheme_or_host_is_refused() {
        for scheme in ["", "ftp", "https, http", "https://", "javascript", " http"] {
            assert!(Request::from_parts(parts(scheme, "app.example.com", "/"), CLIENT).is_err(), "{scheme:?}");
        }
        let hosts = [
            "",
            ".",
            "..",
            "app.example.com..",
            ".app.example.com",
            "app..example.com",
            "app.example.com, evil.test",
            "ann@app.example.com",
            "app.example.com/x",
            "app.example.com:",
            "app.example.com:0",
            "app.example.com:x",
            "app.example.com:99999",
            "app.example.com:80:80",
            "%61pp.example.com",
            "app.example.com\\x",
            "app.exämple.com",
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "[::1",
            "::1",
            "[0:0:0:0:0:0:0:1]",
            " app.example.com",
            "app.example.com?",
            "app.example.com#",
        ];
        for host in hosts {
            assert!(Request::from_parts(parts("https", host, "/"), CLIENT).is_err(), "{host:?}");
        }
    }

    #[test]
    fn an_ordinary_name_is_one_that_a_url_parser_leaves_alone() {
        let labels =
            ["", "a", "app", "0", "127", "0x7f", "1a", "a1", "-a", "a-", "a--b", "xn--a", "xn--bcher-kva", "a_b"];
        let mut ordinary = 0;
        for (a, b, c) in labels.iter().flat_map(|a| labels.iter().flat_map(move |b| labels.map(|c| (*a, *b, c)))) {
            for name in [a.to_owned(), format!("{a}.{b}"), format!("{a}.{b}.{c}")] {
                ordinary += usize::from(is_ordinary_name(&name));
                assert!(!is_ordinary_name(&name) || is_canonical(&name), "{name}");
            }
        }
        assert!(ordinary > 100, "{ordinary}");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        let targets: [&[u8]; 14] = [
            b"",
            b"x",
            b"?x",
            b"*",
            b"http://app.example.com/",
            b"/x#y",
            b"/x?y#z",
            b"/x\\y",
            b"/x?y\\z",
            b"/x y",
            b"/\t",
            b"/x\x7f",
            b"/%00",
            b"/%c0%ae%zz",
        ];
        for target in targets {
            let all = Parts { method: b"GET", scheme: b"https", authority: b"app.example.com", target };
            assert!(Request::from_parts(all, CLIENT).is_err(), "{target:?}");
        }
    }

    #[test]
    fn a_method_is_a_token() {
        for method in ["GET", "POST", "PROPFIND", "M-SEARCH", "get"] {
            let all = Parts { method: method.as_bytes(), ..parts("https", "app.example.com", "/") };
            assert_eq!(Request::from_parts(all, CLIENT).unwrap().method, method);
        }
        for method in ["", "GET, POST", "GET POST", "GÉT", &"G".repeat(33)] {
            let all = Parts { method: method.as_bytes(), ..parts("https", "app.example.com", "/") };
            assert!(Request::from_parts(all, CLIENT).is_err(), "{method:?}");
        }
    }

    #[test]
    fn a_whole_url_is_the_same_as_its_parts() {
        let request = from_url("wss://App.example.com:8443/x?y=1").unwrap();
        assert_eq!(request, Request::from_parts(parts("https", "app.example.com:8443", "/x?y=1"), CLIENT).unwrap());
        let wrong = [
            "",
            "/x",
            "//app.example.com/x",
            "app.example.com/x",
            "https:/app.example.com/x",
            "https://app.example.com",
            "https://app.example.com?x",
            "https:///x",
            "https://ann:secret@app.example.com/",
            "https://app.example.com\\@evil.test/",
            "file:///etc/passwd",
        ];
        for url in wrong {
            assert!(from_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn the_way_back_leads_where_the_visitor_was_going() {
        let cases = [
            ("http://localhost:8081/demo?x=1&y=%0d", "http://localhost:8081/demo?x=1&y=%0d"),
            ("https://app.example.com:443/", "https://app.example.com/"),
            ("https://app.example.com//evil.test/x", "https://app.example.com//evil.test/x"),
            ("https://app.example.com/?", "https://app.example.com/?"),
            ("https://app.example.com/@evil.test", "https://app.example.com/@evil.test"),
            ("https://app.example.com/?a?b", "https://app.example.com/?a?b"),
            ("http://[::1]:81/x", "http://[::1]:81/x"),
        ];
        for (url, expected) in cases {
            assert_eq!(from_url(url).unwrap().url().unwrap(), expected);
        }
        let bytes = from_url(b"https://app.example.com/caf\xe9?q=\xff").unwrap().url().unwrap();
        assert_eq!(bytes, "https://app.example.com/caf%E9?q=%FF");
    }

    #[test]
    fn what_is_written_like_a_url_is_what_a_url_parser_makes_of_it() {
        let authorities = ["https://app.example.com", "https://a.test:8443", "http://a.test:80", "http://[::1]:81"];
        let pieces =
            ["", "/", "/a", "/..", "/%2e", "/x'y", "/a;b", "?", "?a=b&c", "?%20", "?'", "?\"", "?{|}", "?a?b", "?<"];
        let mut joined = 0;
        for (site, a, b) in authorities.iter().flat_map(|s| pieces.iter().flat_map(move |a| pieces.map(|b| (s, *a, b))))
        {
            let text = format!("{site}/{a}{b}");
            let Ok(request) = from_url(&text) else { continue };
            joined += usize::from(request.is_written_like_a_url());
            assert_eq!(request.url(), request.parsed().map(String::from), "{text}");
        }
        assert!(joined > 100, "{joined}");
    }
}
