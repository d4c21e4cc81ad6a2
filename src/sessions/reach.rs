use crate::kernel::return_to::is_within;

/// Where a gate token is good: at the hosts that its own cookie could reach, and nowhere else. So one that an app has
/// got hold of opens no door that it was not shown at anyway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GateReach {
    /// This very host, whatever its port: cookies do not know ports.
    Host(Box<str>),
    /// This domain and all that is below it.
    Domain(Box<str>),
}

impl GateReach {
    /// As a row has it; `own` is the host of the portal, whose answer sets a cookie without a domain.
    pub(super) fn from_stored(domain: &str, host: &str, own: &str) -> Self {
        match (domain, host) {
            ("", "") => Self::Host(own.into()),
            ("", host) => Self::Host(host.into()),
            (domain, _) => Self::Domain(domain.into()),
        }
    }

    /// `host` as the gate has it: in lower case, without a port.
    pub fn includes(&self, host: &str) -> bool {
        match self {
            Self::Host(own) => **own == *host,
            Self::Domain(domain) => is_within(host, domain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_where_its_cookie_could_get() {
        for (domain, host, good, bad) in [
            ("", "", &["auth.example.com"][..], &["app.example.com", "example.com", "auth.example.com.", ""][..]),
            (
                "example.com",
                "",
                &["example.com", "app.example.com", "a.b.example.com"],
                &["badexample.com", "example.com.evil.org", "app.other.org", "com", ""],
            ),
            ("", "app.other.org", &["app.other.org"], &["other.org", "evil.other.org", "x.app.other.org", ""]),
        ] {
            let reach = GateReach::from_stored(domain, host, "auth.example.com");
            for host in good {
                assert!(reach.includes(host), "{host} by {reach:?}");
            }
            for host in bad {
                assert!(!reach.includes(host), "{host} by {reach:?}");
            }
        }
    }
}
