//! Requests that change something must come from our own pages.
//!
//! Two independent checks. [`same_origin`] looks at every such request that carries a cookie: its `Origin` must be
//! ours (a sibling host of the same site is a stranger), or, where a browser hides the origin (`no-referrer`
//! pages), its `Sec-Fetch-Site` must say `same-origin`. [`Checked`] forms carry a token besides: bound to the
//! session, or before sign-in to a signed cookie of this host (OWASP, "Signed Double-Submit Cookie").

use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::Cookie;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use super::body;
use super::cookies::{self, Kind};
use super::failure::Failure;
use super::saml;
use super::session_store;
use crate::app::App;
use crate::kernel::DeviceId;
use crate::kernel::return_to::is_loopback;
use crate::kernel::secrets::random_bytes;

const COOKIE_PURPOSE: &str = "csrf cookie";
const FORM_PURPOSE: &str = "csrf form";

/// Refuses a change that was not asked for by one of our own pages.
pub async fn same_origin(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let is_change = !request.method().is_safe();
    let has_cookie = request.headers().contains_key(header::COOKIE);
    // What a provider has a browser post is from its page, and proves by itself that it is in its place.
    let is_ours = saml::takes_answers(request.path()) || is_ours(&request);
    if is_change && has_cookie && !is_ours {
        return Ok(request.error_response(Failure::Csrf));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

fn is_ours(request: &ServiceRequest) -> bool {
    let Some(app) = request.app_data::<web::Data<App>>() else { return false };
    let ours = app.settings.server.public_url.origin().ascii_serialization();
    let headers = request.headers();
    if !headers.contains_key(header::ORIGIN) || one(headers, &header::ORIGIN) == Some("null") {
        return one(headers, &header::HeaderName::from_static("sec-fetch-site")) == Some("same-origin");
    }
    one(headers, &header::ORIGIN) == Some(ours.as_str())
}

/// Whether the page of another site, or of a sibling host, has led the browser here, or shows what is here. Programs, and
/// whoever types an address, say nothing of that kind.
pub fn is_led_from_elsewhere(request: &HttpRequest) -> bool {
    let said = header::HeaderName::from_static("sec-fetch-site");
    let headers = request.headers();
    headers.contains_key(&said) && !matches!(one(headers, &said), Some("same-origin" | "none"))
}

/// The value of a header that stands there exactly once.
fn one<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// The token for the forms of one page, and the cookie it is checked against where the browser has none yet.
pub struct FormToken {
    pub text: String,
    pub cookie: Option<Cookie<'static>>,
}

/// Marks the request of a page whose form ends the session it was opened in.
#[derive(Clone, Copy)]
struct EndsSession;

/// The form of this page ends the session. Pressed twice, or in two tabs, it is ours all the same and may say what
/// has become of it: so its token is bound to the cookie of before sign-in.
pub fn ends_session(request: &HttpRequest) {
    request.extensions_mut().insert(EndsSession);
}

/// The token to put into the forms of a page.
pub fn form_token(app: &App, request: &HttpRequest) -> FormToken {
    let outlives_session = request.extensions().contains::<EndsSession>();
    if let Ok(Some(live)) = session_store::live(request)
        && !outlives_session
    {
        return FormToken { text: sign(app, &session_binding(live.device)), cookie: None };
    }
    if let Some(nonce) = nonce_of(app, request) {
        return FormToken { text: sign(app, &nonce), cookie: None };
    }
    let nonce: [u8; 16] = random_bytes();
    let value = URL_SAFE_NO_PAD.encode([nonce.as_slice(), &app.sealer.sign(COOKIE_PURPOSE, &nonce)].concat());
    FormToken { text: sign(app, &nonce), cookie: Some(cookies::for_this_host(app, Kind::Csrf, value, None)) }
}

/// A form opened before sign-in and sent after it is still one of ours, so either binding will do.
fn is_valid(app: &App, request: &HttpRequest, token: &str) -> bool {
    let Ok(signature) = URL_SAFE_NO_PAD.decode(token) else { return false };
    let session = session_store::live(request).ok().flatten().map(|live| session_binding(live.device));
    let nonce = nonce_of(app, request);
    session.into_iter().chain(nonce).any(|binding| app.sealer.is_signed(FORM_PURPOSE, &binding, &signature))
}

fn sign(app: &App, binding: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(app.sealer.sign(FORM_PURPOSE, binding))
}

/// What stays when the session's id changes: a form that is open meanwhile is still one of ours.
fn session_binding(id: DeviceId) -> Vec<u8> {
    id.as_uuid().as_bytes().to_vec()
}

/// The nonce of this browser's cookie, if we signed it.
fn nonce_of(app: &App, request: &HttpRequest) -> Option<Vec<u8>> {
    let cookie = request.cookie(cookies::name(app, Kind::Csrf))?;
    let bytes = URL_SAFE_NO_PAD.decode(cookie.value()).ok()?;
    let (nonce, signature) = bytes.split_at_checked(16)?;
    app.sealer.is_signed(COOKIE_PURPOSE, nonce, signature).then(|| nonce.to_vec())
}

/// A form that came from one of our own pages.
pub struct Checked<T>(pub T);

#[derive(serde::Deserialize)]
struct WithToken<T> {
    #[serde(default)]
    csrf: String,
    #[serde(flatten)]
    form: T,
}

impl<T: DeserializeOwned + 'static> FromRequest for Checked<T> {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = web::Form::<WithToken<T>>::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let form = body::in_time(form, body::form_failure).await?.into_inner();
            let app: &App = request.app_data::<web::Data<App>>().ok_or(Failure::Internal)?;
            if is_valid(app, &request, &form.csrf) { Ok(Self(form.form)) } else { Err(Failure::Csrf) }
        })
    }
}

/// Marks an answer as one that must not tell the next site where it came from: its address holds a token.
///
/// A form on a `no-referrer` page is sent with `Origin: null`, and browsers say `Sec-Fetch-Site` only to origins they
/// trust; to others (plain http between machines) the page still tells nobody but ourselves.
pub fn hide_address(app: &App, response: &mut actix_web::HttpResponseBuilder) {
    let public_url = &app.settings.server.public_url;
    let is_trustworthy = public_url.scheme() == "https" || is_loopback(public_url);
    let policy = if is_trustworthy { "no-referrer" } else { "same-origin" };
    response.insert_header((header::REFERRER_POLICY, HeaderValue::from_static(policy)));
}
