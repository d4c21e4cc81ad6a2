//! What the rules of this configuration say about a request, and where they are more open than there.

use std::net::IpAddr;

use url::{Position, Url};

use crate::config::settings::{Allow, Gateway};
use crate::gateway::{Decision, Rehearsal, Request, Rules, Subject};
use crate::kernel::Clock;

/// How many open places are tried as decoys.
const DECOYS: usize = 2;

/// What a stranger is to meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    Open,
    SignIn,
    Closed,
}

/// `None` for what the gate would not understand.
pub(super) fn expected(rules: &Rules, method: &str, url: &Url, client: IpAddr) -> Option<Expected> {
    let text = &url[..Position::AfterQuery];
    let request = Request::from_url(method.as_bytes(), text.as_bytes(), client).ok()?;
    // Nothing about a stranger depends on the time.
    let judgement = rules.judge(&request, &Subject::Stranger, Rehearsal::No, Clock::System.now());
    Some(match judgement.decision {
        Decision::Allow => Expected::Open,
        Decision::SignIn | Decision::Confirm(_) => Expected::SignIn,
        Decision::Deny(_) => Expected::Closed,
    })
}

/// Places that the rules open to everybody: what a visitor would like to be judged as.
pub(super) fn open_places(gateway: &Gateway, rules: &Rules, like: &Url, client: IpAddr) -> Vec<Url> {
    let open = gateway.rules.iter().filter(|rule| rule.allow == Allow::Public && !rule.shadow);
    let hosts_and_paths = open.flat_map(|rule| {
        let path = rule.paths.first().map_or("/", String::as_str);
        rule.hosts.iter().map(move |host| (host.as_str(), path))
    });
    hosts_and_paths
        .filter_map(|(host, path)| place(like, &example(host), &example(path)))
        .filter(|url| expected(rules, "GET", url, client) == Some(Expected::Open))
        .take(DECOYS)
        .collect()
}

/// Something that a pattern matches.
fn example(pattern: &str) -> String {
    pattern.replace("**", "*").replace(['*', '?'], "x")
}

fn place(like: &Url, host: &str, path: &str) -> Option<Url> {
    let port = like.port().filter(|_| !host.contains(':')).map(|port| format!(":{port}")).unwrap_or_default();
    Url::parse(&format!("{}://{host}{port}{path}", like.scheme())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, ConfigFile, Environment, Setting, Sources};

    fn gateway() -> Gateway {
        let rules = r#"[
            { hosts = ["app.example.com"], paths = ["/public/**", "/x"], allow = "public" },
            { hosts = ["app.example.com"], paths = ["/closed/**"], allow = "deny" },
            { hosts = ["*.open.example.com"], allow = "public" },
            { hosts = ["app.example.com"], allow = "signed_in" },
        ]"#;
        let flags = vec![Setting { key: "gateway.rules".into(), value: rules.into() }];
        let sources = Sources { file: ConfigFile::Nowhere, environment: Environment::default(), flags };
        config::load(&sources).map_or_else(|mistakes| panic!("{mistakes}"), |loaded| loaded.settings.gateway)
    }

    #[test]
    fn what_a_stranger_is_to_meet_is_what_the_gate_decides() {
        let rules = Rules::compile(&gateway());
        let of = |url: &str| expected(&rules, "GET", &Url::parse(url).unwrap(), IpAddr::from([127, 0, 0, 1]));
        assert_eq!(of("https://app.example.com/public/a?b=c#d"), Some(Expected::Open));
        assert_eq!(of("https://app.example.com/"), Some(Expected::SignIn));
        assert_eq!(of("https://app.example.com/closed/"), Some(Expected::Closed));
        assert_eq!(of("https://other.example.com/"), Some(Expected::Closed));
    }

    #[test]
    fn decoys_are_really_open() {
        let gateway = gateway();
        let like = Url::parse("https://app.example.com/").unwrap();
        let found = open_places(&gateway, &Rules::compile(&gateway), &like, IpAddr::from([127, 0, 0, 1]));
        let found: Vec<&str> = found.iter().map(Url::as_str).collect();
        assert_eq!(found, ["https://app.example.com/public/x", "https://x.open.example.com/"]);
    }
}
