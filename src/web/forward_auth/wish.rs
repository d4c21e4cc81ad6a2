//! What the rules ask of somebody on the way to an app, for the page where they prove it.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use super::Gate;
use crate::affiliations::Affiliations;
use crate::gateway::{Asked, Holder, Proof, Proofs, Request, Rules, Subject, Wanted};
use crate::sessions::Live;
use crate::web::errand::Errand;

/// Rules need not name these to make a difference between them and GET.
const SENDING: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

/// Whose session it is, and from where they come.
#[derive(Clone, Copy)]
pub struct Person<'a> {
    pub live: &'a Live,
    pub affiliations: &'a Affiliations,
    pub client: IpAddr,
}

pub struct Wish {
    /// What the rule calls the app, if it does.
    pub name: Option<String>,
    pub note: Option<String>,
    /// All that is asked for there, proved or not.
    asked: Vec<Proof>,
    proofs: Proofs,
    now: DateTime<Utc>,
}

impl Wish {
    /// What was sent is judged as what it was, and whoever was only going somewhere as that. Where nothing stands in the
    /// way of going there, it was something else that did not get through: the most that any method asks for there.
    pub fn of(gate: &Gate, errand: &Errand, person: Person<'_>) -> Self {
        let now = gate.app.clock.now();
        let proofs = Proofs::of(person.live);
        let compiled = gate.compiled();
        let rules = &compiled.rules;
        let asked_for = |method: &str, url: &str| asked_for(rules, (method, url), person);
        let is_missing = |asked: &Asked<'_>| !proofs.suffice(asked.proof, now);
        let mut asked: Vec<Asked<'_>> = match &errand.sent {
            Some(sent) => asked_for(&sent.method, &errand.url_of(sent)).into_iter().collect(),
            None => Vec::new(),
        };
        asked.extend(asked_for("GET", errand.back.as_str()));
        if errand.sent.is_none() && !asked.iter().any(is_missing) {
            let methods = rules.methods().into_iter().chain(SENDING);
            asked.extend(methods.filter_map(|method| asked_for(method, errand.back.as_str())));
        }
        let missing = || asked.iter().filter(|asked| is_missing(asked));
        let speaks = missing().max_by_key(|asked| asked.proof.factor).or_else(|| asked.first());
        let words = speaks.and_then(|asked| asked.words);
        Self {
            name: words.and_then(|words| words.name.clone()),
            note: words.and_then(|words| words.note.clone()),
            asked: asked.iter().map(|asked| asked.proof).collect(),
            proofs,
            now,
        }
    }

    /// Whether the rules ask for anything there but a session.
    pub fn is_something(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Whether nothing is missing any more.
    pub fn is_fulfilled(&self) -> bool {
        self.missing(self.proofs).next().is_none()
    }

    /// Whether nothing would be missing once they have proved this much.
    pub fn is_fulfilled_by(&self, proved: Wanted) -> bool {
        self.missing(self.proofs.after(proved, self.now)).next().is_none()
    }

    /// The least that fulfils it.
    pub fn least(&self) -> Wanted {
        let all = [Wanted::Anything, Wanted::SecondFactor, Wanted::Passkey];
        all.into_iter().find(|wanted| self.is_fulfilled_by(*wanted)).unwrap_or(Wanted::Passkey)
    }

    fn missing(&self, proofs: Proofs) -> impl Iterator<Item = &Proof> {
        self.asked.iter().filter(move |proof| !proofs.suffice(**proof, self.now))
    }
}

fn asked_for<'a>(rules: &'a Rules, (method, url): (&str, &str), person: Person<'_>) -> Option<Asked<'a>> {
    let request = Request::from_url(method.as_bytes(), without_fragment(url).as_bytes(), person.client).ok()?;
    let verified = person.live.email_verified.then_some(&person.live.email);
    let holder = Holder { verified, affiliations: person.affiliations };
    rules.asked(&request, &Subject::Person(holder, Proofs::of(person.live)))
}

/// Which no proxy is ever sent.
fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}
