use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{Error, Trust, builder, describe};

/// Connections that nothing goes over are closed after this time, so that a name which has moved is asked for anew.
const KEPT_OPEN: Duration = Duration::from_secs(10);

/// Asks whom people name, who may mean no good by it: a URL may lead to this machine, to the network around it, or to
/// where a cloud keeps its secrets. So only public addresses are reached, by https, and those that the operator allows.
///
/// What counts is the address that is connected to: it is looked at in the URL where it stands there, and otherwise
/// when the name is resolved for the connection itself, so that a name cannot be one thing when it is checked and
/// another when it is used. Cheap to clone.
#[derive(Clone)]
pub struct Outside {
    inner: Arc<Inner>,
}

struct Inner {
    allowed: Arc<[IpNet]>,
    patience: Duration,
    /// Made when first needed: the system's authorities take a while to read.
    encrypted: OnceLock<reqwest::Client>,
    plain: OnceLock<reqwest::Client>,
}

/// Why somebody cannot be asked. The sentence is for whoever has named them, and says nothing of what is around us: a
/// name that does not exist and one that exists in here only are the same.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    #[error("Its host has no public address.")]
    NotPublic,
    #[error("Only https is taken.")]
    NotEncrypted,
    #[error("{0}")]
    Failed(String),
}

/// By what a request goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Line {
    Encrypted,
    /// Only where the operator allows it.
    Plain,
}

impl Outside {
    /// `allowed`: what may be reached although it is not public, and in clear. Requests are given up after `patience`,
    /// their answers included.
    pub fn new(allowed: &[IpNet], patience: Duration) -> Self {
        let (encrypted, plain) = (OnceLock::new(), OnceLock::new());
        Self { inner: Arc::new(Inner { allowed: allowed.into(), patience, encrypted, plain }) }
    }

    /// Whether anything behind this URL may be reached as things stand now. It is looked at again at every request.
    pub async fn look(&self, url: &Url) -> Result<(), Unreachable> {
        let resolver = self.resolver(line_of(url)?);
        match url.host() {
            Some(Host::Domain(name)) => match tokio::time::timeout(self.inner.patience, resolver.find(name)).await {
                Ok(found) => found.map(drop),
                Err(_) => Err(Unreachable::NotPublic),
            },
            Some(Host::Ipv4(address)) => resolver.require(address.into()),
            Some(Host::Ipv6(address)) => resolver.require(address.into()),
            None => Err(Unreachable::NotPublic),
        }
        .map_err(|refused| self.in_clear(url, refused))
    }

    /// Fetches a document, as far as the head of the answer. What it leads to is not followed.
    pub async fn get(&self, url: &Url) -> Result<reqwest::Response, Unreachable> {
        send(self.client_for(url)?.get(url.clone())).await
    }

    /// Sends a document and waits for the head of the answer.
    pub async fn post(
        &self,
        url: &Url,
        headers: reqwest::header::HeaderMap,
        body: Vec<u8>,
    ) -> Result<reqwest::Response, Unreachable> {
        send(self.client_for(url)?.post(url.clone()).headers(headers).body(body)).await
    }

    fn client_for(&self, url: &Url) -> Result<&reqwest::Client, Unreachable> {
        let line = line_of(url)?;
        // An address needs no resolver, so the client would not ask ours.
        match url.host() {
            Some(Host::Ipv4(address)) => self.resolver(line).require(address.into())?,
            Some(Host::Ipv6(address)) => self.resolver(line).require(address.into())?,
            Some(Host::Domain(_)) | None => {}
        }
        self.client(line).map_err(|error| Unreachable::Failed(error.to_string()))
    }

    fn client(&self, line: Line) -> Result<&reqwest::Client, Error> {
        let (slot, trust) = match line {
            Line::Encrypted => (&self.inner.encrypted, Trust::System),
            Line::Plain => (&self.inner.plain, Trust::Nobody),
        };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let client = builder(trust, self.inner.patience)?
            .dns_resolver(Arc::new(self.resolver(line)))
            .pool_idle_timeout(KEPT_OPEN)
            .build()
            .map_err(|error| Error(error.to_string()))?;
        Ok(slot.get_or_init(|| client))
    }

    fn resolver(&self, line: Line) -> Resolver {
        Resolver { allowed: Arc::clone(&self.inner.allowed), line }
    }

    /// Where nothing is allowed, plain http never is: then that is what is wrong.
    fn in_clear(&self, url: &Url, refused: Unreachable) -> Unreachable {
        if url.scheme() == "http" && self.inner.allowed.is_empty() { Unreachable::NotEncrypted } else { refused }
    }
}

async fn send(request: reqwest::RequestBuilder) -> Result<reqwest::Response, Unreachable> {
    let sent = request.send().await;
    sent.map_err(|error| if is_refusal(&error) { Unreachable::NotPublic } else { explain(error) })
}

/// What the answer says after its head, as far as `most` bytes; more is not read.
pub async fn beginning_of(mut answer: reqwest::Response, most: usize) -> Vec<u8> {
    let mut read = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        read.extend_from_slice(&chunk);
        if read.len() >= most {
            break;
        }
    }
    read.truncate(most);
    read
}

/// All that the answer says after its head, if it is no more than `most` bytes; otherwise as many. One that breaks off is
/// an error.
pub async fn all_of(mut answer: reqwest::Response, most: usize) -> Result<Vec<u8>, Unreachable> {
    let mut read = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(explain)? {
        read.extend_from_slice(&chunk);
        if read.len() >= most {
            break;
        }
    }
    read.truncate(most);
    Ok(read)
}

fn line_of(url: &Url) -> Result<Line, Unreachable> {
    match url.scheme() {
        "https" => Ok(Line::Encrypted),
        "http" => Ok(Line::Plain),
        _ => Err(Unreachable::NotEncrypted),
    }
}

/// Finds only what may be reached.
#[derive(Clone)]
struct Resolver {
    allowed: Arc<[IpNet]>,
    line: Line,
}

impl Resolver {
    async fn find(&self, name: &str) -> Result<Vec<SocketAddr>, Unreachable> {
        // The port is put in by whoever connects.
        let found = tokio::net::lookup_host((name, 0)).await.map_err(|_| Unreachable::NotPublic)?;
        let reachable: Vec<SocketAddr> = found.filter(|address| self.permits(address.ip())).collect();
        if reachable.is_empty() { Err(Unreachable::NotPublic) } else { Ok(reachable) }
    }

    fn require(&self, address: IpAddr) -> Result<(), Unreachable> {
        if self.permits(address) { Ok(()) } else { Err(Unreachable::NotPublic) }
    }

    fn permits(&self, address: IpAddr) -> bool {
        let is_allowed = self.allowed.iter().any(|network| network.contains(&address.to_canonical()));
        match self.line {
            Line::Encrypted => is_allowed || is_public(address),
            Line::Plain => is_allowed,
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let found = resolver.find(name.as_str()).await?;
            Ok::<Addrs, _>(Box::new(found.into_iter()))
        })
    }
}

/// Whether the resolver had nothing to offer.
fn is_refusal(error: &reqwest::Error) -> bool {
    std::iter::successors(std::error::Error::source(error), |error| error.source())
        .any(|cause| matches!(cause.downcast_ref(), Some(Unreachable::NotPublic)))
}

fn explain(error: reqwest::Error) -> Unreachable {
    if error.is_timeout() {
        return Unreachable::Failed("It did not answer in time.".to_owned());
    }
    Unreachable::Failed(format!("It cannot be reached: {}.", describe(error)))
}

/// IANA's registries of special addresses, for IPv4 and for IPv6, and what is not unicast.
const SPECIAL: [&str; 22] = [
    "0.0.0.0/8",         // this network
    "10.0.0.0/8",        // private
    "100.64.0.0/10",     // shared by a provider's customers
    "127.0.0.0/8",       // this machine
    "169.254.0.0/16",    // link-local, and where clouds keep secrets
    "172.16.0.0/12",     // private
    "192.0.0.0/24",      // protocols
    "192.0.2.0/24",      // documentation
    "192.88.99.0/24",    // relays from IPv6
    "192.168.0.0/16",    // private
    "198.18.0.0/15",     // measurements
    "198.51.100.0/24",   // documentation
    "203.0.113.0/24",    // documentation
    "224.0.0.0/4",       // multicast
    "240.0.0.0/4",       // reserved, and broadcast
    "2001::/23",         // protocols, Teredo among them: an IPv4 address within
    "2001:db8::/32",     // documentation
    "2002::/16",         // 6to4: an IPv4 address within
    "3fff::/20",         // documentation
    "2620:4f:8000::/48", // traps for reverse look-ups
    "192.31.196.0/24",   // the same
    "192.175.48.0/24",   // the same
];

/// All of IPv6 that is public. What maps or translates IPv4 (`::ffff:0:0/96`, `64:ff9b::/96`) lies outside of it, as do
/// this machine, link-local, unique local and multicast addresses.
const GLOBAL: &str = "2000::/3";

fn is_public(address: IpAddr) -> bool {
    let is_within = |network: &str| network.parse::<IpNet>().is_ok_and(|network| network.contains(&address));
    (address.is_ipv4() || is_within(GLOBAL)) && !SPECIAL.iter().any(|network| is_within(network))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSIDE: [&str; 40] = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "ff02::1",
    ];

    const PUBLIC: [&str; 14] = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2606:4700:4700::1111",
        "2a00:1450:4001::1",
    ];

    fn url(address: &str, scheme: &str) -> Url {
        let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        Url::parse(&format!("{scheme}://{host}/hook")).unwrap()
    }

    async fn may(outside: &Outside, url: &Url) -> bool {
        outside.look(url).await.is_ok()
    }

    #[test]
    fn every_network_of_the_list_is_one() {
        assert!(SPECIAL.iter().chain([&GLOBAL]).all(|network| network.parse::<IpNet>().is_ok()));
    }

    #[tokio::test]
    async fn only_public_addresses_are_reached_and_only_by_https() {
        let outside = Outside::new(&[], Duration::from_secs(1));
        for address in INSIDE {
            assert!(!may(&outside, &url(address, "https")).await, "{address}");
        }
        for address in PUBLIC {
            assert!(may(&outside, &url(address, "https")).await, "{address}");
            let refused = outside.look(&url(address, "http")).await.unwrap_err();
            assert!(matches!(refused, Unreachable::NotEncrypted), "{address}: {refused}");
        }
        for spelling in ["https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://0177.0.0.1/"] {
            assert!(!may(&outside, &Url::parse(spelling).unwrap()).await, "{spelling}");
        }
    }

    #[tokio::test]
    async fn what_is_allowed_is_reached_in_clear_as_well_and_nothing_beside_it() {
        let networks = ["10.1.0.0/16", "127.0.0.1/32", "fd12::/16"].map(|network| network.parse().unwrap());
        let outside = Outside::new(&networks, Duration::from_secs(1));
        for scheme in ["http", "https"] {
            for address in ["10.1.2.3", "127.0.0.1", "::ffff:127.0.0.1", "fd12::7"] {
                assert!(may(&outside, &url(address, scheme)).await, "{scheme} {address}");
            }
            for address in ["10.2.0.1", "127.0.0.2", "192.168.0.1", "fd13::7", "::1"] {
                assert!(!may(&outside, &url(address, scheme)).await, "{scheme} {address}");
            }
        }
        assert!(may(&outside, &url("1.1.1.1", "https")).await);
        assert!(!may(&outside, &url("1.1.1.1", "http")).await);
    }

    #[tokio::test]
    async fn a_name_is_what_it_resolves_to() {
        let name = Url::parse("https://localhost:1/").unwrap();
        let nobody = Outside::new(&[], Duration::from_secs(5));
        assert!(matches!(nobody.look(&name).await, Err(Unreachable::NotPublic)));
        let posted = nobody.post(&name, reqwest::header::HeaderMap::new(), Vec::new()).await;
        assert!(matches!(posted, Err(Unreachable::NotPublic)), "the address was not looked at before connecting");
        let local = ["127.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap());
        assert!(may(&Outside::new(&local, Duration::from_secs(5)), &name).await);
    }
}
