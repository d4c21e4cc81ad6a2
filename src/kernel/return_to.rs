//! Where a person goes after signing in, and where they may not be sent.
//!
//! An open redirect is a phisher's friend, so a destination is parsed by a URL parser and must be a path
//! of this service, a host under a configured cookie domain, or, while the service itself is on a
//! loopback name, any port of that same name. It is never joined from strings.

use std::fmt;

use url::{Host, Url};

/// The destinations that are allowed, worked out once from the settings.
#[derive(Clone, Debug)]
pub struct Destinations {
    public_url: Url,
    cookie_domains: Vec<String>,
    handed_domains: Vec<String>,
}

/// A destination that was checked. The only constructor is [`Destinations::check`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReturnTo {
    /// A path of this service, with its query: `/account?x=1`.
    Here(String),
    /// An absolute URL of a protected app.
    App(Url),
}

impl Destinations {
    /// The domains in lower case, without a leading dot. `cookie_domains` are above `public_url`, `handed_domains` are not.
    pub fn new(public_url: Url, cookie_domains: Vec<String>, handed_domains: Vec<String>) -> Self {
        Self { public_url, cookie_domains, handed_domains }
    }

    /// Whether no cookie of this service gets to `host`, so that it is handed one of its own.
    pub fn is_handed(&self, host: &str) -> bool {
        let is_below = |domains: &[String]| domains.iter().any(|domain| is_within(host, domain));
        is_below(&self.handed_domains) && self.public_url.host_str() != Some(host)
    }

    /// `None` for everything that is not clearly one of ours.
    pub fn check(&self, text: &str) -> Option<ReturnTo> {
        let is_clean = text.len() <= 2048 && !text.chars().any(|c| c.is_control() || c == '\\' || c == ' ');
        let has_known_shape = (text.starts_with('/') && !text.starts_with("//"))
            || text.starts_with("https://")
            || text.starts_with("http://");
        if !is_clean || !has_known_shape {
            return None;
        }
        let url = self.public_url.join(text).ok()?;
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        if url.origin() == self.public_url.origin() {
            return Some(ReturnTo::Here(path_and_query(&url)));
        }
        let host = url.host()?;
        self.is_app(url.scheme(), &host).then_some(ReturnTo::App(url))
    }

    /// Whether [`Destinations::check`] allows every URL there, for who has its parts.
    pub fn is_open(&self, scheme: &str, host: &str, port: u16) -> bool {
        let Ok(host) = Host::parse(host) else { return false };
        let host = match &host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(v4) => Host::Ipv4(*v4),
            Host::Ipv6(v6) => Host::Ipv6(*v6),
        };
        let own = &self.public_url;
        let is_here =
            own.scheme() == scheme && own.host().as_ref() == Some(&host) && own.port_or_known_default() == Some(port);
        is_here || self.is_app(scheme, &host)
    }

    fn is_app(&self, scheme: &str, host: &Host<&str>) -> bool {
        let secure_enough = scheme == "https" || (scheme == "http" && self.public_url.scheme() == "http");
        secure_enough && (self.is_under_cookie_domain(host) || self.is_other_port_of_loopback(host))
    }

    fn is_under_cookie_domain(&self, host: &Host<&str>) -> bool {
        let Host::Domain(host) = host else { return false };
        self.cookie_domains.iter().chain(&self.handed_domains).any(|domain| is_within(host, domain))
    }

    fn is_other_port_of_loopback(&self, host: &Host<&str>) -> bool {
        is_loopback(&self.public_url) && self.public_url.host().as_ref() == Some(host)
    }
}

/// Whether `host` is `domain` or lies under it, at a dot.
pub fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// `localhost`, `*.localhost` (RFC 6761, section 6.3) and the loopback addresses.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_within(name, "localhost"),
        Some(Host::Ipv4(v4)) => v4.is_loopback(),
        Some(Host::Ipv6(v6)) => v6.is_loopback(),
        None => false,
    }
}

fn path_and_query(url: &Url) -> String {
    let path = url.path();
    // `//host` would be read as another host.
    let path = format!("/{}", path.trim_start_matches('/'));
    match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(path) => f.write_str(path),
            Self::App(url) => f.write_str(url.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(public_url: &str) -> Destinations {
        Destinations::new(Url::parse(public_url).unwrap(), vec!["example.com".into()], vec!["other.org".into()])
    }

    #[test]
    fn our_own_paths_and_our_apps_are_allowed() {
        let destinations = at("https://auth.example.com");
        let allowed = [
            ("/account?x=1", "/account?x=1"),
            ("https://auth.example.com/account", "/account"),
            ("https://app.example.com/x?y=1#z", "https://app.example.com/x?y=1#z"),
            ("https://example.com:8443/", "https://example.com:8443/"),
        ];
        for (text, expected) in allowed {
            assert_eq!(destinations.check(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn nobody_is_sent_to_a_stranger() {
        let destinations = at("https://auth.example.com");
        let refused = [
            "https://evil.test/",
            "//evil.test/",
            "https:evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "https://badexample.com/",
            "https://example.com.evil.test/",
            "https://example.com@evil.test/",
            "https://ann@app.example.com/",
            "http://app.example.com/",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://app.example.com/\r\nX: y",
            "\thttps://app.example.com",
            "https://192.0.2.1/",
            "ftp://app.example.com/",
        ];
        for text in refused {
            assert_eq!(destinations.check(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_path_never_turns_into_a_host() {
        let destinations = at("https://auth.example.com");
        let back = destinations.check("https://auth.example.com//evil.test/x").unwrap();
        assert_eq!(back.to_string(), "/evil.test/x");
        assert_eq!(destinations.check("/./\u{2f}/evil.test").unwrap().to_string(), "/evil.test");
    }

    #[test]
    fn on_loopback_every_port_of_the_same_name_is_ours() {
        let destinations = at("http://localhost:8080");
        assert!(destinations.check("http://localhost:8081/demo").is_some());
        assert!(destinations.check("http://127.0.0.1:8081/demo").is_none());
        assert!(at("https://auth.example.com").check("http://localhost:8081/").is_none());
    }

    #[test]
    fn a_place_is_open_if_its_urls_are_allowed() {
        let services =
            ["https://auth.example.com", "http://auth.example.com", "http://localhost:8080", "http://127.0.0.1"];
        let places = [
            "https://app.example.com",
            "https://app.example.com:8443",
            "https://auth.example.com",
            "http://auth.example.com",
            "https://example.com.evil.test",
            "http://app.example.com",
            "http://localhost:9999",
            "https://localhost",
            "http://127.0.0.1:81",
            "http://[::1]:81",
        ];
        let mut open = 0;
        for (service, place) in services.iter().flat_map(|service| places.map(|place| (service, place))) {
            let (destinations, url) = (at(service), Url::parse(place).unwrap());
            let port = url.port_or_known_default().unwrap();
            let is_open = destinations.is_open(url.scheme(), url.host_str().unwrap(), port);
            assert_eq!(is_open, destinations.check(place).is_some(), "{place} from {service}");
            open += usize::from(is_open);
        }
        assert!(open > 5, "{open}");
    }
}
