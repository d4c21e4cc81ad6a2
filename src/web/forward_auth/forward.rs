//! Traefik, Caddy, HAProxy: they tell of the request in parts, and pass an answer that refuses on whole.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse};

use super::{Check, Verdict, answer, family, step_up};
use crate::gateway::forwarded::Parts;
use crate::gateway::{Malformed, Request};

static METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
pub(super) static SCHEME: HeaderName = HeaderName::from_static("x-forwarded-proto");
static AUTHORITY: HeaderName = HeaderName::from_static("x-forwarded-host");
static TARGET: HeaderName = HeaderName::from_static("x-forwarded-uri");

pub(super) fn read(request: &HttpRequest, client: IpAddr) -> Result<Request<'_>, Malformed> {
    let headers = request.headers();
    let parts = Parts {
        method: family::one(headers, &METHOD)?,
        scheme: family::one(headers, &SCHEME)?,
        authority: family::one(headers, &AUTHORITY)?,
        target: family::one(headers, &TARGET)?,
    };
    Request::from_parts(parts, client)
}

pub(super) fn answer(check: &Check<'_>, verdict: Verdict<'_>) -> HttpResponse {
    match verdict {
        Verdict::Allow(known) => answer::allow(known.as_ref()),
        Verdict::SignIn(asked) if answer::is_navigation(check.request.headers()) => {
            answer::lead_to_sign_in(check, &asked, redirect_for(asked.method))
        }
        Verdict::SignIn(asked) => answer::unauthenticated(check, &asked),
        Verdict::Confirm(asked, wanted) => step_up::answer(check, &asked, wanted, redirect_for(asked.method)),
        Verdict::InvalidKey(asked) => answer::invalid_key(check, &asked),
        Verdict::Refuse(failure) => answer::refuse(check, &failure),
    }
}

/// A 302 may be repeated with the same method; after anything but a fetch the sign-in page is to be fetched.
fn redirect_for(method: &str) -> StatusCode {
    if answer::is_fetch(method) { StatusCode::FOUND } else { StatusCode::SEE_OTHER }
}
