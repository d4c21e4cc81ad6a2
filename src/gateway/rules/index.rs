//! Which rules can stand at a host, worked out once for every host and domain that a rule names.

use std::collections::{BTreeSet, HashMap};

use crate::config::settings::Rule;
use crate::gateway::pattern::split_port;

/// Numbers of rules, each list in their order. Ports are left to the rules.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// By a host that some rule names in full.
    hosts: HashMap<String, Vec<usize>>,
    /// By the domain of a `*.`: for the hosts below it that are not named in full, nor below a domain nearer to them.
    domains: HashMap<String, Vec<usize>>,
}

impl Index {
    /// A walk over the hosts that the rules name, each of which is looked up among the domains above it.
    pub(super) fn of(rules: &[Rule]) -> Self {
        let (mut exact, mut below) = (Lists::new(), Lists::new());
        for (number, rule) in rules.iter().enumerate() {
            for host in &rule.hosts {
                let name = split_port(host).0;
                let (lists, name) = name.strip_prefix("*.").map_or((&mut exact, name), |domain| (&mut below, domain));
                lists.entry(name).or_default().push(number);
            }
        }
        let at_host = |host: &&str| together(exact.get(host).into_iter().chain(above(host, &below)));
        let under = |domain: &&str| together(below.get(domain).into_iter().chain(above(domain, &below)));
        Self {
            hosts: exact.keys().map(|host| ((*host).to_owned(), at_host(host))).collect(),
            domains: below.keys().map(|domain| ((*domain).to_owned(), under(domain))).collect(),
        }
    }

    /// `host` in lower case and without a port.
    pub(super) fn at(&self, host: &str) -> &[usize] {
        if let Some(rules) = self.hosts.get(host) {
            return rules;
        }
        if self.domains.is_empty() {
            return &[];
        }
        parents(host).find_map(|domain| self.domains.get(domain)).map_or(&[], Vec::as_slice)
    }
}

/// Numbers of rules by a name that they have.
type Lists<'a> = HashMap<&'a str, Vec<usize>>;

/// `b.example` and `example` for `a.b.example`.
fn parents(host: &str) -> impl Iterator<Item = &str> {
    host.match_indices('.').filter_map(|(dot, _)| host.get(dot + 1..))
}

fn above<'l>(host: &str, domains: &'l Lists<'_>) -> impl Iterator<Item = &'l Vec<usize>> {
    parents(host).filter_map(|domain| domains.get(domain))
}

/// Each number once, in their order.
fn together<'l>(lists: impl Iterator<Item = &'l Vec<usize>>) -> Vec<usize> {
    lists.flatten().copied().collect::<BTreeSet<usize>>().into_iter().collect()
}
