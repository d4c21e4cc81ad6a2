//! Rules that never come to pass, because an earlier one decides first wherever they would.
//!
//! Nothing is guessed: one rule is said to hide another only where every request that fits the later one fits the earlier
//! one as well, whoever asks.

use super::rules::Rule;
use crate::kernel::return_to::is_within;

/// The rules that are hidden, each with the one that hides it.
pub(super) fn hidden(rules: &[Rule]) -> Vec<(usize, usize)> {
    let hidden_by = |(at, rule): (usize, &Rule)| {
        let before = rules.iter().take(at).enumerate();
        let hiding = before.filter(|(_, earlier)| !earlier.shadow || rule.shadow);
        hiding.filter(|(_, earlier)| hides(earlier, rule)).map(|(earlier, _)| (at, earlier)).next()
    };
    rules.iter().enumerate().filter_map(hidden_by).collect()
}

fn hides(earlier: &Rule, later: &Rule) -> bool {
    later.hosts.iter().all(|host| earlier.hosts.iter().any(|wide| is_host_of(host, wide)))
        && (earlier.paths.is_empty() || covers(&earlier.paths, &later.paths, |path, wide| is_path_of(path, wide)))
        && (earlier.methods.is_empty() || covers(&earlier.methods, &later.methods, |method, wide| method == wide))
        && (earlier.networks.is_empty() || covers(&earlier.networks, &later.networks, |net, wide| wide.contains(net)))
        && are_people_of(later, earlier)
}

/// Whether each of `narrow` lies within one of `wide`; none of `narrow` means everything.
fn covers<T>(wide: &[T], narrow: &[T], is_of: impl Fn(&T, &T) -> bool) -> bool {
    !narrow.is_empty() && narrow.iter().all(|narrow| wide.iter().any(|wide| is_of(narrow, wide)))
}

fn are_people_of(later: &Rule, earlier: &Rule) -> bool {
    let is_for_all = |rule: &Rule| rule.groups.is_empty() && rule.users.is_empty();
    is_for_all(earlier)
        || (!is_for_all(later)
            && later.groups.iter().all(|group| earlier.groups.contains(group))
            && later.users.iter().all(|user| earlier.users.iter().any(|wide| wide.is_same(user))))
}

fn is_host_of(host: &str, wide: &str) -> bool {
    let ((name, port), (wide_name, wide_port)) = (split_port(host), split_port(wide));
    let is_name_of = match (name.strip_prefix("*."), wide_name.strip_prefix("*.")) {
        (None, None) => name == wide_name,
        (None, Some(domain)) => name != domain && is_within(name, domain),
        (Some(below), Some(domain)) => is_within(below, domain),
        (Some(_), None) => false,
    };
    is_name_of && (wide_port.is_none() || wide_port == port)
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(port)),
        _ => (text, None),
    }
}

/// Stars within a segment are taken as they stand: `/*/x` is known to lie within itself and `/**`, and no more.
fn is_path_of(path: &str, wide: &str) -> bool {
    match wide.strip_suffix("/**") {
        Some(folder) => path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')),
        None => path.trim_end_matches('/') == wide.trim_end_matches('/'),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::Allow;
    use super::*;

    fn rule(hosts: &[&str], paths: &[&str]) -> Rule {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Rule { paths: owned(paths), ..Rule::for_hosts(owned(hosts), Allow::SignedIn) }
    }

    fn is_hidden(earlier: Rule, later: Rule) -> bool {
        !hidden(&[earlier, later]).is_empty()
    }

    #[test]
    fn a_rule_is_hidden_by_a_wider_one_before_it() {
        let wide = || rule(&["*.example.com"], &[]);
        assert!(is_hidden(wide(), rule(&["app.example.com"], &["/x"])));
        assert!(is_hidden(wide(), rule(&["*.a.example.com", "b.example.com:8443"], &[])));
        assert!(is_hidden(rule(&["a.example"], &["/admin/**"]), rule(&["a.example"], &["/admin", "/admin/x/**"])));
        assert!(is_hidden(rule(&["a.example"], &["/x/"]), rule(&["a.example"], &["/x"])));
        let by_method = |methods: &[&str]| {
            let methods = methods.iter().map(|method| (*method).to_owned()).collect();
            Rule { methods, ..rule(&["a.example"], &[]) }
        };
        assert!(is_hidden(by_method(&["GET", "POST"]), by_method(&["POST"])));
        let from = |network: &str| Rule { networks: vec![network.parse().unwrap()], ..rule(&["a.example"], &[]) };
        assert!(is_hidden(from("10.0.0.0/8"), from("10.1.0.0/16")));
        let group = |groups: &[&str]| {
            let groups = groups.iter().map(|group| (*group).to_owned()).collect();
            Rule { groups, ..rule(&["a.example"], &[]) }
        };
        assert!(is_hidden(group(&["acme", "globex"]), group(&["acme"])));
        assert!(is_hidden(rule(&["a.example"], &[]), group(&["acme"])));
    }

    #[test]
    fn a_rule_that_somebody_may_reach_is_not_hidden() {
        let cases = [
            (rule(&["*.example.com"], &[]), rule(&["example.com"], &[])),
            (rule(&["app.example.com:8443"], &[]), rule(&["app.example.com"], &[])),
            (rule(&["app.example.com"], &[]), rule(&["app.example.com", "b.example.com"], &[])),
            (rule(&["a.example"], &["/x"]), rule(&["a.example"], &[])),
            (rule(&["a.example"], &["/admin/**"]), rule(&["a.example"], &["/administration"])),
            (Rule { methods: vec!["GET".into()], ..rule(&["a.example"], &[]) }, rule(&["a.example"], &[])),
            (Rule { groups: vec!["acme".into()], ..rule(&["a.example"], &[]) }, rule(&["a.example"], &[])),
            (Rule { shadow: true, ..rule(&["a.example"], &[]) }, rule(&["a.example"], &[])),
        ];
        for (earlier, later) in cases {
            assert!(!is_hidden(earlier.clone(), later.clone()), "{earlier:?} {later:?}");
        }
    }
}
