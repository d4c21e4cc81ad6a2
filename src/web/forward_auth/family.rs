//! Reading headers that a proxy sets once.

use actix_web::http::header::{HeaderMap, HeaderName};

use crate::gateway::Malformed;

/// The one value of a header, empty when it is missing. Two lines of it mean that the visitor wrote one of them.
pub(super) fn one<'a>(headers: &'a HeaderMap, name: &'static HeaderName) -> Result<&'a [u8], Malformed> {
    let mut lines = headers.get_all(name);
    let first = lines.next().map_or(&b""[..], |value| value.as_bytes());
    if lines.next().is_some() { Err(Malformed("a header stands there twice")) } else { Ok(first) }
}
