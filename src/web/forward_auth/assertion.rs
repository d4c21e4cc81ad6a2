//! The assertions that this node has signed a moment ago, so that it need not sign one for every request.
//!
//! One is for one app and one answer of who somebody is: when that is asked of PostgreSQL again, because the session or the
//! person has changed, it has another number, and what was signed before is not found any more. What nobody finds makes
//! room for others.

use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::header::HeaderValue;
use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::Check;
use super::answer::EMPTY;
use super::visitor::Visitor;
use crate::gateway::Request;
use crate::gateway::assertion::Assertion;
use crate::gateway::forwarded::Scheme;
use crate::signing_keys;
use crate::web::failure::Failure;

/// Whoever gets it has it for as long again at least: half of what an app may believe it for.
const FRESH: TimeDelta = TimeDelta::seconds(30);

/// Bytes. One takes 600 to 3,000.
const ROOM: u64 = 32 * 1024 * 1024;

/// How many of them there will be, as a guess to begin with.
const GUESS: usize = 16 * 1024;

/// What they are found by, and the pointers to them.
const BESIDE: u64 = 200;

pub(super) struct Assertions {
    issuer: String,
    signed: Cache<To, Signed, Bytes>,
    numbers: AtomicU64,
}

/// For whom of the many, and for which app.
#[derive(Clone, PartialEq, Eq, Hash)]
struct To<H = Box<str>> {
    number: u64,
    /// That of the keyring's changes.
    changes: u64,
    scheme: Scheme,
    port: u16,
    host: H,
}

impl Equivalent<To> for To<&str> {
    fn equivalent(&self, other: &To) -> bool {
        let To { number, changes, scheme, port, host } = other;
        (self.number, self.changes, self.scheme, self.port, self.host) == (*number, *changes, *scheme, *port, &**host)
    }
}

#[derive(Clone)]
struct Signed {
    text: HeaderValue,
    at: DateTime<Utc>,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<To, Signed> for Bytes {
    fn weight(&self, to: &To, signed: &Signed) -> u64 {
        BESIDE + u64::try_from(to.host.len() + signed.text.len()).unwrap_or(ROOM)
    }
}

impl Assertions {
    /// `issuer` is the portal's origin.
    pub(super) fn new(issuer: String) -> Self {
        Self { issuer, signed: Cache::with_weighter(GUESS, ROOM, Bytes), numbers: AtomicU64::new(0) }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// One that nobody has had before.
    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// For this app, of this visitor; empty where none are wanted.
pub(super) async fn find(check: &Check<'_>, asked: &Request<'_>, visitor: &Visitor) -> Result<HeaderValue, Failure> {
    let (app, assertions) = (&check.gate.app, &check.gate.assertions);
    if !app.settings.gateway.assertion {
        return Ok(EMPTY);
    }
    let now = app.clock.now();
    let number = visitor.named().number();
    let changes = app.keyring.changes();
    let to = To { number, changes, scheme: asked.scheme, port: asked.port, host: &*asked.host };
    let is_fresh = |signed: &Signed| signed.at <= now && now < signed.at + FRESH;
    if let Some(signed) = assertions.signed.get(&to).filter(is_fresh) {
        return Ok(signed.text);
    }
    let keys = signing_keys::keys_to_sign_with(app).await?;
    let (key, signing) = signing_keys::signer(&keys, now).ok_or(signing_keys::Error::NoKey)?;
    let [user, email, name, groups] = visitor.named().texts();
    let (issuer, audience) = (assertions.issuer(), asked.origin());
    let said = Assertion { issuer, audience: &audience, user, email, name, groups, session: visitor.session() };
    let text = said.sign(signing, &key.kid, now).map_err(Failure::internal)?;
    let text = HeaderValue::try_from(text).map_err(Failure::internal)?;
    let to = To { number, changes, scheme: asked.scheme, port: asked.port, host: Box::from(&*asked.host) };
    assertions.signed.insert(to, Signed { text: text.clone(), at: now });
    Ok(text)
}
