//! The answers, and for whom they are.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use url::{Url, form_urlencoded};

use super::{Check, Known, hand_over};
use crate::affiliations::Affiliations;
use crate::app::App;
use crate::gateway::{Identity, Request};
use crate::web::errand;
use crate::web::failure::Failure;

/// A proxy reads the head of our answer into one page of memory: nginx's `proxy_buffer_size` is 4 KiB.
pub(super) const LONGEST_LOCATION: usize = 2048;

/// nginx is told of this one twice, in the challenge as well.
const LONGEST_SAID_TWICE: usize = 1500;

pub(super) const NO_STORE: (header::HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// 200 with every identity header and without a cookie: most proxies lose it, or hand it to the wrong side.
pub(super) fn allow(known: Option<&Known>) -> HttpResponse {
    let mut response = without_body(StatusCode::OK);
    let values = known.map_or([EMPTY; 5], |Known { visitor, assertion }| {
        let [user, email, name, groups] = visitor.named().values.clone();
        [user, email, name, groups, assertion.clone()]
    });
    for (name, value) in NAMES.iter().zip(values) {
        response.headers_mut().insert(name.clone(), value);
    }
    response
}

/// In the order of [`Identity::NAMES`].
static NAMES: [HeaderName; 5] = [
    HeaderName::from_static("remote-user"),
    HeaderName::from_static("remote-email"),
    HeaderName::from_static("remote-name"),
    HeaderName::from_static("remote-groups"),
    HeaderName::from_static("vestibule-assertion"),
];

pub(super) const EMPTY: HeaderValue = HeaderValue::from_static("");

/// Somebody as apps are told of them: user, email, name and groups, ready to be sent. Rules ask for the groups as well,
/// which here are all there are.
#[derive(Clone)]
pub struct Named {
    values: [HeaderValue; 4],
    affiliations: Affiliations,
    /// No other that this node has made has it.
    number: u64,
}

impl Named {
    pub(super) fn new(identity: &Identity, affiliations: Affiliations, number: u64) -> Self {
        let [user, email, name, groups, _] = identity.values();
        // There are no control characters left in them, and that is all a header's value cannot hold.
        let values = [user, email, name, groups].map(|value| match value {
            "" => EMPTY,
            value => HeaderValue::from_bytes(value.as_bytes()).unwrap_or(EMPTY),
        });
        Self { values, affiliations, number }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// User, email, name and groups.
    pub(super) fn texts(&self) -> [&str; 4] {
        self.values.each_ref().map(|value| std::str::from_utf8(value.as_bytes()).unwrap_or_default())
    }

    pub(super) fn affiliations(&self) -> &Affiliations {
        &self.affiliations
    }
}

/// `Content-Length: 0`. After an empty body of unknown length nginx opens a new connection for each check.
fn without_body(status: StatusCode) -> HttpResponse {
    let mut response = HttpResponse::new(status);
    let (name, value) = NO_STORE;
    response.headers_mut().insert(name, value);
    response
}

/// Whether somebody is looking at what comes back. A script, an image or a websocket has no use for a page.
pub(super) fn is_navigation(headers: &HeaderMap) -> bool {
    let says = |name: &str, what: &str| text(headers, name).is_some_and(|value| value.eq_ignore_ascii_case(what));
    // Some proxies keep `Upgrade` to themselves, and pass on what else a websocket's handshake has.
    let is_handshake = headers.contains_key(header::UPGRADE) || headers.contains_key(header::SEC_WEBSOCKET_KEY);
    if is_handshake || says("x-requested-with", "XMLHttpRequest") {
        return false;
    }
    match text(headers, "sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => accepts_html(headers),
    }
}

/// By name: whatever takes anything at all takes a page as well, and has no use for ours.
fn accepts_html(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(is_html)
}

/// RFC 9110, section 12.5.1; what has no weight at all is not taken.
fn is_html(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("text/html"));
    let has_no_weight = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or_default();
        name.eq_ignore_ascii_case("q") && value.bytes().all(|byte| b"0.".contains(&byte))
    };
    is_named && !parts.any(has_no_weight)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

pub(super) fn lead_to_sign_in(check: &Check<'_>, asked: &Request<'_>, status: StatusCode) -> HttpResponse {
    lead_to(way_to_sign_in(check, asked), status)
}

/// The portal's page; at a host that its cookies do not reach, where the way through the portal begins. What was sent is
/// lost either way, and by way of the portal the person is told so.
pub(super) fn way_to_sign_in(check: &Check<'_>, asked: &Request<'_>) -> Option<HeaderValue> {
    if is_fetch(asked.method) && hand_over::is_handed(&check.gate.app, asked) {
        return hand_over::beginning(asked);
    }
    check.gate.sign_in.location(check, asked)
}

pub(super) fn lead_to(location: Option<HeaderValue>, status: StatusCode) -> HttpResponse {
    let mut response = without_body(status);
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// A page of the portal to which people are led who want to come in.
pub(super) struct Page {
    url: String,
    /// With the way back, in bytes.
    longest: usize,
}

impl Page {
    pub(super) fn sign_in(app: &App) -> Self {
        Self::at(app, "/login", LONGEST_LOCATION)
    }

    pub(super) fn confirm(app: &App) -> Self {
        Self::at(app, "/confirm", LONGEST_SAID_TWICE)
    }

    fn at(app: &App, path: &str, longest: usize) -> Self {
        let mut page = app.settings.server.public_url.clone();
        page.set_path(path);
        Self { url: page.into(), longest }
    }

    /// With the way back: for what was only fetched to itself, for all else by [`errand::UNSENT`] to where it was sent from.
    pub(super) fn location(&self, check: &Check<'_>, asked: &Request<'_>) -> Option<HeaderValue> {
        let app = &check.gate.app;
        if !app.destinations.is_open(asked.scheme.as_str(), &asked.host, asked.port) {
            log::warn!("nobody can sign in at {}: it is outside of session.cookie_domains", asked.host);
            return HeaderValue::from_str(&self.url).ok();
        }
        let with_way_back = |url: String| -> Option<String> {
            let location: String =
                [&self.url, "?return_to="].into_iter().chain(form_urlencoded::byte_serialize(url.as_bytes())).collect();
            (location.len() <= self.longest).then_some(location)
        };
        let unsent = || unsent_ways(check.request.headers(), asked).into_iter().find_map(with_way_back);
        let sent = if is_fetch(asked.method) { None } else { unsent() };
        let itself = || asked.url().and_then(with_way_back).or_else(|| asked.site().and_then(with_way_back));
        let location = sent.or_else(itself);
        HeaderValue::try_from(location.unwrap_or_else(|| self.url.clone())).ok()
    }
}

/// Nothing was sent that could be lost.
pub(super) fn is_fetch(method: &str) -> bool {
    matches!(method, "GET" | "HEAD")
}

/// The longest first. The app's own page where the form was, or the address that it was sent to.
fn unsent_ways(headers: &HeaderMap, asked: &Request<'_>) -> Vec<String> {
    let (Some(site), Some(url)) = (asked.site(), asked.url()) else { return Vec::new() };
    let target = url.strip_prefix(site.trim_end_matches('/')).unwrap_or("/");
    let path = target.split('?').next().unwrap_or("/");
    let back = page_of_form(headers, &site).unwrap_or_else(|| url.clone());
    let way = |back: &str, target: &str| errand::unsent_path(back, asked.method, target);
    vec![way(&back, target), way(&back, path), way(&site, path)]
}

/// As browsers tell of it; a page of another origin is not led back to.
fn page_of_form(headers: &HeaderMap, site: &str) -> Option<String> {
    let mut page = Url::parse(text(headers, "referer")?).ok()?;
    let is_of_the_app = page.origin() == Url::parse(site).ok()?.origin();
    let is_plain = page.username().is_empty() && page.password().is_none();
    page.set_fragment(None);
    (is_of_the_app && is_plain).then(|| page.into())
}

pub(super) fn unauthenticated(check: &Check<'_>, asked: &Request<'_>) -> HttpResponse {
    with_basic(check, asked, Failure::Unauthenticated.as_problem(check.arrival.id.as_str()))
}

/// For a program, so never a page.
pub(super) fn invalid_key(check: &Check<'_>, asked: &Request<'_>) -> HttpResponse {
    with_basic(check, asked, Failure::InvalidKey.as_problem(check.arrival.id.as_str()))
}

/// Where the rule takes keys, programs are told that it takes them as a password as well. Browsers are not: they would
/// ask the person for one, whatever on a page has caused this.
fn with_basic(check: &Check<'_>, asked: &Request<'_>, mut refused: HttpResponse) -> HttpResponse {
    let headers = check.request.headers();
    let is_browser = ["sec-fetch-mode", "sec-fetch-site", "sec-fetch-dest", "x-requested-with", "origin", "referer"]
        .iter()
        .any(|name| headers.contains_key(*name))
        || headers.contains_key(header::COOKIE)
        || is_navigation(headers);
    if is_browser || !check.gate.compiled().rules.takes_keys(asked) {
        return refused;
    }
    // In one line: nginx before 1.23 passes on no more than the first.
    let challenges = text(refused.headers(), "www-authenticate").map(|bearer| format!("{bearer}, {BASIC}"));
    if let Some(both) = challenges.and_then(|challenges| HeaderValue::try_from(challenges).ok()) {
        refused.headers_mut().insert(header::WWW_AUTHENTICATE, both);
    }
    refused
}

/// RFC 7617, section 2.1.
const BASIC: &str = "Basic realm=\"vestibule\", charset=\"UTF-8\"";

/// A page for somebody who looks at it, a problem document for everybody else.
pub(super) fn refuse(check: &Check<'_>, failure: &Failure) -> HttpResponse {
    if !is_navigation(check.request.headers()) {
        return failure.as_problem(check.arrival.id.as_str());
    }
    match page(check, failure) {
        Ok(page) => page,
        Err(error) => Failure::internal(error).as_problem(check.arrival.id.as_str()),
    }
}

/// It is shown under the app's host, where nothing of ours is served: the style comes from our own.
fn page(check: &Check<'_>, failure: &Failure) -> Result<HttpResponse, crate::render::Error> {
    let app = &check.gate.app;
    let context = json!({
        "portal": portal(app),
        "status": failure.status().as_u16(),
        "title": failure.title(),
        "sentence": failure.to_string(),
        "request_id": check.arrival.id.as_str(),
        "way_on": match failure {
            Failure::MfaEnrollmentRequired(page) => json!({ "href": page, "label": "Set up a second factor" }),
            _ => serde_json::Value::Null,
        },
    });
    Ok(page_at_app(app, failure.status(), app.render.render("gateway/refused.html", context)?))
}

pub(super) fn page_at_app(app: &App, status: StatusCode, body: String) -> HttpResponse {
    let portal = portal(app);
    let policy =
        format!("default-src 'none'; style-src {portal}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
    HttpResponse::build(status)
        .insert_header(NO_STORE)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .body(body)
}

pub(super) fn portal(app: &App) -> String {
    app.settings.server.public_url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identity_header_has_its_name() {
        assert_eq!(NAMES.each_ref().map(HeaderName::to_string), Identity::NAMES.map(str::to_ascii_lowercase));
    }
}
