//! Who is really calling, when proxies stand in between.
//!
//! `X-Forwarded-For` is believed only as far as trusted proxies wrote it: the list is walked from the
//! right, past every trusted address, and the first other one is the client. Whatever stands left of it
//! was written by the client and is ignored.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv6Net};

/// The addresses whose forwarded headers are believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub fn new(nets: Vec<IpNet>) -> Self {
        Self(nets)
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|net| net.contains(&address))
    }

    /// Whether nobody is left who is not trusted.
    pub fn is_everybody(&self) -> bool {
        self.0.iter().any(|net| net.prefix_len() == 0)
    }

    /// The client behind `peer`, given the values of every `X-Forwarded-For` line in order.
    ///
    /// An entry that is not an address ends the walk: the last trusted hop is then the best that is known. What a visitor
    /// has written may be any bytes, and takes nothing away from what proxies have appended to it.
    pub fn client<'a>(&self, peer: IpAddr, forwarded_for: impl Iterator<Item = &'a [u8]>) -> IpAddr {
        let mut client = peer.to_canonical();
        let in_line = |line: &'a [u8]| line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let entries: Vec<&[u8]> = forwarded_for.flat_map(in_line).collect();
        for entry in entries.into_iter().rev() {
            if !self.contains(client) {
                break;
            }
            let Some(address) = parse_entry(entry) else { break };
            client = address;
        }
        client
    }
}

/// One entry: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
fn parse_entry(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?;
    let address = entry
        .parse::<IpAddr>()
        .or_else(|_| entry.parse::<std::net::SocketAddr>().map(|socket| socket.ip()))
        .or_else(|_| entry.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>())
        .ok()?;
    Some(address.to_canonical())
}

/// The network an address is counted under: itself for IPv4, its /64 for IPv6 (one customer has at
/// least that many addresses).
pub fn network_of(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpNet::from(IpAddr::V4(v4)),
        IpAddr::V6(v6) => Ipv6Net::new(v6, 64).map_or(IpNet::from(IpAddr::V6(v6)), |net| IpNet::V6(net.trunc())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[&str]) -> String {
        let trusted = TrustedProxies::new(vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()]);
        trusted.client(peer.parse().unwrap(), lines.iter().map(|line| line.as_bytes())).to_string()
    }

    #[test]
    fn a_direct_client_is_itself_whatever_it_claims() {
        assert_eq!(client("203.0.113.9", &["1.1.1.1"]), "203.0.113.9");
    }

    #[test]
    fn the_rightmost_untrusted_entry_is_the_client() {
        assert_eq!(client("127.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.7"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["1.1.1.1", "203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn mapped_and_bracketed_addresses_are_understood() {
        assert_eq!(client("::ffff:127.0.0.1", &["203.0.113.9:8443"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["[2001:db8::1]:99"]), "2001:db8::1");
    }

    #[test]
    fn rubbish_ends_the_walk() {
        assert_eq!(client("127.0.0.1", &["203.0.113.9, unknown, 10.0.0.7"]), "10.0.0.7");
        assert_eq!(client("127.0.0.1", &[""]), "127.0.0.1");
    }

    #[test]
    fn rubbish_of_the_clients_hides_nothing_that_a_proxy_has_appended() {
        for rubbish in ["é", "unknown", "1.1.1.1, \u{ff}", ",", "\t"] {
            assert_eq!(
                client("127.0.0.1", &[&format!("{rubbish}, 203.0.113.9, 10.0.0.7")]),
                "203.0.113.9",
                "{rubbish}"
            );
        }
    }

    #[test]
    fn ipv6_is_counted_by_64() {
        let net = network_of("2001:db8:1:2:3:4:5:6".parse().unwrap());
        assert_eq!(net.to_string(), "2001:db8:1:2::/64");
        assert_eq!(network_of("192.0.2.1".parse().unwrap()).to_string(), "192.0.2.1/32");
    }
}
