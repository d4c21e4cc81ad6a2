//! Envoy: it asks with the visitor's own request, under a prefix of ours, and takes nothing but a 200 for a yes. An
//! answer that refuses is passed on whole, as [`super::forward`] gives it.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};
use actix_web::http::uri::PathAndQuery;

use super::family;
use crate::gateway::forwarded::Parts;
use crate::gateway::{Malformed, Request};

/// What Envoy's `path_prefix` holds.
const PREFIX: &str = "/gateway/ext-authz";

/// To nginx, Caddy and Apache httpd `/gateway/ext-authz/../../x` is `/x`, which they would pass on as it is written: a
/// visitor's own question, asked in Envoy's place.
const STEPS_OUT_OF_PREFIX: usize = 2;

static SCHEME: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The address is taken as it came, byte by byte: what the framework matched it by is decoded.
pub(super) fn read(request: &HttpRequest, client: IpAddr) -> Result<Request<'_>, Malformed> {
    let (headers, address) = (request.headers(), request.uri());
    if address.authority().is_some() {
        return Err(Malformed("the question names its host twice"));
    }
    let address = address.path_and_query().map(PathAndQuery::as_str).unwrap_or_default();
    let parts = Parts {
        method: request.method().as_str().as_bytes(),
        scheme: family::one(headers, &SCHEME)?,
        authority: family::one(headers, &header::HOST)?,
        target: address.strip_prefix(PREFIX).ok_or(Malformed("the question has another prefix"))?.as_bytes(),
    };
    let asked = Request::from_parts(parts, client)?;
    if asked.steps_above_root() >= STEPS_OUT_OF_PREFIX {
        return Err(Malformed("the path leads out of its root"));
    }
    Ok(asked)
}
