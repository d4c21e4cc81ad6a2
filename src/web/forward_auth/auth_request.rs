//! nginx: it tells of the request as one URL, and understands 2xx, 401 and 403. Whatever else it is told, it
//! answers 500: rightly so when we cannot know, and no way to speak of a visitor's malformed request.

use std::net::IpAddr;

use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse};

use super::{Verdict, answer, family};
use crate::app::App;
use crate::gateway::{Malformed, Request};
use crate::web::failure::Failure;

pub(super) fn read(headers: &HeaderMap, client: IpAddr) -> Result<Request, Malformed> {
    let method = family::one(headers, "x-original-method")?;
    Request::from_url(method, family::one(headers, "x-original-url")?, client)
}

pub(super) fn answer(app: &App, request: &HttpRequest, verdict: Verdict) -> HttpResponse {
    match verdict {
        Verdict::Allow(identity) => answer::allow(&identity),
        Verdict::SignIn(asked) => {
            let mut refused = answer::unauthenticated(request);
            // nginx's configuration decides who is led there.
            if let Some(location) = answer::sign_in_location(app, &asked) {
                refused.headers_mut().insert(header::LOCATION, location);
            }
            refused
        }
        Verdict::Refuse(Failure::InvalidRequest(why)) => answer::refuse(app, request, &Failure::Forbidden(why)),
        Verdict::Refuse(failure) => answer::refuse(app, request, &failure),
    }
}
