//! The door that proxies knock at: may this visitor's request go on to the app?
//!
//! One address for each family of proxies, because they do different things with one and the same answer. Each
//! family reads its own headers and no others (whatever else arrives was written by the visitor), nothing is read
//! from the query or the body, and a peer that is not a trusted proxy is not answered at all. The portal's cookie
//! is worth nothing here, and the gate's is worth nothing anywhere else.
//!
//! This stands outside of the sessions' middleware: it is the hot path.

mod answer;
mod auth_request;
mod family;
mod forward;
mod gate_cookies;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};

use super::failure::Failure;
use super::layers::Caller;
use crate::app::App;
use crate::gateway::{Decision, Identity, Malformed, Reason, Request, Rules, Subject, decide};
use crate::sessions::{self, Live};

/// The rules, worked out once for all workers.
pub struct Gate {
    rules: Rules,
}

impl Gate {
    pub fn new(app: &App) -> Self {
        Self { rules: Rules::compile(&app.settings.gateway) }
    }
}

/// What a request comes to. The dialects say it in their proxies' words.
enum Verdict {
    Allow(Identity),
    SignIn(Box<Request>),
    Refuse(Failure),
}

/// `GET /gateway/forward-auth`
pub async fn forward_auth(request: HttpRequest, app: web::Data<App>, gate: web::Data<Gate>) -> HttpResponse {
    let verdict = judge(&request, &app, &gate, forward::read).await;
    forward::answer(&app, &request, verdict)
}

/// `GET /gateway/auth-request`
pub async fn auth_request(request: HttpRequest, app: web::Data<App>, gate: web::Data<Gate>) -> HttpResponse {
    let verdict = judge(&request, &app, &gate, auth_request::read).await;
    auth_request::answer(&app, &request, verdict)
}

/// How a family tells of the request.
type Read = fn(&HeaderMap, std::net::IpAddr) -> Result<Request, Malformed>;

async fn judge(request: &HttpRequest, app: &App, gate: &Gate, read: Read) -> Verdict {
    match try_judge(request, app, gate, read).await {
        Ok(verdict) => verdict,
        Err(failure) => Verdict::Refuse(failure),
    }
}

async fn try_judge(request: &HttpRequest, app: &App, gate: &Gate, read: Read) -> Result<Verdict, Failure> {
    let client = require_proxy(request)?;
    let asked = read(request.headers(), client).map_err(|malformed| not_understood(&malformed))?;
    let live = find_live(app, request.headers()).await?;
    Ok(match decide(&gate.rules, &asked, Subject::of(live.as_ref())) {
        Decision::Allow => Verdict::Allow(live.as_ref().map_or_else(Identity::nobody, Identity::of)),
        Decision::SignIn => Verdict::SignIn(Box::new(asked)),
        Decision::Deny(reason) => Verdict::Refuse(denied(reason)),
    })
}

/// The visitor's address, as far as trusted proxies know it.
fn require_proxy(request: &HttpRequest) -> Result<std::net::IpAddr, Failure> {
    let extensions = request.extensions();
    let caller = extensions.get::<Caller>().ok_or_else(|| Failure::internal("a request without its outer layer"))?;
    if caller.is_proxy {
        return Ok(caller.origin.address.unwrap_or(caller.peer));
    }
    log::warn!(peer:% = caller.peer; "{} asks the gate and is not in server.trusted_proxies", caller.peer);
    Err(Failure::Forbidden("Only a proxy that this service trusts may ask.".to_owned()))
}

/// A sibling host can toss in cookies of the same name, so the first that is good counts.
async fn find_live(app: &App, headers: &HeaderMap) -> Result<Option<Live>, Failure> {
    for token in gate_cookies::tokens(app, headers) {
        if let Some(live) = sessions::find_by_gate_token(app, &token).await? {
            return Ok(Some(live));
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
