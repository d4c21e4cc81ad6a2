//! Which rules can stand at a host, worked out once for every host and domain that a rule names.

use std::collections::HashMap;

use crate::config::settings::Rule;
use crate::gateway::pattern::split_port;
use crate::kernel::return_to::is_within;

/// Numbers of rules, each list in their order. Ports are left to the rules.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// By a host that some rule names in full.
    hosts: HashMap<String, Vec<usize>>,
    /// By the domain of a `*.`: for the hosts below it that are not named in full, nor below a domain nearer to them.
    domains: HashMap<String, Vec<usize>>,
}

impl Index {
    pub(super) fn of(rules: &[Rule]) -> Self {
        let patterns = || rules.iter().flat_map(|rule| &rule.hosts).map(|host| split_port(host).0);
        let matching = |is_at: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let is_there = |rule: &Rule| rule.hosts.iter().any(|host| is_at(split_port(host).0));
            rules.iter().enumerate().filter(|(_, rule)| is_there(rule)).map(|(number, _)| number).collect()
        };
        let at_host = |host: &str| matching(&|pattern| covers(pattern, host));
        let below = |domain: &str| {
            matching(&|pattern| pattern.strip_prefix("*.").is_some_and(|other| is_within(domain, other)))
        };
        let hosts = patterns().filter(|pattern| !pattern.starts_with("*."));
        let domains = patterns().filter_map(|pattern| pattern.strip_prefix("*."));
        Self { hosts: keyed(hosts, at_host), domains: keyed(domains, below) }
    }

    /// `host` in lower case and without a port.
    pub(super) fn at(&self, host: &str) -> &[usize] {
        if let Some(rules) = self.hosts.get(host) {
            return rules;
        }
        if self.domains.is_empty() {
            return &[];
        }
        let mut above = host.match_indices('.').filter_map(|(dot, _)| host.get(dot + 1..));
        above.find_map(|domain| self.domains.get(domain)).map_or(&[], Vec::as_slice)
    }
}

fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => host != domain && is_within(host, domain),
        None => pattern == host,
    }
}

/// Each name once: a thousand rules may name the same one.
fn keyed<'a>(names: impl Iterator<Item = &'a str>, rules: impl Fn(&str) -> Vec<usize>) -> HashMap<String, Vec<usize>> {
    let mut all = HashMap::new();
    for name in names {
        if !all.contains_key(name) {
            all.insert(name.to_owned(), rules(name));
        }
    }
    all
}
