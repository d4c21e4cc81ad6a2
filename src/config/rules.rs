//! One of `gateway.rules`: what it is, and how it is read.
//!
//! A rule says where and for whom it stands (hosts, paths, methods, networks, groups, users), what it asks for (`allow`,
//! `recent_auth`, `factor`, `verified`, `api_keys`), and what people are told of it.

use chrono::TimeDelta;
use ipnet::IpNet;

use super::findings::{Finding, Mistakes, Wrong};
use super::keys::{RULE_KEYS, nearest};
use super::values::Table;
use super::{names, parse};
use crate::kernel::EmailAddress;

/// Who is let through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Allow {
    Deny,
    SignedIn,
    TwoFactor,
    Public,
}

/// What a rule can ask for by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Factor {
    Passkey,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// What people and logs call the app, or this part of it.
    pub name: Option<String>,
    /// What it is for, in a line.
    pub description: Option<String>,
    /// A picture of it: a path below `/static/`.
    pub icon: Option<String>,
    /// What people read who have to confirm that it is them.
    pub note: Option<String>,
    /// At least one; lower case: `app.example.com`, `*.example.com`, `localhost:8081`.
    pub hosts: Vec<String>,
    /// Each begins with `/`; none means every path.
    pub paths: Vec<String>,
    /// In upper case; none means every method.
    pub methods: Vec<String>,
    /// From where it is asked; none means from everywhere.
    pub networks: Vec<IpNet>,
    /// `acme`, `acme:admin` or `acme/engineering`: whoever is in one of them, or is one of `users`. None of both means
    /// everybody.
    pub groups: Vec<String>,
    /// By their verified addresses.
    pub users: Vec<EmailAddress>,
    pub allow: Allow,
    /// How long ago they may have proved at most that it is them.
    pub recent_auth: Option<TimeDelta>,
    /// By what they must have proved it.
    pub factor: Option<Factor>,
    /// Whether only people with a verified address are let through.
    pub verified: bool,
    /// Whether programs are let through by a key of a person whom it lets through. Only with `signed_in`.
    pub api_keys: bool,
    /// Whether it is only judged and logged, without effect.
    pub shadow: bool,
}

impl Rule {
    /// For every path of some hosts, with nothing said that need not be.
    pub fn for_hosts(hosts: Vec<String>, allow: Allow) -> Self {
        Self {
            name: None,
            description: None,
            icon: None,
            note: None,
            hosts,
            paths: Vec::new(),
            methods: Vec::new(),
            networks: Vec::new(),
            groups: Vec::new(),
            users: Vec::new(),
            allow,
            recent_auth: None,
            factor: None,
            verified: true,
            api_keys: false,
            shadow: false,
        }
    }
}

pub(super) fn read(table: &Table, mistakes: &mut Mistakes) -> Option<Rule> {
    for name in table.names().filter(|name| !RULE_KEYS.contains(name)) {
        mistakes.add(unknown(table, name));
    }
    let hosts = mistakes.collect(hosts(table));
    let allow = mistakes.collect(table.field("allow").text(parse::allow));
    let words = words(table, mistakes);
    let (places, people) = (places(table, mistakes), people(table, mistakes));
    let proofs = proofs(table, mistakes);
    let verified = mistakes.collect(flag(table, "verified", true));
    let api_keys = mistakes.collect(flag(table, "api_keys", false));
    let shadow = mistakes.collect(flag(table, "shadow", false));
    let ([name, description, icon, note], (paths, methods, networks)) = (words?, places?);
    let ((groups, users), (recent_auth, factor)) = (people?, proofs?);
    let rule = Rule {
        name,
        description,
        icon,
        note,
        hosts: hosts?,
        paths,
        methods,
        networks,
        groups,
        users,
        allow: allow?,
        recent_auth,
        factor,
        verified: verified?,
        api_keys: api_keys?,
        shadow: shadow?,
    };
    let contradictions = contradictions(table, &rule);
    let is_sound = contradictions.is_empty();
    for finding in contradictions {
        mistakes.add(finding);
    }
    is_sound.then_some(rule)
}

fn hosts(table: &Table) -> Result<Vec<String>, Finding> {
    let hosts = table.field("hosts").list(names::host_pattern)?;
    if hosts.is_empty() {
        return Err(table
            .field("hosts")
            .wrong(Wrong::new("No host is named.", r#"Write hosts = ["app.example.com"]."#)));
    }
    Ok(hosts)
}

fn words(table: &Table, mistakes: &mut Mistakes) -> Option<[Option<String>; 4]> {
    let name = mistakes.collect(text(table, "name", parse::line));
    let description = mistakes.collect(text(table, "description", parse::line));
    let icon = mistakes.collect(text(table, "icon", parse::icon));
    let note = mistakes.collect(text(table, "note", parse::line));
    Some([name?, description?, icon?, note?])
}

type Places = (Vec<String>, Vec<String>, Vec<IpNet>);

fn places(table: &Table, mistakes: &mut Mistakes) -> Option<Places> {
    let paths = mistakes.collect(table.field("paths").list(names::path_pattern));
    let methods = mistakes.collect(table.field("methods").list(parse::method));
    let networks = mistakes.collect(table.field("networks").list(parse::network));
    Some((paths?, methods?, networks?))
}

fn people(table: &Table, mistakes: &mut Mistakes) -> Option<(Vec<String>, Vec<EmailAddress>)> {
    let groups = mistakes.collect(table.field("groups").list(names::group));
    let users = mistakes.collect(table.field("users").list(parse::address));
    Some((groups?, users?))
}

fn proofs(table: &Table, mistakes: &mut Mistakes) -> Option<(Option<TimeDelta>, Option<Factor>)> {
    let recent_auth = mistakes.collect(text(table, "recent_auth", parse::recent));
    let factor = mistakes.collect(text(table, "factor", parse::factor));
    Some((recent_auth?, factor?))
}

fn text<T>(table: &Table, name: &str, parse: impl FnOnce(&str) -> Result<T, Wrong>) -> Result<Option<T>, Finding> {
    if table.has(name) { table.field(name).text(parse).map(Some) } else { Ok(None) }
}

fn flag(table: &Table, name: &str, usual: bool) -> Result<bool, Finding> {
    if table.has(name) { table.field(name).flag() } else { Ok(usual) }
}

/// What a rule asks for beside each other and cannot get.
fn contradictions(table: &Table, rule: &Rule) -> Vec<Finding> {
    let wants_somebody = matches!(rule.allow, Allow::SignedIn | Allow::TwoFactor);
    let unknown_people = || {
        let problem = "Nobody has to be known here, so nobody can be asked for more.";
        Wrong::new(problem, r#"Write it in a rule with allow = "signed_in" or "two_factor"."#)
    };
    let useless_key = || {
        let problem = "Nobody has to be known here, so a key changes nothing.";
        Wrong::new(problem, r#"Write it in a rule with allow = "signed_in"."#)
    };
    let weak_key = || {
        let problem = "A key is one proof of long ago, and this rule asks for more.";
        Wrong::new(problem, "Give programs a rule of their own before this one, for the paths that they need.")
    };
    let asks_for_more = rule.allow == Allow::TwoFactor || rule.recent_auth.is_some() || rule.factor.is_some();
    let open_to_some = || {
        let problem = "Everybody is let in here, known or not, so it cannot be for some alone.";
        Wrong::new(problem, r#"Write allow = "signed_in", or leave it out."#)
    };
    let found = [
        ("recent_auth", rule.recent_auth.is_some() && !wants_somebody, unknown_people()),
        ("factor", rule.factor.is_some() && !wants_somebody, unknown_people()),
        ("api_keys", rule.api_keys && !wants_somebody, useless_key()),
        ("api_keys", rule.api_keys && wants_somebody && asks_for_more, weak_key()),
        ("groups", !rule.groups.is_empty() && rule.allow == Allow::Public, open_to_some()),
        ("users", !rule.users.is_empty() && rule.allow == Allow::Public, open_to_some()),
    ];
    found.into_iter().filter(|(_, is_so, _)| *is_so).map(|(name, _, wrong)| table.field(name).wrong(wrong)).collect()
}

fn unknown(table: &Table, name: &str) -> Finding {
    let remedy = match nearest(name, RULE_KEYS.into_iter()) {
        Some(meant) => format!("Did you mean {meant}?"),
        None => format!("A rule has the keys {}.", RULE_KEYS.join(", ")),
    };
    table.field(name).wrong(Wrong::new("There is no such key.", remedy))
}
