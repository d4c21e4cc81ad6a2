//! Who stands at the gate: a person with a cookie, or a program with a key where the rule takes keys.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use chrono::{DateTime, Utc};

use super::claim::{Claim, claim};
use super::{Check, Gate, Named, gate_cookies};
use crate::affiliations::Affiliations;
use crate::api_keys::{self, KnownProgram, Program, Shown};
use crate::gateway::{Holder, Identity, Request, Rules, Subject};
use crate::kernel::UserId;
use crate::sessions::{Known, Live};
use crate::web::failure::Failure;

/// Somebody who is known, with what apps are told of them.
pub(super) enum Visitor {
    Person(Arc<Known<Named>>),
    Program(Arc<KnownProgram<Named>>),
}

impl Visitor {
    pub(super) fn subject(&self, now: DateTime<Utc>) -> Subject<'_> {
        match self {
            Self::Person(known) => Subject::of(&known.live, known.kept.affiliations(), now),
            Self::Program(known) if known.program.lacks_second_factor(now) => Subject::Unprotected,
            Self::Program(known) => {
                let verified = known.program.email_verified.then_some(&known.program.email);
                Subject::Program(Holder { verified, affiliations: known.kept.affiliations() })
            }
        }
    }

    pub(super) fn user(&self) -> UserId {
        match self {
            Self::Person(known) => known.live.user,
            Self::Program(known) => known.program.user,
        }
    }

    /// `None` for a program.
    pub(super) fn session(&self) -> Option<&Live> {
        match self {
            Self::Person(known) => Some(&known.live),
            Self::Program(_) => None,
        }
    }

    pub(super) fn named(&self) -> &Named {
        match self {
            Self::Person(known) => &known.kept,
            Self::Program(known) => &known.kept,
        }
    }
}

/// [`Failure::InvalidKey`] for a key that is not good, whatever cookies came with it. Where the rule takes no keys, and
/// where the header holds something else, it is the app's own and not looked at.
pub(super) async fn find(check: &Check<'_>, asked: &Request<'_>, rules: &Rules) -> Result<Option<Visitor>, Failure> {
    let headers = check.request.headers();
    match claim(headers) {
        Some(claim) if rules.takes_keys(asked) => Ok(Some(Visitor::Program(find_program(check, &claim).await?))),
        Some(_) | None => Ok(find_live(check.gate, headers, &asked.host).await?.map(Visitor::Person)),
    }
}

async fn find_program(check: &Check<'_>, claim: &Claim<'_>) -> Result<Arc<KnownProgram<Named>>, Failure> {
    let app = &check.gate.app;
    let shown = Shown::parse(&app.sealer, &claim.key).ok_or(Failure::InvalidKey)?;
    let keep = |program: &Program, affiliations: &Affiliations| {
        named(check.gate, &Identity::of_program(program, affiliations, check.gate.told()), affiliations)
    };
    let known = api_keys::recognise(app, &check.gate.live, shown, keep).await?;
    let known = known.filter(|known| claim.may_be_of(&known.program.email)).ok_or(Failure::InvalidKey)?;
    check.gate.uses.note(app, &known.program, check.arrival.client);
    Ok(known)
}

/// A sibling host can toss in cookies of the same name, so the first that is good at `host` counts.
pub(super) async fn find_live(
    gate: &Gate,
    headers: &HeaderMap,
    host: &str,
) -> Result<Option<Arc<Known<Named>>>, Failure> {
    for token in gate_cookies::tokens(&gate.app, headers) {
        let keep = |live: &Live, affiliations: &Affiliations| {
            named(gate, &Identity::of(live, affiliations, gate.told()), affiliations)
        };
        if let Some(known) = gate.live.find(&gate.app, token.digest(), host, keep).await? {
            return Ok(Some(known));
        }
    }
    Ok(None)
}

fn named(gate: &Gate, identity: &Identity, affiliations: &Affiliations) -> Named {
    if !identity.are_groups_complete() {
        let [user, ..] = identity.values();
        gate.groups_left_out.call_once(|| {
            log::warn!("apps are not told of all groups of {user}, and perhaps of others: there are more than fit");
        });
    }
    Named::new(identity, affiliations.clone(), gate.assertions.next_number())
}
