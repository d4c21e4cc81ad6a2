//! nginx: it tells of the request as one URL, and understands 2xx, 401 and 403. Whatever else it is told, it
//! answers 500: rightly so when we cannot know, and no way to speak of a visitor's malformed request.

use std::net::IpAddr;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::{Check, Verdict, answer, family, step_up};
use crate::gateway::{Malformed, Request};
use crate::web::enrollment;
use crate::web::failure::Failure;

static METHOD: HeaderName = HeaderName::from_static("x-original-method");
static URL: HeaderName = HeaderName::from_static("x-original-url");

pub(super) fn read(request: &HttpRequest, client: IpAddr) -> Result<Request<'_>, Malformed> {
    let headers = request.headers();
    Request::from_url(family::one(headers, &METHOD)?, family::one(headers, &URL)?, client)
}

pub(super) fn answer(check: &Check<'_>, verdict: Verdict<'_>) -> HttpResponse {
    match verdict {
        Verdict::Allow(known) => answer::allow(known.as_ref()),
        Verdict::SignIn(asked) => with_location(check, &asked, answer::unauthenticated(check, &asked)),
        Verdict::Confirm(asked, wanted) => step_up::answer_with_location(check, &asked, wanted),
        Verdict::InvalidKey(asked) => with_location(check, &asked, answer::invalid_key(check, &asked)),
        Verdict::Refuse(Failure::InvalidRequest(why)) => answer::refuse(check, &Failure::Forbidden(why)),
        // Its page is nginx's own, so the way on has to stand in a header: nginx's configuration decides who is led there.
        Verdict::Refuse(failure @ Failure::MfaEnrollmentRequired(_)) => {
            let mut refused = answer::refuse(check, &failure);
            if let Ok(page) = HeaderValue::try_from(enrollment::page(&check.gate.app)) {
                refused.headers_mut().insert(header::LOCATION, page);
            }
            refused
        }
        Verdict::Refuse(failure) => answer::refuse(check, &failure),
    }
}

/// nginx's configuration decides who is led there.
fn with_location(check: &Check<'_>, asked: &Request<'_>, mut refused: HttpResponse) -> HttpResponse {
    if let Some(location) = answer::way_to_sign_in(check, asked) {
        refused.headers_mut().insert(header::LOCATION, location);
    }
    refused
}
