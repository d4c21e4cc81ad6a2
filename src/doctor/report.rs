//! What was looked at, and what came of it.

use super::finding::Finding;
use super::proxy::Proxy;

/// What can be looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    Reach,
    Certificate,
    Clocks,
    Portal,
    GateHidden,
    ForwardedFor,
    TrustedProxies,
    Failure,
    Mail,
    Direct,
    Door,
    WayToSignIn,
    Cookie,
    SignOn,
    VisitorsWord,
    Names,
    Query,
    WebsocketOfStrangers,
    BodiesOfStrangers,
    Session,
    Identity,
    Connection,
    Surroundings,
    GateCookie,
    Websocket,
    Bodies,
}

impl Check {
    /// The stable word, for scripts and for docs/doctor.md.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::Certificate => "certificate",
            Self::Clocks => "clocks",
            Self::Portal => "portal",
            Self::GateHidden => "gate_hidden",
            Self::ForwardedFor => "forwarded_for",
            Self::TrustedProxies => "trusted_proxies",
            Self::Failure => "failure",
            Self::Mail => "mail",
            Self::Direct => "direct",
            Self::Door => "door",
            Self::WayToSignIn => "way_to_sign_in",
            Self::Cookie => "cookie",
            Self::SignOn => "sign_on",
            Self::VisitorsWord => "visitors_word",
            Self::Names => "names",
            Self::Query => "query",
            Self::WebsocketOfStrangers => "websocket_of_strangers",
            Self::BodiesOfStrangers => "bodies_of_strangers",
            Self::Session => "session",
            Self::Identity => "identity",
            Self::Connection => "connection",
            Self::Surroundings => "surroundings",
            Self::GateCookie => "gate_cookie",
            Self::Websocket => "websocket",
            Self::Bodies => "bodies",
        }
    }

    /// What is asked, for people.
    pub fn question(self) -> &'static str {
        match self {
            Self::Reach => "Does it answer?",
            Self::Certificate => "Is the certificate good?",
            Self::Clocks => "Is the clock right?",
            Self::Portal => "Is the sign-in page where people are sent?",
            Self::GateHidden => "Is the gate hidden from people?",
            Self::ForwardedFor => "Is a visitor's own X-Forwarded-For ignored?",
            Self::TrustedProxies => "Are only proxies trusted as proxies?",
            Self::Failure => "Does everything stay shut when the gate fails?",
            Self::Mail => "Does the mail server answer?",
            Self::Direct => "Is the app out of reach but for the proxy?",
            Self::Door => "Are strangers stopped as the rules say?",
            Self::WayToSignIn => "Are they led to sign in, and back?",
            Self::Cookie => "Does the gate's cookie reach this host?",
            Self::SignOn => "Does /.vestibule/ lead to the sign-in page, past the gate?",
            Self::VisitorsWord => "Does a visitor's word about his request count for nothing?",
            Self::Names => "Is a request judged as the app that serves it?",
            Self::Query => "Does the visitor's query stay out of the gate's question?",
            Self::WebsocketOfStrangers => "Is a stranger's websocket refused plainly?",
            Self::BodiesOfStrangers => "Is a stranger's form led to sign in?",
            Self::Session => "Is a session let through?",
            Self::Identity => "Is the app told who it is, by the gate alone?",
            Self::Connection => "Does a Connection header take nothing of that away?",
            Self::Surroundings => "Is the app told where a request came from by the proxy alone?",
            Self::GateCookie => "Is the gate's cookie kept from the app?",
            Self::Websocket => "Are websockets let through?",
            Self::Bodies => "Do bodies arrive whole?",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    Fine,
    /// At least one.
    Found(Vec<Finding>),
    /// Why not, as the end of a sentence that begins with "not checked:".
    NotChecked(String),
}

impl Outcome {
    pub(super) fn of(findings: Vec<Finding>) -> Self {
        if findings.is_empty() { Self::Fine } else { Self::Found(findings) }
    }

    pub(super) fn of_one(finding: Option<Finding>) -> Self {
        Self::of(finding.into_iter().collect())
    }

    pub(super) fn not_checked(why: impl Into<String>) -> Self {
        Self::NotChecked(why.into())
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    pub check: Check,
    pub outcome: Outcome,
}

/// Everything about one URL, or about the service itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Examined {
    pub place: String,
    pub proxy: Proxy,
    pub checks: Vec<Checked>,
}

impl Examined {
    pub(super) fn new(place: impl Into<String>) -> Self {
        Self { place: place.into(), proxy: Proxy::Unknown, checks: Vec::new() }
    }

    pub(super) fn note(&mut self, check: Check, outcome: Outcome) {
        self.checks.push(Checked { check, outcome });
    }

    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.checks.iter().flat_map(|checked| match &checked.outcome {
            Outcome::Found(findings) => findings.as_slice(),
            Outcome::Fine | Outcome::NotChecked(_) => &[],
        })
    }
}
