//! Traefik, Caddy, HAProxy: they tell of the request in parts, and pass an answer that refuses on whole.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse};

use super::{Verdict, answer, family};
use crate::app::App;
use crate::gateway::forwarded::Parts;
use crate::gateway::{Malformed, Request};

pub(super) fn read(headers: &HeaderMap, client: IpAddr) -> Result<Request, Malformed> {
    let parts = Parts {
        method: family::one(headers, "x-forwarded-method")?,
        scheme: family::one(headers, "x-forwarded-proto")?,
        authority: family::one(headers, "x-forwarded-host")?,
        target: family::one(headers, "x-forwarded-uri")?,
    };
    Request::from_parts(parts, client)
}

pub(super) fn answer(app: &App, request: &HttpRequest, verdict: Verdict) -> HttpResponse {
    match verdict {
        Verdict::Allow(identity) => answer::allow(&identity),
        Verdict::SignIn(asked) if answer::is_navigation(request.headers()) => {
            answer::lead_to_sign_in(app, &asked, redirect_for(&asked.method))
        }
        Verdict::SignIn(_) => answer::unauthenticated(request),
        Verdict::Refuse(failure) => answer::refuse(app, request, &failure),
    }
}

/// A 302 may be repeated with the same method; after anything but a fetch the sign-in page is to be fetched.
fn redirect_for(method: &str) -> StatusCode {
    match method {
        "GET" | "HEAD" => StatusCode::FOUND,
        _ => StatusCode::SEE_OTHER,
    }
}
