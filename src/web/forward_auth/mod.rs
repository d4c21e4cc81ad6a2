//! The door that proxies knock at: may this visitor's request go on to the app?
//!
//! One address for each family of proxies, because they do different things with one and the same answer. Each
//! family reads its own headers and no others (whatever else arrives was written by the visitor), nothing is read
//! from the query or the body, and a peer that is not a trusted proxy is not answered at all. The portal's cookie
//! is worth nothing here, and the gate's is worth nothing anywhere else.
//!
//! This is the hot path, so it stands outside of all layers and has a lean one of its own.

mod answer;
mod auth_request;
mod family;
mod forward;
mod gate_cookies;

use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};

use super::failure::Failure;
use super::layers::{self, Arrival};
use crate::app::App;
use crate::gateway::{Decision, Identity, Malformed, Reason, Request, Rules, Subject, decide};
use crate::sessions::{self, Known};

/// The sessions that a node remembers for its gate, each with who its holder is to apps.
pub type LiveSessions = sessions::LiveSessions<Identity>;

/// What all workers share: the rules, worked out once, and the sessions this node remembers.
pub struct Gate {
    rules: Rules,
    live: LiveSessions,
}

impl Gate {
    pub fn new(app: &App, live: LiveSessions) -> Self {
        Self { rules: Rules::compile(&app.settings.gateway), live }
    }
}

/// One question of a proxy.
struct Check<'a> {
    app: &'a App,
    request: &'a HttpRequest,
    arrival: &'a Arrival,
}

/// What it comes to. The dialects say it in their proxies' words.
enum Verdict<'a> {
    Allow(Identity),
    SignIn(Request<'a>),
    Refuse(Failure),
}

/// `GET /gateway/forward-auth`
pub async fn forward_auth(request: HttpRequest, app: web::Data<App>, gate: web::Data<Gate>) -> HttpResponse {
    layers::around_handler(&app, &request, async |arrival| {
        let check = Check { app: &app, request: &request, arrival };
        let verdict = judge(&check, &gate, forward::read).await;
        forward::answer(&check, verdict)
    })
    .await
}

/// `GET /gateway/auth-request`
pub async fn auth_request(request: HttpRequest, app: web::Data<App>, gate: web::Data<Gate>) -> HttpResponse {
    layers::around_handler(&app, &request, async |arrival| {
        let check = Check { app: &app, request: &request, arrival };
        let verdict = judge(&check, &gate, auth_request::read).await;
        auth_request::answer(&check, verdict)
    })
    .await
}

/// How a family tells of the request.
type Read = for<'a> fn(&'a HeaderMap, std::net::IpAddr) -> Result<Request<'a>, Malformed>;

async fn judge<'a>(check: &Check<'a>, gate: &Gate, read: Read) -> Verdict<'a> {
    match try_judge(check, gate, read).await {
        Ok(verdict) => verdict,
        Err(failure) => Verdict::Refuse(failure),
    }
}

async fn try_judge<'a>(check: &Check<'a>, gate: &Gate, read: Read) -> Result<Verdict<'a>, Failure> {
    require_proxy(check.arrival)?;
    let headers = check.request.headers();
    let asked = read(headers, check.arrival.client).map_err(|malformed| not_understood(&malformed))?;
    let known = find_live(check.app, gate, headers).await?;
    let subject = Subject::of(known.as_ref().map(|known| &known.live));
    Ok(match decide(&gate.rules, &asked, subject) {
        Decision::Allow => Verdict::Allow(known.map_or_else(Identity::nobody, |known| known.kept.clone())),
        Decision::SignIn => Verdict::SignIn(asked),
        Decision::Deny(reason) => Verdict::Refuse(denied(reason)),
    })
}

fn require_proxy(arrival: &Arrival) -> Result<(), Failure> {
    if arrival.is_proxy {
        return Ok(());
    }
    log::warn!(peer:% = arrival.peer; "{} asks the gate and is not in server.trusted_proxies", arrival.peer);
    Err(Failure::Forbidden("Only a proxy that this service trusts may ask.".to_owned()))
}

/// A sibling host can toss in cookies of the same name, so the first that is good counts.
async fn find_live(app: &App, gate: &Gate, headers: &HeaderMap) -> Result<Option<Arc<Known<Identity>>>, Failure> {
    for token in gate_cookies::tokens(app, headers) {
        if let Some(known) = gate.live.find(app, token.digest(), Identity::of).await? {
            return Ok(Some(known));
        }
    }
    Ok(None)
}

fn denied(reason: Reason) -> Failure {
    match reason {
        Reason::Forbidden => Failure::Forbidden("This place is closed to you.".to_owned()),
        Reason::Unverified => Failure::EmailUnverified,
        Reason::Ambiguous => not_understood(&Malformed("the path can be read in more ways than one")),
    }
}

fn not_understood(malformed: &Malformed) -> Failure {
    log::info!("the gate did not understand a forwarded request: {malformed}");
    Failure::InvalidRequest(format!("The gate did not understand where this was to go: {malformed}."))
}
