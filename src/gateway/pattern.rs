//! What the operator writes in a rule: patterns of hosts and of paths.

use super::path::decode;
use crate::kernel::return_to::is_within;

/// `app.example.com`, `*.example.com` (what lies below, not the domain itself), either with a port or for any.
#[derive(Clone, Debug)]
pub(super) struct HostPattern {
    name: Name,
    port: Option<u16>,
}

#[derive(Clone, Debug)]
enum Name {
    Exactly(String),
    Below(String),
}

impl HostPattern {
    /// `text` in lower case, as the configuration has checked it.
    pub(super) fn new(text: &str) -> Self {
        let (name, port) = split_port(text);
        let name = match name.strip_prefix("*.") {
            Some(domain) => Name::Below(domain.to_owned()),
            None => Name::Exactly(name.to_owned()),
        };
        Self { name, port }
    }

    pub(super) fn matches(&self, host: &str, port: u16) -> bool {
        let is_named = match &self.name {
            Name::Exactly(name) => name == host,
            Name::Below(domain) => host != domain && is_within(host, domain),
        };
        is_named && self.port.is_none_or(|own| own == port)
    }
}

/// What follows the last colon, unless that colon is inside of the brackets of an IPv6 address.
pub(super) fn split_port(text: &str) -> (&str, Option<u16>) {
    let Some((name, digits)) = text.rsplit_once(':') else { return (text, None) };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse() {
        Ok(port) if is_number => (name, Some(port)),
        _ => (text, None),
    }
}

/// Whether `/Admin` is `/admin`: to some apps it is, to others it is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Case {
    Matters,
    Ignored,
}

/// `/feed.xml`, `/files/*/preview`, `/admin/**` (which is `/admin` as well).
#[derive(Clone, Debug)]
pub(super) struct PathPattern {
    segments: Vec<Vec<u8>>,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum End {
    Here,
    Anywhere,
}

impl PathPattern {
    pub(super) fn new(text: &str) -> Self {
        let (text, end) = text.strip_suffix("/**").map_or((text, End::Here), |inner| (inner, End::Anywhere));
        if text.is_empty() {
            return Self { segments: Vec::new(), end };
        }
        let inner = text.strip_prefix('/').unwrap_or(text);
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let decoded = decode(inner.as_bytes(), |byte| !b"/*".contains(&byte));
        let segments = decoded.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect();
        Self { segments, end }
    }

    /// `path` is one reading: without the slashes at its two ends.
    pub(super) fn matches(&self, path: &[u8], case: Case) -> bool {
        let mut rest = path.split(|byte| *byte == b'/');
        let fit =
            self.segments.iter().all(|pattern| rest.next().is_some_and(|segment| is_like(pattern, segment, case)));
        fit && (self.end == End::Anywhere || rest.next().is_none())
    }
}

/// Whether `text` is like `pattern`, in which `*` stands for any bytes. When a byte does not fit, only the last
/// star is tried again, one byte longer: at worst as many steps as the two lengths multiplied.
fn is_like(pattern: &[u8], text: &[u8], case: Case) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut last_star = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                last_star = Some((at, seen));
                at += 1;
            }
            Some(byte) if text.get(seen).is_some_and(|other| is_same(*byte, *other, case)) => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((star, swallowed)) = last_star else { return false };
                last_star = Some((star, swallowed + 1));
                at = star + 1;
                seen = swallowed + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

fn is_same(one: u8, other: u8, case: Case) -> bool {
    match case {
        Case::Matters => one == other,
        Case::Ignored => one.eq_ignore_ascii_case(&other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_match_exactly_or_below_a_star() {
        let cases = [
            ("app.example.com", "app.example.com", 443, true),
            ("app.example.com", "app.example.com", 8443, true),
            ("app.example.com", "xapp.example.com", 443, false),
            ("app.example.com", "app.example.com.evil.test", 443, false),
            ("*.example.com", "app.example.com", 443, true),
            ("*.example.com", "a.b.example.com", 443, true),
            ("*.example.com", "example.com", 443, false),
            ("*.example.com", "badexample.com", 443, false),
            ("*.example.com", ".example.com", 443, true),
            ("*.example.com:8443", "app.example.com", 8443, true),
            ("*.example.com:8443", "app.example.com", 443, false),
            ("localhost:8081", "localhost", 8081, true),
            ("localhost:8081", "localhost", 8080, false),
            ("[::1]:8081", "[::1]", 8081, true),
            ("[::1]", "[::1]", 8081, true),
            ("[::1]", "[::2]", 8081, false),
        ];
        for (pattern, host, port, expected) in cases {
            assert_eq!(HostPattern::new(pattern).matches(host, port), expected, "{pattern} {host}:{port}");
        }
    }

    #[test]
    fn paths_match_segment_by_segment() {
        let cases = [
            ("/", "", true),
            ("/", "a", false),
            ("/**", "", true),
            ("/**", "a/b", true),
            ("/admin", "admin", true),
            ("/admin/", "admin", true),
            ("/admin", "admin/x", false),
            ("/admin", "Admin", false),
            ("/admin/**", "admin", true),
            ("/admin/**", "admin/x/y", true),
            ("/admin/**", "administrators", false),
            ("/admin/**", "x/admin/y", false),
            ("/files/*/preview", "files/1/preview", true),
            ("/files/*/preview", "files/1/2/preview", false),
            ("/files/*/preview", "files/preview", false),
            ("/*.css", "a.css", true),
            ("/*.css", "a.css.map", false),
            ("/*.css", "x/a.css", false),
            ("/a*b*c", "axxbyybzc", true),
            ("/a*b*c", "axxbyyb", false),
            ("/my%20files/**", "my files/x", true),
            ("/bücher/**", "bücher/x", true),
            ("/static*/**", "static-2/x", true),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(PathPattern::new(pattern).matches(path.as_bytes(), Case::Matters), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn case_matters_or_not() {
        let pattern = PathPattern::new("/Admin*/x");
        assert!(pattern.matches(b"aDMIN-2/X", Case::Ignored));
        assert!(!pattern.matches(b"aDMIN-2/X", Case::Matters));
        assert!(!pattern.matches(b"aDMIM-2/X", Case::Ignored));
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        let pattern = format!("/{}b", "a*".repeat(200));
        let start = std::time::Instant::now();
        assert!(!PathPattern::new(&pattern).matches("a".repeat(4000).as_bytes(), Case::Matters));
        assert!(start.elapsed().as_millis() < 1000);
    }
}
