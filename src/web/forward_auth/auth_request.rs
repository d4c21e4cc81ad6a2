//! nginx: it tells of the request as one URL, and understands 2xx, 401 and 403. Whatever else it is told, it
//! answers 500: rightly so when we cannot know, and no way to speak of a visitor's malformed request.

use std::net::IpAddr;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderName};

use super::{Check, Verdict, answer, family};
use crate::gateway::{Malformed, Request};
use crate::web::failure::Failure;

const METHOD: HeaderName = HeaderName::from_static("x-original-method");
const URL: HeaderName = HeaderName::from_static("x-original-url");

pub(super) fn read(headers: &HeaderMap, client: IpAddr) -> Result<Request<'_>, Malformed> {
    Request::from_url(family::one(headers, METHOD)?, family::one(headers, URL)?, client)
}

pub(super) fn answer(check: &Check<'_>, verdict: Verdict<'_>) -> HttpResponse {
    match verdict {
        Verdict::Allow(identity) => answer::allow(&identity),
        Verdict::SignIn(asked) => {
            let mut refused = answer::unauthenticated(check);
            // nginx's configuration decides who is led there.
            if let Some(location) = answer::sign_in_location(check.app, &asked) {
                refused.headers_mut().insert(header::LOCATION, location);
            }
            refused
        }
        Verdict::Refuse(Failure::InvalidRequest(why)) => answer::refuse(check, &Failure::Forbidden(why)),
        Verdict::Refuse(failure) => answer::refuse(check, &failure),
    }
}
