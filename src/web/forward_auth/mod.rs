//! The door that proxies knock at: may this visitor's request go on to the app?
//!
//! One address for each family of proxies, because they do different things with one and the same answer. Each
//! family reads its own headers and no others (whatever else arrives was written by the visitor), nothing is read
//! from the query or the body, and a peer that is not a trusted proxy is not answered at all. The portal's cookie
//! is worth nothing here, and the gate's is worth nothing anywhere else.
//!
//! This is the hot path, so it stands outside of all layers and has a lean one of its own.

mod answer;
mod assertion;
mod auth_request;
mod claim;
mod ext_authz;
mod family;
mod forward;
mod gate_cookies;
pub mod hand_over;
mod record;
mod step_up;
mod visitor;
mod wish;

use std::net::IpAddr;
use std::sync::{Arc, Once};

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use arc_swap::ArcSwap;

use super::enrollment;
use super::failure::Failure;
use super::layers::{self, Arrival, Decided};
use crate::api_keys::{KnownProgram, Uses};
use crate::app::{App, Policy};
use crate::decisions::{Recorder, Sampling};
use crate::gateway::identity::Told;
use crate::gateway::{
    Decision, Judgement, Malformed, NOT_A_PROXY, Proof, QUESTION, Reason, Rehearsal, Request, Rule, Rules, Subject,
    Words,
};
use crate::sessions;
pub use answer::Named;
use answer::Page;
use assertion::Assertions;
use record::Case;
use visitor::Visitor;
pub use wish::{Person, Wish};

/// The sessions and API keys that a node remembers for its gate, each with who its holder is to apps.
pub type LiveSessions = sessions::LiveSessions<Named, KnownProgram<Named>>;

/// What all workers share: the rules and the way to the sign-in page, worked out once, and the sessions this node
/// remembers.
pub struct Gate {
    app: App,
    compiled: ArcSwap<Compiled>,
    sign_in: Page,
    confirm: Page,
    live: LiveSessions,
    uses: Uses,
    assertions: Assertions,
    recorder: Recorder,
    /// Said once: it would be said again and again.
    groups_left_out: Once,
}

/// An app that somebody may open.
pub struct Opened {
    pub name: String,
    pub url: String,
    pub words: Words,
    /// What it asks them for; `None` where nobody need be known.
    pub asks: Option<Proof>,
}

/// The rules, and of which policy they are.
struct Compiled {
    policy: Arc<Policy>,
    rules: Rules,
    /// Which decisions are kept, if any.
    sampling: Option<Sampling>,
}

impl Compiled {
    fn of(policy: Arc<Policy>) -> Self {
        Self { rules: Rules::compile(&policy.gateway), sampling: Sampling::of(&policy.gateway), policy }
    }
}

impl Gate {
    /// Those that hold now. Compiled by whoever asks first after they have changed.
    fn compiled(&self) -> arc_swap::Guard<Arc<Compiled>> {
        let (policy, compiled) = (self.app.policy.load(), self.compiled.load());
        if Arc::ptr_eq(&policy, &compiled.policy) {
            return compiled;
        }
        // What somebody slower stores meanwhile may be of a policy before this one: this check goes by its own.
        let fresh = Arc::new(Compiled::of(Arc::clone(&policy)));
        self.compiled.store(Arc::clone(&fresh));
        arc_swap::Guard::from_inner(fresh)
    }

    /// The apps that somebody may open, each once.
    pub fn doors(&self, visitor: &Subject<'_>, client: IpAddr) -> Vec<Opened> {
        let (compiled, now) = (self.compiled(), self.app.clock.now());
        let scheme = self.app.settings.server.public_url.scheme();
        let mut doors: Vec<Opened> = Vec::new();
        for (rule, door) in compiled.rules.doors() {
            let url = format!("{scheme}://{}{}", door.host, door.path);
            let Ok(request) = Request::from_url(b"GET", url.as_bytes(), client) else { continue };
            let judgement = compiled.rules.judge(&request, visitor, Rehearsal::No, now);
            let is_open = matches!(judgement.decision, Decision::Allow | Decision::Confirm(_));
            let name = rule.words.name.clone().unwrap_or_else(|| door.host.clone());
            let words = rule.words.clone();
            match doors.iter_mut().find(|known| known.name == name) {
                Some(known) if is_open => known.words.complete_with(words),
                None if is_open => doors.push(Opened { name, url, words, asks: judgement.rule.and_then(Rule::proof) }),
                Some(_) | None => {}
            }
        }
        // A part of an app that has a name is no app of its own.
        let named: Vec<String> =
            doors.iter().filter(|door| door.words.name.is_some()).map(|door| door.url.clone()).collect();
        doors.retain(|door| door.words.name.is_some() || !named.contains(&door.url));
        doors
    }

    pub fn new(app: App, live: LiveSessions, uses: Uses, recorder: Recorder) -> Self {
        let (sign_in, confirm) = (Page::sign_in(&app), Page::confirm(&app));
        let compiled = ArcSwap::from_pointee(Compiled::of(app.policy.load_full()));
        let assertions = Assertions::new(app.settings.server.public_url.origin().ascii_serialization());
        Self { app, compiled, sign_in, confirm, live, uses, assertions, recorder, groups_left_out: Once::new() }
    }

    /// What apps are told by.
    fn told(&self) -> Told<'_> {
        if self.app.settings.gateway.assertion { Told::AndSigned(self.assertions.issuer()) } else { Told::Plainly }
    }
}

static QUESTION_NAME: HeaderName = HeaderName::from_static(QUESTION);

/// One question of a proxy.
struct Check<'a> {
    gate: &'a Gate,
    request: &'a HttpRequest,
    arrival: &'a Arrival,
}

impl Check<'_> {
    /// What the rules that are only tried out would have changed.
    fn rehearse(&self, asked: &Request<'_>, real: &Judgement<'_>, rehearsed: &Judgement<'_>) {
        if real.decision == rehearsed.decision {
            return;
        }
        self.gate.app.db.meters().rehearsed(rehearsed.decision.as_str());
        log::info!(
            target: "gate",
            decision = real.decision.as_str(), rule = real.number(),
            rehearsed = rehearsed.decision.as_str(), rehearsed_rule = rehearsed.number(),
            host = asked.host.as_ref(), method = asked.method;
            "{} {} would be {}", asked.method, asked.host, rehearsed.decision.as_str()
        );
    }
}

/// What it comes to. The dialects say it in their proxies' words.
enum Verdict<'a> {
    /// `None` for somebody who need not be known.
    Allow(Option<Known>),
    SignIn(Request<'a>),
    /// Somebody whose last proof is too long ago, or not the one that is wanted.
    Confirm(Request<'a>, Proof),
    /// A key that is not good, where keys are taken.
    InvalidKey(Request<'a>),
    Refuse(Failure),
}

/// Somebody who is let through, with the app's proof of that.
struct Known {
    visitor: Visitor,
    assertion: HeaderValue,
}

/// `GET /gateway/forward-auth`
pub async fn forward_auth(request: HttpRequest, gate: web::Data<Gate>) -> HttpResponse {
    layers::around_handler(&gate.app, &request, async |arrival| {
        let check = Check { gate: &gate, request: &request, arrival };
        let verdict = judge(&check, forward::read).await;
        with_question(how_asked(&request), forward::answer(&check, verdict))
    })
    .await
}

/// `GET /gateway/auth-request`
pub async fn auth_request(request: HttpRequest, gate: web::Data<Gate>) -> HttpResponse {
    layers::around_handler(&gate.app, &request, async |arrival| {
        let check = Check { gate: &gate, request: &request, arrival };
        let verdict = judge(&check, auth_request::read).await;
        with_question(how_asked(&request), auth_request::answer(&check, verdict))
    })
    .await
}

/// `/gateway/ext-authz/{path}`, with any method
pub async fn ext_authz(request: HttpRequest, gate: web::Data<Gate>) -> HttpResponse {
    layers::around_handler(&gate.app, &request, async |arrival| {
        let check = Check { gate: &gate, request: &request, arrival };
        let verdict = judge(&check, ext_authz::read).await;
        with_question(AS_IT_SHOULD, forward::answer(&check, verdict))
    })
    .await
}

/// A refusal says how the gate was asked, as far as `vestibule doctor` can see it.
fn with_question(how: &'static str, mut answer: HttpResponse) -> HttpResponse {
    if answer.status() != StatusCode::OK {
        answer.headers_mut().insert(QUESTION_NAME.clone(), HeaderValue::from_static(how));
    }
    answer
}

/// Envoy asks with the visitor's own address, query and all.
const AS_IT_SHOULD: &str = "asked";

/// Whatever other proxies add to our address was written by a visitor.
fn how_asked(request: &HttpRequest) -> &'static str {
    if request.query_string().is_empty() { AS_IT_SHOULD } else { "asked with a query" }
}

/// How a family tells of the request.
type Read = for<'a> fn(&'a HttpRequest, IpAddr) -> Result<Request<'a>, Malformed>;

async fn judge<'a>(check: &Check<'a>, read: Read) -> Verdict<'a> {
    match try_judge(check, read).await {
        Ok(verdict) => verdict,
        Err(failure) => Verdict::Refuse(failure),
    }
}

async fn try_judge<'a>(check: &Check<'a>, read: Read) -> Result<Verdict<'a>, Failure> {
    require_proxy(check.arrival)?;
    let asked = read(check.request, check.arrival.client).map_err(|malformed| not_understood(&malformed))?;
    // One and the same for the whole of a check.
    let compiled = check.gate.compiled();
    let rules = &compiled.rules;
    let found = visitor::find(check, &asked, rules).await;
    let now = check.gate.app.clock.now();
    let case = Case { asked: &asked, compiled: &compiled, at: now };
    let visitor = match found {
        Err(Failure::InvalidKey) => {
            let host = asked.host.as_ref().into();
            check.arrival.note(Decided { decision: "invalid_key", reason: "invalid_key", rule: -1, host });
            check.record_invalid_key(&case);
            return Ok(Verdict::InvalidKey(asked));
        }
        found => found?,
    };
    let subject = visitor.as_ref().map_or(Subject::Stranger, |visitor| visitor.subject(now));
    let is_nobody = matches!(subject, Subject::Leaving | Subject::Unprotected);
    let judgement = rules.judge(&asked, &subject, Rehearsal::No, now);
    let decided = Decided {
        decision: judgement.decision.as_str(),
        reason: judgement.decision.reason(),
        rule: judgement.number(),
        host: asked.host.as_ref().into(),
    };
    check.arrival.note(decided);
    check.record(&case, visitor.as_ref(), &subject, &judgement);
    if rules.has_shadows() {
        check.rehearse(&asked, &judgement, &rules.judge(&asked, &subject, Rehearsal::Yes, now));
    }
    Ok(match judgement.decision {
        // Who leaves is nobody to apps, where nobody need be known; nor is who lacks what makes sure that it is them.
        Decision::Allow => Verdict::Allow(introduce(check, &asked, visitor.filter(|_| !is_nobody)).await?),
        Decision::SignIn if hand_over::is_unrouted(&check.gate.app, &asked) => Verdict::Refuse(hand_over::unrouted()),
        Decision::SignIn => Verdict::SignIn(asked),
        Decision::Confirm(proof) => {
            check.gate.app.db.meters().challenged("gate");
            Verdict::Confirm(asked, proof)
        }
        Decision::Deny(reason) => Verdict::Refuse(denied(&check.gate.app, reason)),
    })
}

async fn introduce(check: &Check<'_>, asked: &Request<'_>, visitor: Option<Visitor>) -> Result<Option<Known>, Failure> {
    let Some(visitor) = visitor else { return Ok(None) };
    let assertion = assertion::find(check, asked, &visitor).await?;
    Ok(Some(Known { visitor, assertion }))
}

fn require_proxy(arrival: &Arrival) -> Result<(), Failure> {
    if arrival.is_proxy {
        return Ok(());
    }
    log::warn!(peer:% = arrival.peer; "{} asks the gate and is not in server.trusted_proxies", arrival.peer);
    Err(Failure::Forbidden(NOT_A_PROXY.to_owned()))
}

fn denied(app: &App, reason: Reason) -> Failure {
    match reason {
        Reason::Forbidden => Failure::Forbidden("This place is closed to you.".to_owned()),
        Reason::Leaving => Failure::Leaving,
        Reason::Unprotected => enrollment::missing(app),
        Reason::Unverified => Failure::EmailUnverified,
        Reason::Ambiguous => not_understood(&Malformed("the path can be read in more ways than one")),
    }
}

fn not_understood(malformed: &Malformed) -> Failure {
    log::info!("the gate did not understand a forwarded request: {malformed}");
    Failure::InvalidRequest(format!("The gate did not understand where this was to go: {malformed}."))
}
