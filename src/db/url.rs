use std::fmt::Write as _;

/// What libpq leaves to the kernel, which waits for minutes or hours. A server that vanished without a word (a
/// machine without power, a cut cable) is given up after about twenty seconds, and a fail-over can begin.
const PATIENCE: [(&str, &str); 5] = [
    ("connect_timeout", "3"),
    ("tcp_user_timeout", "10000"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "2"),
];

/// The same address, with bounds on how long to wait for its server. What the operator says about that stands.
pub(super) fn bounded(url: &str) -> String {
    let is_url = url.contains("://");
    let mut bounded = url.to_owned();
    for (name, value) in PATIENCE {
        if url.contains(&format!("{name}=")) {
            continue;
        }
        let separator = match (is_url, bounded.contains('?')) {
            (true, true) => '&',
            (true, false) => '?',
            (false, _) => ' ',
        };
        // Writing to a string cannot fail.
        let _ = write!(bounded, "{separator}{name}={value}");
    }
    bounded
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: [&str; 5] = [
        "connect_timeout=3",
        "tcp_user_timeout=10000",
        "keepalives_idle=10",
        "keepalives_interval=5",
        "keepalives_count=2",
    ];

    #[test]
    fn every_way_to_write_an_address_is_given_bounds() {
        let query = USUAL.join("&");
        assert_eq!(bounded("postgres://h/d"), format!("postgres://h/d?{query}"));
        assert_eq!(bounded("postgresql:///d?host=/run"), format!("postgresql:///d?host=/run&{query}"));
        assert_eq!(bounded("host=/run dbname=d"), format!("host=/run dbname=d {}", USUAL.join(" ")));
    }

    #[test]
    fn what_the_operator_says_stands() {
        let own = "postgres://a,b/d?connect_timeout=9&keepalives_idle=1";
        assert_eq!(bounded(own), format!("{own}&{}&{}&{}", USUAL[1], USUAL[3], USUAL[4]));
    }
}
