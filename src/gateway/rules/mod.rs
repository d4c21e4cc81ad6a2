//! The operator's rules, and the one place that decides by them.
//!
//! The first rule that stands where the request goes, and for whoever asks, decides; what no rule matches is decided by
//! `gateway.default`, which is to deny unless the operator says otherwise.
//!
//! A rule may be for some people alone. Whoever is known and not among them goes on to the next one; a stranger might be
//! one of them, and is asked to sign in.

mod asked;
#[cfg(test)]
mod conditions;
mod explain;
mod index;
mod subject;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;

use super::forwarded::Request;
use super::pattern::{Case, HostPattern, PathPattern};
use crate::config::settings::{self, Allow, Factor};
use crate::kernel::EmailAddress;
pub use asked::Asked;
pub use explain::{Fit, Look};
use index::Index;
pub use subject::{Holder, Proofs, Subject};

/// Compiled once. What is in effect and what is only tried out are judged apart.
#[derive(Clone, Debug)]
pub struct Rules {
    all: Vec<Rule>,
    index: Index,
    has_shadows: bool,
    default: Demand,
}

/// Which of the two kinds of rules is judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rehearsal {
    /// The rules in effect.
    No,
    /// As if those with `shadow = true` were in effect as well.
    Yes,
}

#[derive(Clone, Debug)]
pub struct Rule {
    /// Its place among `gateway.rules`, from 0.
    pub number: usize,
    pub words: Words,
    hosts: Vec<HostPattern>,
    /// None means every path.
    paths: Vec<PathPattern>,
    /// None means every method.
    methods: Vec<String>,
    /// None means from everywhere.
    networks: Vec<IpNet>,
    groups: Vec<String>,
    users: Vec<EmailAddress>,
    demand: Demand,
    is_shadow: bool,
}

/// What people and logs are told of a rule.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Words {
    pub name: Option<String>,
    pub description: Option<String>,
    /// A file of ours, by its name.
    pub icon: Option<String>,
    pub note: Option<String>,
    /// Where people begin; `None` where a rule names patterns alone.
    pub door: Option<Door>,
}

/// Where an app is entered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Door {
    /// With its port, where that is not the usual one.
    pub host: String,
    pub path: String,
}

/// Who may come in.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Demand {
    Nobody,
    Anybody,
    SignedIn(Terms),
}

/// What is asked of a signed-in person beyond that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Terms {
    address: Address,
    keys: Keys,
    proof: Proof,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Address {
    Verified,
    Any,
}

/// Whether a program may come in by a person's key. Nobody has proved anything a moment ago by showing one, and there is
/// no second proof in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Keys {
    Taken,
    Refused,
}

/// How, and how recently, somebody must have proved that it is them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proof {
    pub factor: Wanted,
    /// How long ago it may be at most.
    pub max_age: Option<TimeDelta>,
}

/// The later ones hold the earlier ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Wanted {
    Anything,
    SecondFactor,
    Passkey,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    Allow,
    /// A stranger to whom a person's answer might be another.
    SignIn,
    /// Somebody who has to prove once more, or in another way, that it is them.
    Confirm(Proof),
    Deny(Reason),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A rule, or the absence of one.
    Forbidden,
    /// It might be allowed, were the person to stay.
    Leaving,
    /// It might be allowed, had the person a second factor.
    Unprotected,
    /// It would be allowed, were the person's address confirmed.
    Unverified,
    /// The path can be read in several ways, and these are judged differently.
    Ambiguous,
}

impl Decision {
    /// The stable word for logs and commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::SignIn => "sign_in",
            Self::Confirm(_) => "confirm",
            Self::Deny(_) => "deny",
        }
    }

    /// Why, in a word.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Allow | Self::Deny(Reason::Forbidden) => "rule",
            Self::SignIn => "stranger",
            Self::Confirm(Proof { factor: Wanted::Anything, .. }) => "too_long_ago",
            Self::Confirm(Proof { factor: Wanted::SecondFactor, .. }) => "second_factor",
            Self::Confirm(Proof { factor: Wanted::Passkey, .. }) => "passkey",
            Self::Deny(Reason::Leaving) => "leaving",
            Self::Deny(Reason::Unprotected) => "unprotected",
            Self::Deny(Reason::Unverified) => "unverified",
            Self::Deny(Reason::Ambiguous) => "ambiguous",
        }
    }
}

/// A decision, and by which rule; `None` for the default, and where nobody can say.
#[derive(Clone, Copy, Debug)]
pub struct Judgement<'a> {
    pub decision: Decision,
    pub rule: Option<&'a Rule>,
}

impl Judgement<'_> {
    /// Of the rule among `gateway.rules`; -1 for none.
    pub fn number(&self) -> i64 {
        self.rule.and_then(|rule| i64::try_from(rule.number).ok()).unwrap_or(-1)
    }
}

/// What a request comes to for somebody, by one reading of its path.
#[derive(Clone, Copy)]
struct Found<'a> {
    demand: &'a Demand,
    rule: Option<&'a Rule>,
    for_whom: ForWhom,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ForWhom {
    Everybody,
    /// For some alone, of whom a stranger may be one.
    Perhaps,
}

impl Rules {
    /// `settings` were checked when they were loaded; only their meaning is worked out here.
    pub fn compile(settings: &settings::Gateway) -> Self {
        let rules: Vec<Rule> = settings.rules.iter().enumerate().map(|(at, rule)| Rule::compile(at, rule)).collect();
        let usual = Terms { address: Address::Verified, keys: Keys::Refused, proof: Proof::of(settings.default, None) };
        Self {
            index: Index::of(&settings.rules),
            has_shadows: rules.iter().any(|rule| rule.is_shadow),
            all: rules,
            default: demand(settings.default, usual),
        }
    }

    /// Whether a key is worth looking at: by some rule that decides here, if not for everybody.
    pub fn takes_keys(&self, request: &Request<'_>) -> bool {
        let takes_keys = |(path, case)| {
            let mut may_decide = true;
            let deciding = self
                .matching(request, path, case, Rehearsal::No)
                .take_while(|rule| std::mem::replace(&mut may_decide, !rule.is_for_everybody()));
            deciding.map(|rule| &rule.demand).any(Demand::takes_keys)
        };
        readings(request).all(takes_keys)
    }

    /// What `request` comes to for `subject`. With [`Rehearsal::Yes`], what it would come to.
    pub fn judge(
        &self,
        request: &Request<'_>,
        subject: &Subject<'_>,
        rehearsal: Rehearsal,
        now: DateTime<Utc>,
    ) -> Judgement<'_> {
        match self.find(request, subject, rehearsal) {
            None => Judgement { decision: Decision::Deny(Reason::Ambiguous), rule: None },
            Some(found) => Judgement { decision: found.decide(subject, now), rule: found.rule },
        }
    }

    /// Those in effect that say where people begin, in their order.
    pub fn doors(&self) -> impl Iterator<Item = (&Rule, &Door)> {
        let in_effect = self.all.iter().filter(|rule| !rule.is_shadow);
        in_effect.filter_map(|rule| rule.words.door.as_ref().map(|door| (rule, door)))
    }

    /// Whether any rule is only tried out.
    pub fn has_shadows(&self) -> bool {
        self.has_shadows
    }

    /// `None` when the readings of the path differ in what they demand.
    fn find(&self, request: &Request<'_>, subject: &Subject<'_>, rehearsal: Rehearsal) -> Option<Found<'_>> {
        let mut all = readings(request).map(|(path, case)| {
            let mut rules = self.matching(request, path, case, rehearsal);
            let decides = |rule: &&Rule| rule.may_be_for(subject);
            match rules.find(decides) {
                Some(rule) if rule.is_uncertain_for(subject) => {
                    Found { demand: &Demand::Nobody, rule: Some(rule), for_whom: ForWhom::Everybody }
                }
                Some(rule) => Found { demand: &rule.demand, rule: Some(rule), for_whom: rule.for_whom(subject) },
                None => Found { demand: &self.default, rule: None, for_whom: ForWhom::Everybody },
            }
        });
        let first = all.next()?;
        all.all(|other| (other.demand, other.for_whom) == (first.demand, first.for_whom)).then_some(first)
    }

    /// Those that stand where the request goes, in their order.
    fn matching<'a, 'r>(
        &'a self,
        request: &'r Request<'r>,
        path: &'r [u8],
        case: Case,
        rehearsal: Rehearsal,
    ) -> impl Iterator<Item = &'a Rule> {
        let at_host = self.index.at(&request.host).iter().filter_map(|number| self.all.get(*number));
        let is_judged = move |rule: &&Rule| rehearsal == Rehearsal::Yes || !rule.is_shadow;
        at_host.filter(is_judged).filter(move |rule| rule.stands_at(request, path, case))
    }
}

fn readings<'a>(request: &'a Request<'_>) -> impl Iterator<Item = (&'a [u8], Case)> {
    request.readings().flat_map(|path| [(path, Case::Matters), (path, Case::Ignored)])
}

impl Rule {
    fn compile(number: usize, rule: &settings::Rule) -> Self {
        let address = if rule.verified { Address::Verified } else { Address::Any };
        let keys = if rule.api_keys { Keys::Taken } else { Keys::Refused };
        let proof = Proof { max_age: rule.recent_auth, ..Proof::of(rule.allow, rule.factor) };
        Self {
            number,
            words: Words::of(rule),
            hosts: rule.hosts.iter().map(|host| HostPattern::new(host)).collect(),
            paths: rule.paths.iter().map(|path| PathPattern::new(path)).collect(),
            methods: rule.methods.clone(),
            networks: rule.networks.clone(),
            groups: rule.groups.clone(),
            users: rule.users.clone(),
            demand: demand(rule.allow, Terms { address, keys, proof }),
            is_shadow: rule.shadow,
        }
    }

    /// What it asks a signed-in person for, if anybody needs to be known.
    pub fn proof(&self) -> Option<Proof> {
        match &self.demand {
            Demand::SignedIn(terms) => Some(terms.proof),
            Demand::Nobody | Demand::Anybody => None,
        }
    }

    fn stands_at(&self, request: &Request<'_>, path: &[u8], case: Case) -> bool {
        self.is_at_host(request) && self.is_at_path(path, case) && self.is_for_method(request) && self.is_from(request)
    }

    fn is_at_host(&self, request: &Request<'_>) -> bool {
        self.hosts.iter().any(|pattern| pattern.matches(&request.host, request.port))
    }

    fn is_at_path(&self, path: &[u8], case: Case) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|pattern| pattern.matches(path, case))
    }

    fn is_for_method(&self, request: &Request<'_>) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|own| own.eq_ignore_ascii_case(request.method))
    }

    fn is_from(&self, request: &Request<'_>) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|own| own.contains(&request.client.to_canonical()))
    }

    fn is_for_everybody(&self) -> bool {
        self.groups.is_empty() && self.users.is_empty()
    }

    /// What a stranger is cannot be known.
    fn may_be_for(&self, subject: &Subject<'_>) -> bool {
        let may_be_among =
            |holder: &Holder<'_>| holder.is_among(&self.groups, &self.users) || holder.may_be_in(&self.groups);
        self.is_for_everybody() || subject.holder().is_none_or(may_be_among)
    }

    /// Whether it is for some alone, and nobody can say whether for somebody who is known: then it lets them nowhere, and
    /// no later rule does.
    fn is_uncertain_for(&self, subject: &Subject<'_>) -> bool {
        let is_unsure =
            |holder: &Holder<'_>| holder.may_be_in(&self.groups) && !holder.is_among(&self.groups, &self.users);
        subject.holder().is_some_and(is_unsure)
    }

    fn for_whom(&self, subject: &Subject<'_>) -> ForWhom {
        if self.is_for_everybody() || subject.holder().is_some() { ForWhom::Everybody } else { ForWhom::Perhaps }
    }
}

impl Words {
    fn of(rule: &settings::Rule) -> Self {
        Self {
            name: rule.name.clone(),
            description: rule.description.clone(),
            icon: rule.icon.as_ref().map(|path| path.trim_start_matches("/static/").to_owned()),
            note: rule.note.clone(),
            door: Door::of(rule),
        }
    }

    /// What another rule of the same app says of it and this one does not.
    pub fn complete_with(&mut self, others: Self) {
        self.description = self.description.take().or(others.description);
        self.icon = self.icon.take().or(others.icon);
    }
}

impl Door {
    /// The first host and path that are no patterns. A rule without a name is a part of its host, entered at its root.
    fn of(rule: &settings::Rule) -> Option<Self> {
        let host = rule.hosts.iter().find(|host| !host.starts_with("*."))?.clone();
        if rule.paths.is_empty() || rule.name.is_none() {
            return Some(Self { host, path: "/".to_owned() });
        }
        let plain =
            rule.paths.iter().map(|path| path.strip_suffix("/**").unwrap_or(path)).find(|path| !path.contains('*'));
        plain.map(|path| Self { host, path: if path.is_empty() { "/".to_owned() } else { path.to_owned() } })
    }
}

impl Proof {
    fn of(allow: Allow, factor: Option<Factor>) -> Self {
        let factor = match (factor, allow) {
            (Some(Factor::Passkey), _) => Wanted::Passkey,
            (None, Allow::TwoFactor) => Wanted::SecondFactor,
            (None, Allow::SignedIn | Allow::Public | Allow::Deny) => Wanted::Anything,
        };
        Self { factor, max_age: None }
    }
}

fn demand(allow: Allow, terms: Terms) -> Demand {
    match allow {
        Allow::Deny => Demand::Nobody,
        Allow::Public => Demand::Anybody,
        Allow::SignedIn | Allow::TwoFactor => Demand::SignedIn(terms),
    }
}

impl Demand {
    fn takes_keys(&self) -> bool {
        match self {
            Self::SignedIn(terms) => terms.keys == Keys::Taken,
            Self::Nobody | Self::Anybody => false,
        }
    }
}

impl Found<'_> {
    fn decide(&self, subject: &Subject<'_>, now: DateTime<Utc>) -> Decision {
        match (self.demand, self.for_whom) {
            (Demand::Nobody | Demand::Anybody, ForWhom::Perhaps) => subject.turned_away(),
            (Demand::Nobody, ForWhom::Everybody) => Decision::Deny(Reason::Forbidden),
            (Demand::Anybody, ForWhom::Everybody) => Decision::Allow,
            (Demand::SignedIn(terms), _) => terms.admit(subject, now),
        }
    }
}

impl Terms {
    fn admit(&self, subject: &Subject<'_>, now: DateTime<Utc>) -> Decision {
        let (holder, proofs) = match (subject, self.keys) {
            (Subject::Stranger | Subject::Leaving | Subject::Unprotected, _) => return subject.turned_away(),
            (Subject::Program(_), Keys::Refused) => return Decision::SignIn,
            (Subject::Program(holder), Keys::Taken) => (holder, None),
            (Subject::Person(holder, proofs), _) => (holder, Some(proofs)),
        };
        if self.address == Address::Verified && holder.verified.is_none() {
            return Decision::Deny(Reason::Unverified);
        }
        match proofs {
            Some(proofs) if !proofs.suffice(self.proof, now) => Decision::Confirm(self.proof),
            // Where keys are taken, nothing is asked for that a key cannot show.
            Some(_) | None => Decision::Allow,
        }
    }
}
