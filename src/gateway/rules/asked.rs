//! What is asked of people who are let in, for the page where they prove it.

use std::collections::BTreeSet;

use super::{Demand, Proof, Rehearsal, Request, Rules, Subject, Wanted, Words};

/// By one rule, or by none where it is the default that decides.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub proof: Proof,
    pub words: Option<&'a Words>,
}

impl Rules {
    /// Whether or not `subject` has proved it already. `None` where nothing is asked beside a session, and where they
    /// are not let in anyway.
    pub fn asked(&self, request: &Request<'_>, subject: &Subject<'_>) -> Option<Asked<'_>> {
        let found = self.find(request, subject, Rehearsal::No)?;
        match found.demand {
            Demand::SignedIn(terms) if terms.proof.asks_for_something() => {
                Some(Asked { proof: terms.proof, words: found.rule.map(|rule| &rule.words) })
            }
            Demand::SignedIn(_) | Demand::Nobody | Demand::Anybody => None,
        }
    }

    /// The methods that rules tell apart.
    pub fn methods(&self) -> BTreeSet<&str> {
        self.all.iter().flat_map(|rule| &rule.methods).map(String::as_str).collect()
    }
}

impl Proof {
    fn asks_for_something(self) -> bool {
        self.factor != Wanted::Anything || self.max_age.is_some()
    }
}
