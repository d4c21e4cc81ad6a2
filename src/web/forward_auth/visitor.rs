//! Who stands at the gate: a person with a cookie, or a program with a key where the rule takes keys.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;

use super::{Check, Gate, Named, gate_cookies};
use crate::api_keys::{self, PREFIX, Program, Scope, Shown};
use crate::gateway::{Identity, Request, Subject};
use crate::sessions::Known;
use crate::web::bearer::{Bearer, bearer};
use crate::web::failure::Failure;

/// Somebody who is known, with what apps are told of them.
pub(super) enum Visitor {
    Person(Arc<Known<Named>>),
    Program(Box<(Program, Named)>),
}

impl Visitor {
    pub(super) fn subject(&self) -> Subject {
        match self {
            Self::Person(known) => Subject::Person { email_verified: known.live.email_verified },
            Self::Program(program) => Subject::Program { email_verified: program.0.email_verified },
        }
    }

    pub(super) fn named(&self) -> &Named {
        match self {
            Self::Person(known) => &known.kept,
            Self::Program(program) => &program.1,
        }
    }
}

/// [`Failure::InvalidKey`] for a key that is not good, whatever cookies came with it. Where the rule takes no keys, and
/// where the header holds something else, it is the app's own and not looked at.
pub(super) async fn find(check: &Check<'_>, asked: &Request<'_>) -> Result<Option<Visitor>, Failure> {
    let headers = check.request.headers();
    match key(headers) {
        Some(text) if check.gate.rules.takes_keys(asked) => {
            let (program, named) = authenticate(check, text).await?;
            Ok(Some(Visitor::Program(Box::new((program, named)))))
        }
        Some(_) | None => Ok(find_live(check.gate, headers).await?.map(Visitor::Person)),
    }
}

/// What claims to be a key of ours. A header that stands there twice claims it too, and is none.
fn key(headers: &HeaderMap) -> Option<&[u8]> {
    match bearer(headers) {
        Bearer::Token(text) if text.starts_with(PREFIX.as_bytes()) => Some(text),
        Bearer::Token(_) | Bearer::Missing => None,
        Bearer::Ambiguous => Some(b""),
    }
}

async fn authenticate(check: &Check<'_>, text: &[u8]) -> Result<(Program, Named), Failure> {
    let app = &check.gate.app;
    let shown = Shown::parse(&app.sealer, text).ok_or(Failure::InvalidKey)?;
    let program = api_keys::authenticate(app, shown).await?;
    let program = program.filter(|program| program.scopes.has(Scope::Gateway)).ok_or(Failure::InvalidKey)?;
    check.gate.uses.note(app, &program, check.arrival.client);
    let named = Named::new(&Identity::of_program(&program));
    Ok((program, named))
}

/// A sibling host can toss in cookies of the same name, so the first that is good counts.
async fn find_live(gate: &Gate, headers: &HeaderMap) -> Result<Option<Arc<Known<Named>>>, Failure> {
    for token in gate_cookies::tokens(&gate.app, headers) {
        let keep = |live: &crate::sessions::Live| Named::new(&Identity::of(live));
        if let Some(known) = gate.live.find(&gate.app, token.digest(), keep).await? {
            return Ok(Some(known));
        }
    }
    Ok(None)
}
