//! API keys, as programs send them: `Authorization: Bearer vst_…` (RFC 6750, section 2.1), and never in an address.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, web};

use super::failure::Failure;
use super::layers::Caller;
use crate::api_keys::{self, Program, Shown, Uses};
use crate::app::App;

/// What stands in the `Authorization` header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bearer<'a> {
    /// Nothing, or something of another scheme.
    Missing,
    Token(&'a [u8]),
    /// One of several: nobody can tell which of them counts.
    Ambiguous,
}

pub fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    let mut lines = headers.get_all(header::AUTHORIZATION).map(|value| token(value.as_bytes()));
    match (lines.next().flatten(), lines.next()) {
        (Some(token), None) => Bearer::Token(token),
        (Some(_), Some(_)) | (None, Some(Some(_))) => Bearer::Ambiguous,
        (None, Some(None) | None) if lines.any(|token| token.is_some()) => Bearer::Ambiguous,
        (None, Some(None) | None) => Bearer::Missing,
    }
}

/// The scheme is the same in any case (RFC 9110, section 11.1).
fn token(line: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = line.split_at_checked(b"bearer".len())?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer") && rest.first().is_none_or(|byte| *byte == b' ');
    is_bearer.then(|| rest.trim_ascii())
}

/// A request that comes with a token is its key's and nobody else's: cookies beside it are not looked at, so that a wrong
/// key is never made good by a session. What the key opens is for [`super::who`] to say.
pub async fn instead_of_cookies(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let program = match bearer(request.headers()) {
        Bearer::Missing => return Ok(next.call(request).await?.map_into_boxed_body()),
        Bearer::Ambiguous => Err(Failure::InvalidKey),
        Bearer::Token(token) => authenticate(request.request(), token).await,
    };
    match program {
        Ok(program) => request.extensions_mut().insert(program),
        Err(failure) => return Ok(request.error_response(failure)),
    };
    request.headers_mut().remove(header::COOKIE);
    Ok(next.call(request).await?.map_into_boxed_body())
}

async fn authenticate(request: &HttpRequest, token: &[u8]) -> Result<Program, Failure> {
    let app = request.app_data::<web::Data<App>>().ok_or(Failure::Internal)?;
    let shown = Shown::parse(&app.sealer, token).ok_or(Failure::InvalidKey)?;
    let program = api_keys::authenticate(app, shown).await?.ok_or(Failure::InvalidKey)?;
    let address = request.extensions().get::<Caller>().and_then(|caller| caller.origin.address);
    if let (Some(uses), Some(address)) = (request.app_data::<web::Data<Uses>>(), address) {
        uses.note(app, &program, address);
    }
    Ok(program)
}

/// The program that this request comes from, if it is one.
pub fn program(request: &HttpRequest) -> Option<Program> {
    request.extensions().get::<Program>().cloned()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(lines: &[&'static str]) -> Option<Vec<u8>> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(line));
        }
        match bearer(&headers) {
            Bearer::Missing => None,
            Bearer::Token(token) => Some(token.to_vec()),
            Bearer::Ambiguous => Some(b"ambiguous".to_vec()),
        }
    }

    #[test]
    fn the_one_token_is_found_and_other_schemes_are_left_alone() {
        for line in ["Bearer x", "bearer x", "BEARER   x ", "Bearer x"] {
            assert_eq!(read(&[line]).as_deref(), Some(&b"x"[..]), "{line}");
        }
        assert_eq!(read(&["Bearer"]).as_deref(), Some(&b""[..]));
        assert_eq!(read(&["Bearer x y"]).as_deref(), Some(&b"x y"[..]));
        for lines in [&[][..], &["Basic eDp5"], &["Bearerx"], &["Bear"], &[""], &["Basic x", "Digest y"]] {
            assert_eq!(read(lines), None, "{lines:?}");
        }
        for lines in [
            &["Bearer x", "Bearer x"][..],
            &["Basic x", "Bearer y"],
            &["Bearer y", "Basic x"],
            &["Basic x", "Basic y", "Bearer z"],
        ] {
            assert_eq!(read(lines).as_deref(), Some(&b"ambiguous"[..]), "{lines:?}");
        }
    }
}
