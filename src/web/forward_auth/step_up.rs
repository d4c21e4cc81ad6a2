//! Somebody whom a rule asks to prove once more, or in another way, that it is them.
//!
//! A person who is looking is led to the portal's page for it. Everything else gets the challenge of RFC 9470, which for
//! nginx has to say all there is to say, because nothing else of an answer goes through it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use serde_json::json;

use super::{Check, answer};
use crate::gateway::{Proof, Request, Wanted};

const DETAIL: &str = "This app asks you to confirm that it is you.";

/// 302 or 303 to the page where they confirm.
pub(super) fn lead_to_confirm(check: &Check<'_>, asked: &Request<'_>, status: StatusCode) -> HttpResponse {
    answer::lead_to(check.gate.confirm.location(check, asked), status)
}

/// 401 with `WWW-Authenticate` and a problem document.
pub(super) fn challenge(check: &Check<'_>, asked: &Request<'_>, wanted: Proof) -> HttpResponse {
    let location = check.gate.confirm.location(check, asked);
    let url = location.as_ref().and_then(|location| location.to_str().ok()).unwrap_or_default();
    let problem = json!({
        "type": "urn:vestibule:problem:reauth_required",
        "title": "Confirm that it is you",
        "status": StatusCode::UNAUTHORIZED.as_u16(),
        "detail": DETAIL,
        "code": "reauth_required",
        "error": DETAIL,
        "request_id": check.arrival.id.as_str(),
        "max_age": wanted.max_age.map(|age| age.num_seconds()),
        "factor": word(wanted.factor),
        "confirm_url": url,
    });
    let mut response = HttpResponse::build(StatusCode::UNAUTHORIZED)
        .insert_header((header::CONTENT_TYPE, "application/problem+json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(problem.to_string());
    if let Ok(challenge) = HeaderValue::try_from(bearer_challenge(wanted, url)) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// RFC 9470, section 3; `acr_values` names what of ours is wanted, and `confirm_url` where people do it.
fn bearer_challenge(wanted: Proof, url: &str) -> String {
    let max_age = wanted.max_age.map(|age| format!(", max_age=\"{}\"", age.num_seconds())).unwrap_or_default();
    let factor = word(wanted.factor).map(|word| format!(", acr_values=\"{word}\"")).unwrap_or_default();
    format!("Bearer error=\"insufficient_user_authentication\"{max_age}{factor}, confirm_url=\"{url}\"")
}

/// As the operator's rules have it.
fn word(wanted: Wanted) -> Option<&'static str> {
    match wanted {
        Wanted::Anything => None,
        Wanted::SecondFactor => Some("two_factor"),
        Wanted::Passkey => Some("passkey"),
    }
}

/// A page for whoever is looking, the challenge for everything else.
pub(super) fn answer(check: &Check<'_>, asked: &Request<'_>, wanted: Proof, status: StatusCode) -> HttpResponse {
    if answer::is_navigation(check.request.headers()) {
        lead_to_confirm(check, asked, status)
    } else {
        challenge(check, asked, wanted)
    }
}

/// For nginx, whose configuration decides who is led to the page.
pub(super) fn answer_with_location(check: &Check<'_>, asked: &Request<'_>, wanted: Proof) -> HttpResponse {
    let mut challenged = challenge(check, asked, wanted);
    if let Some(location) = check.gate.confirm.location(check, asked) {
        challenged.headers_mut().insert(header::LOCATION, location);
    }
    challenged
}
