//! Which proxy it is, by what it says of itself and by how it refuses nonsense.

use std::fmt;

use super::answer::Answer;

/// What stands in front of the apps. What to change is said in its words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proxy {
    Nginx,
    Caddy,
    HaProxy,
    Apache,
    Traefik,
    Envoy,
    Unknown,
}

impl Proxy {
    pub const KNOWN: [Self; 6] = [Self::Nginx, Self::Caddy, Self::HaProxy, Self::Apache, Self::Traefik, Self::Envoy];

    /// As it is named on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
            Self::HaProxy => "haproxy",
            Self::Apache => "apache",
            Self::Traefik => "traefik",
            Self::Envoy => "envoy",
            Self::Unknown => "unknown",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::KNOWN.into_iter().find(|proxy| proxy.as_str() == word)
    }

    /// From its answers, the most telling first: what was refused before any app could have a say.
    pub(super) fn recognise<'a>(answers: impl Iterator<Item = &'a Answer>) -> Self {
        let answers: Vec<&Answer> = answers.collect();
        let mut found = answers.iter().map(|answer| Self::behind(answer)).filter(|proxy| *proxy != Self::Unknown);
        if answers.iter().any(|answer| is_gos_own(answer)) {
            // Two of them are written in Go, and one of these says its name.
            return found.find(|proxy| *proxy == Self::Caddy).unwrap_or(Self::Traefik);
        }
        found.next().unwrap_or(Self::Unknown)
    }

    fn behind(answer: &Answer) -> Self {
        let server = answer.header("server").unwrap_or_default().to_ascii_lowercase();
        let body = answer.text();
        let says = |word: &str| server.contains(word);
        if says("nginx") || says("openresty") || body.contains("<center>nginx") {
            Self::Nginx
        } else if says("caddy") {
            Self::Caddy
        } else if says("apache") {
            Self::Apache
        } else if says("envoy") {
            Self::Envoy
        } else if body.contains("Your browser sent an invalid request.") {
            Self::HaProxy
        } else if answer.status == 404 && body.trim() == "404 page not found" {
            Self::Traefik
        } else {
            Self::Unknown
        }
    }
}

/// How Go's net/http refuses what it cannot read: before any handler, and without a name.
fn is_gos_own(answer: &Answer) -> bool {
    answer.status == 400 && answer.header("server").is_none() && answer.text().starts_with("400 Bad Request")
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nginx => "nginx",
            Self::Caddy => "Caddy",
            Self::HaProxy => "HAProxy",
            Self::Apache => "Apache",
            Self::Traefik => "Traefik",
            Self::Envoy => "Envoy",
            Self::Unknown => "a proxy that does not say which it is",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::example;
    use super::*;

    #[test]
    fn a_proxy_is_known_by_its_name_or_its_page() {
        let seen = [
            (example(400, &[("Server", "nginx/1.22.1")], ""), Proxy::Nginx),
            (example(400, &[], "<hr><center>nginx</center>"), Proxy::Nginx),
            (example(302, &[("Server", "Caddy")], ""), Proxy::Caddy),
            (example(400, &[("Server", "Apache/2.4.62 (Debian)")], ""), Proxy::Apache),
            (example(403, &[("server", "envoy")], ""), Proxy::Envoy),
            (
                example(
                    400,
                    &[],
                    "<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body>",
                ),
                Proxy::HaProxy,
            ),
            (example(404, &[], "404 page not found\n"), Proxy::Traefik),
            (example(400, &[], "400 Bad Request"), Proxy::Traefik),
            (example(200, &[("Server", "gunicorn")], "hello"), Proxy::Unknown),
        ];
        for (answer, proxy) in &seen {
            assert_eq!(Proxy::recognise(std::iter::once(answer)), *proxy, "{answer:?}");
            assert!(*proxy == Proxy::Unknown || Proxy::from_word(proxy.as_str()) == Some(*proxy));
        }
        let gos_own = example(400, &[], "400 Bad Request");
        for (server, proxy) in [("Caddy", Proxy::Caddy), ("nginx/1.22.1", Proxy::Traefik)] {
            let apps = example(200, &[("Server", server)], "");
            assert_eq!(Proxy::recognise([&gos_own, &apps].into_iter()), proxy, "an app behind it said {server}");
        }
    }
}
