//! What the gate has decided, in samples, so that other rules can be tried on what really came.
//!
//! A [`Record`] holds what rules ask for, as it was at that moment: where a request went, from where, who it was with which
//! groups and proofs, and what came of it. It never holds a query, a cookie, a key, or what else may be a secret
//! ([`Record::of`]); what cannot be kept without that is not kept. So rules that decide about a record come to what they
//! would have come to then ([`replay`]).
//!
//! Nothing is kept unless the operator asks for it (`gateway.record`), and then a share of all checks, decided by chance
//! before anything else is done for it. Nobody waits for a record to be written: a node keeps some of them in memory and
//! writes them behind ([`Recorder`]); what comes while there are too many is counted and lost. The table is bounded by
//! rows and by age, and what is in it of a person goes with the person.

mod path;
mod recorder;
pub mod replay;
mod sampling;
mod store;
mod words;

use std::borrow::Cow;
use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::affiliations::Affiliations;
use crate::db::{self, Tx};
use crate::gateway::{Holder, Judgement, Proofs, Rehearsal, Request, Rules, Subject};
use crate::kernel::{EmailAddress, UserId};

pub use recorder::Recorder;
pub use sampling::{Fingerprint, Sampling};
pub use store::addresses;
pub use words::Key;
use words::Who;

/// Of all groups of somebody together; more than apps are ever told of.
const MOST_BYTES_OF_GROUPS: usize = 4096;

/// One decision of the gate, with all that it was about.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// When it was judged: recent is what was recent then.
    pub at: DateTime<Utc>,
    pub request_id: String,
    /// Of all checks, when this one was taken.
    pub share: f64,
    pub place: Place,
    pub client: IpAddr,
    pub visitor: Visitor,
    /// Whoever it was, if they were known.
    pub user: Option<UserId>,
    pub key: Key,
    pub outcome: Outcome,
    pub rule: Option<Deciding>,
    /// By which set of rules.
    pub rules: Fingerprint,
}

/// Where a request went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub method: String,
    pub scheme: String,
    pub host: String,
    pub port: u16,
    /// As it was written, for how it may be read is judged as well; without what may be a secret.
    pub path: String,
}

/// Who it was, as far as rules care.
#[derive(Clone, PartialEq, Debug)]
pub enum Visitor {
    Stranger,
    /// Who shows a key that is not good is refused before rules are asked.
    InvalidKey,
    Leaving,
    Unprotected,
    Person(Facts, Proofs),
    Program(Facts),
}

/// What was true of a known person.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    /// Their address, where it was verified.
    pub verified: Option<EmailAddress>,
    pub affiliations: Affiliations,
}

/// What came of it, in the words of [`crate::gateway::Decision`], and `invalid_key`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Outcome {
    pub decision: Cow<'static, str>,
    pub reason: Cow<'static, str>,
}

/// The rule that has decided: its number from 0, and its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deciding {
    pub number: usize,
    pub name: Option<String>,
}

/// What the gate has before it when it has decided.
pub struct Seen<'a> {
    pub at: DateTime<Utc>,
    pub request_id: &'a str,
    pub request: &'a Request<'a>,
    pub user: Option<UserId>,
    pub key: Key,
    pub judged: Judged<'a>,
}

/// What was judged, and what it came to.
pub enum Judged<'a> {
    ByRules(&'a Rules, &'a Subject<'a>, &'a Judgement<'a>),
    InvalidKey,
}

impl Record {
    /// `None` where it is too long to be kept, or would be judged differently without what may be a secret.
    pub fn of(seen: &Seen<'_>, sampling: &Sampling) -> Option<Self> {
        let place = Place::of(seen)?;
        let (visitor, outcome, rule) = match &seen.judged {
            Judged::InvalidKey => (Visitor::InvalidKey, Outcome::INVALID_KEY, None),
            Judged::ByRules(_, subject, judgement) => {
                (Visitor::of(subject)?, Outcome::of(judgement), Deciding::of(judgement))
            }
        };
        Some(Self {
            at: seen.at,
            request_id: seen.request_id.to_owned(),
            share: sampling.share(),
            place,
            client: seen.request.client,
            visitor,
            user: seen.user,
            key: seen.key,
            outcome,
            rule,
            rules: sampling.rules(),
        })
    }
}

impl Place {
    fn of(seen: &Seen<'_>) -> Option<Self> {
        let request = seen.request;
        let path = path::without_secrets(request.path())?;
        let is_whole = matches!(path, Cow::Borrowed(_));
        let place = Self {
            method: request.method.to_owned(),
            scheme: request.scheme.as_str().to_owned(),
            host: request.host.clone().into_owned(),
            port: request.port,
            path: path.into_owned(),
        };
        let is_fit = is_whole || place.is_judged_alike(seen);
        is_fit.then_some(place)
    }

    fn is_judged_alike(&self, seen: &Seen<'_>) -> bool {
        let Judged::ByRules(rules, subject, judgement) = &seen.judged else { return true };
        let url = self.url();
        let Ok(request) = self.request(&url, seen.request.client) else { return false };
        let again = rules.judge(&request, subject, Rehearsal::No, seen.at);
        again.decision == judgement.decision && again.number() == judgement.number()
    }

    /// With its port, and without a query.
    pub fn url(&self) -> String {
        let Self { scheme, host, port, path, .. } = self;
        let is_usual = matches!((scheme.as_str(), port), ("http", 80) | ("https", 443));
        if is_usual { format!("{scheme}://{host}{path}") } else { format!("{scheme}://{host}:{port}{path}") }
    }

    /// `url` is that of this place.
    fn request<'a>(&'a self, url: &'a str, client: IpAddr) -> Result<Request<'a>, crate::gateway::Malformed> {
        Request::from_url(self.method.as_bytes(), url.as_bytes(), client)
    }
}

impl Visitor {
    /// `None` for somebody with more groups than are kept.
    fn of(subject: &Subject<'_>) -> Option<Self> {
        Some(match subject {
            Subject::Stranger => Self::Stranger,
            Subject::Leaving => Self::Leaving,
            Subject::Unprotected => Self::Unprotected,
            Subject::Person(holder, proofs) => Self::Person(Facts::of(holder)?, *proofs),
            Subject::Program(holder) => Self::Program(Facts::of(holder)?),
        })
    }

    /// `None` for who is refused before rules are asked.
    fn subject(&self) -> Option<Subject<'_>> {
        Some(match self {
            Self::InvalidKey => return None,
            Self::Stranger => Subject::Stranger,
            Self::Leaving => Subject::Leaving,
            Self::Unprotected => Subject::Unprotected,
            Self::Person(facts, proofs) => Subject::Person(facts.holder(), *proofs),
            Self::Program(facts) => Subject::Program(facts.holder()),
        })
    }

    fn who(&self) -> Who {
        match self {
            Self::Stranger => Who::Stranger,
            Self::InvalidKey => Who::InvalidKey,
            Self::Leaving => Who::Leaving,
            Self::Unprotected => Who::Unprotected,
            Self::Person(..) => Who::Person,
            Self::Program(_) => Who::Program,
        }
    }

    fn facts(&self) -> Option<&Facts> {
        match self {
            Self::Person(facts, _) | Self::Program(facts) => Some(facts),
            Self::Stranger | Self::InvalidKey | Self::Leaving | Self::Unprotected => None,
        }
    }

    fn proofs(&self) -> Option<&Proofs> {
        match self {
            Self::Person(_, proofs) => Some(proofs),
            Self::Stranger | Self::InvalidKey | Self::Leaving | Self::Unprotected | Self::Program(_) => None,
        }
    }
}

impl Facts {
    fn of(holder: &Holder<'_>) -> Option<Self> {
        let is_kept = holder.affiliations.words().map(str::len).sum::<usize>() <= MOST_BYTES_OF_GROUPS;
        is_kept.then(|| Self { verified: holder.verified.cloned(), affiliations: holder.affiliations.clone() })
    }

    fn holder(&self) -> Holder<'_> {
        Holder { verified: self.verified.as_ref(), affiliations: &self.affiliations }
    }
}

impl Outcome {
    const INVALID_KEY: Self = Self { decision: Cow::Borrowed("invalid_key"), reason: Cow::Borrowed("invalid_key") };

    fn of(judgement: &Judgement<'_>) -> Self {
        let (decision, reason) = (judgement.decision.as_str(), judgement.decision.reason());
        Self { decision: decision.into(), reason: reason.into() }
    }
}

impl Deciding {
    fn of(judgement: &Judgement<'_>) -> Option<Self> {
        judgement.rule.map(|rule| Self { number: rule.number, name: rule.words.name.clone() })
    }
}

/// Forgets some of what is too old, and of what is more than may be kept. How many.
pub fn forget_old(tx: &mut Tx<'_>, kept: &crate::config::settings::Record, batch: usize) -> Result<usize, db::Error> {
    let before = tx.now - kept.kept;
    let old = store::forget_before(tx, before, batch)?;
    Ok(old + store::forget_all_but(tx, kept.most, batch.saturating_sub(old))?)
}
