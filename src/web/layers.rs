//! What happens around every request, from the outside in: who is calling and under which id, one line in the
//! log, the security headers; then, for pages and the API, where the request was made.

use std::cell::OnceCell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::cookie::Cookie;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};

use super::cookies;
use super::failure::Failure;
use super::metrics::Requests;
use super::session_store::KeepFor;
use url::Url;

use crate::app::App;
use crate::kernel::{Hand, Origin, RequestId, Token, request_id};

static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What is known of a request before anything is done for it.
#[derive(Clone, Debug)]
pub struct Arrival {
    started: Instant,
    /// The other end of the connection.
    pub peer: IpAddr,
    /// Whether the peer is a proxy whose forwarded headers are believed.
    pub is_proxy: bool,
    /// Who asks, behind all trusted proxies.
    pub client: IpAddr,
    pub id: RequestId,
    decided: OnceCell<Decided>,
}

impl Arrival {
    fn of(app: &App, peer: Option<SocketAddr>, headers: &HeaderMap) -> Self {
        let policy = app.policy.load();
        let proxies = &policy.trusted_proxies;
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |socket| socket.ip().to_canonical());
        let is_proxy = proxies.contains(peer);
        let forwarded = headers.get_all(&X_FORWARDED_FOR).map(HeaderValue::as_bytes);
        let given = headers.get(&X_REQUEST_ID).filter(|_| is_proxy);
        let id = given.and_then(|id| RequestId::given(id.as_bytes()));
        Self {
            started: Instant::now(),
            peer,
            is_proxy,
            client: proxies.client(peer, forwarded),
            id: id.unwrap_or_else(|| RequestId::new(app.clock.now())),
            decided: OnceCell::new(),
        }
    }

    /// How long ago it came.
    pub fn micros(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// What the gate has decided, for the log.
    pub fn note(&self, decided: Decided) {
        // There is one decision a question.
        let _ = self.decided.set(decided);
    }

    /// One line in the log: the path alone, since a query may hold a token.
    fn write_down(&self, method: &Method, path: &str, status: StatusCode) {
        if let Some(decided) = self.decided.get() {
            return self.write_decision(decided, status);
        }
        log::info!(
            target: "access",
            method = method.as_str(), path = path, status = status.as_u16(),
            micros = self.micros(),
            client = self.client.to_string().as_str(); "{method} {path}"
        );
    }

    fn write_decision(&self, decided: &Decided, status: StatusCode) {
        log::info!(
            target: "access",
            decision = decided.decision, reason = decided.reason, rule = decided.rule, host = decided.host.as_ref(),
            status = status.as_u16(), micros = self.micros(), client = self.client.to_string().as_str();
            "{} {}", decided.decision, decided.host
        );
    }
}

/// What becomes of a request's `X-Forwarded-For`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Forwarded {
    None,
    Believed,
    /// The other end of the connection is not in `server.trusted_proxies`.
    Ignored,
}

impl Forwarded {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Believed => "believed",
            Self::Ignored => "ignored",
        }
    }
}

pub fn forwarded(app: &App, request: &HttpRequest) -> Forwarded {
    let arrival = Arrival::of(app, request.peer_addr(), request.headers());
    match (request.headers().contains_key(&X_FORWARDED_FOR), arrival.is_proxy) {
        (false, _) => Forwarded::None,
        (true, true) => Forwarded::Believed,
        (true, false) => Forwarded::Ignored,
    }
}

/// A decision of the gate in words, with the app's host; the rule is its number, or -1.
#[derive(Clone, Debug)]
pub struct Decided {
    pub decision: &'static str,
    pub reason: &'static str,
    pub rule: i64,
    pub host: Box<str>,
}

/// Everything a handler may want to know about where a request came from, worked out once.
#[derive(Clone, Debug)]
pub struct Caller {
    pub origin: Origin,
}

impl Caller {
    fn new(app: &App, arrival: &Arrival, request: &ServiceRequest) -> Self {
        let known_by = request.cookie(cookies::name(app, cookies::Kind::Device));
        let origin = Origin {
            hand: Hand::Visitor,
            actor: None,
            session: None,
            address: Some(arrival.client),
            user_agent: request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(shorten),
            known_by: known_by.and_then(|cookie| Token::parse(cookie.value())).map(|token| token.digest()),
            request_id: arrival.id.to_string(),
        };
        Self { origin }
    }

    /// Whether they sit at this machine, as far as proxies tell.
    pub fn is_local(&self) -> bool {
        self.origin.address.is_some_and(|address| address.is_loopback())
    }
}

/// The outermost layer: names the request, times it, writes one line, adds the headers every answer has.
pub async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let app = web::Data::<App>::clone(app_of(&request)?);
    let arrival = Arrival::of(&app, request.peer_addr(), request.headers());
    keep_readable_cookies(request.headers_mut());
    let caller = Caller::new(&app, &arrival, &request);
    let (method, path) = (request.method().clone(), request.path().to_owned());
    request.extensions_mut().insert(caller);
    let answer = request_id::scope(arrival.id, async {
        let mut answer = next.call(request).await?.map_into_boxed_body();
        add_headers(&app, &arrival.id, answer.headers_mut());
        arrival.write_down(&method, &path, answer.status());
        if let Some(requests) = answer.request().app_data::<web::Data<Requests>>() {
            requests.count(&method, &answer);
        }
        Ok(answer)
    });
    answer.await
}

/// The same for a handler on the hot path, which stands outside of all layers and looks for itself at what it needs.
pub async fn around_handler(
    app: &App,
    request: &HttpRequest,
    handle: impl AsyncFnOnce(&Arrival) -> HttpResponse,
) -> HttpResponse {
    let arrival = Arrival::of(app, request.peer_addr(), request.headers());
    let answer = request_id::scope(arrival.id, async {
        let mut answer = handle(&arrival).await;
        add_headers(app, &arrival.id, answer.headers_mut());
        // Envoy asks with the path of an app, which may be a secret.
        let pattern = if arrival.decided.get().is_none() { request.match_pattern() } else { None };
        arrival.write_down(request.method(), pattern.as_deref().unwrap_or_default(), answer.status());
        answer
    });
    answer.await
}

/// A cookie that a sibling host has set may hold any bytes, and the framework reads none of a line that is not
/// UTF-8: ours among them.
fn keep_readable_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).all(|line| std::str::from_utf8(line.as_bytes()).is_ok()) {
        return;
    }
    let lines: Vec<HeaderValue> = headers.remove(header::COOKIE).collect();
    for line in lines {
        let pairs = line.as_bytes().split(|byte| *byte == b';');
        let readable: Vec<&[u8]> = pairs.filter(|pair| std::str::from_utf8(pair).is_ok()).collect();
        if let Ok(line) = HeaderValue::from_bytes(&readable.join(&b';')) {
            headers.append(header::COOKIE, line);
        }
    }
}

fn app_of(request: &ServiceRequest) -> Result<&web::Data<App>, Failure> {
    request
        .app_data::<web::Data<App>>()
        .ok_or_else(|| Failure::internal("the server was put together without its parts"))
}

/// At most 512 bytes. `to_str` let only visible ASCII through, so any byte is a boundary.
fn shorten(text: &str) -> String {
    text.chars().take(512).collect()
}

/// The Content Security Policy of every answer: nothing from elsewhere, nothing inline, in no frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The same for a page whose form goes to another service, and wherever that sends it on from there.
pub fn policy_with_forms_to(url: &str) -> Result<String, Failure> {
    let origin = Url::parse(url).map_err(Failure::internal)?.origin().ascii_serialization();
    Ok(POLICY.replace("form-action 'self'", &format!("form-action 'self' https: {origin}")))
}

static FIXED: [(HeaderName, HeaderValue); 6] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
];

fn add_headers(app: &App, id: &RequestId, headers: &mut HeaderMap) {
    if let Ok(id) = HeaderValue::from_bytes(id.as_bytes()) {
        headers.insert(X_REQUEST_ID.clone(), id);
    }
    for (name, value) in &FIXED {
        // A page with a token in its address has said `no-referrer` by now.
        if let Some(own) = headers.insert(name.clone(), value.clone()).next() {
            headers.insert(name.clone(), own);
        }
    }
    if cookies::is_secure(app) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

/// actix-session gives every cookie the same life; this gives the one of somebody who asked to be kept signed
/// in its own.
pub async fn keep_signed_in(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let mut answer = next.call(request).await?.map_into_boxed_body();
    let Some(KeepFor(lasts)) = answer.request().extensions().get::<KeepFor>().copied() else { return Ok(answer) };
    let app = web::Data::<App>::clone(
        answer
            .request()
            .app_data()
            .ok_or_else(|| Failure::internal("the server was put together without its parts"))?,
    );
    let name = cookies::name(&app, cookies::Kind::Session);
    let set: Vec<HeaderValue> = answer.headers_mut().remove(header::SET_COOKIE).collect();
    for value in set {
        let lasting = value.to_str().ok().and_then(|text| Cookie::parse(text.to_owned()).ok());
        let value = match lasting.filter(|cookie| cookie.name() == name) {
            Some(mut cookie) => {
                cookie.set_max_age(actix_web::cookie::time::Duration::seconds(lasts.num_seconds()));
                HeaderValue::from_str(&cookie.to_string()).unwrap_or(value)
            }
            None => value,
        };
        answer.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(answer)
}
