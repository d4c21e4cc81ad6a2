//! The cookies, and what each is good for.
//!
//! Over https they carry the prefixes of RFC 6265bis, section 4.1.3: `__Host-` binds a cookie to this very host.
//! Over plain http (a trial on one's own machine) browsers refuse them, so prefixes and `Secure` are left out.

use actix_web::HttpResponse;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use chrono::TimeDelta;

use crate::app::App;
use crate::sessions::{GateCookie, KNOWN_FOR, Opened, Remember};

/// Which cookie of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Opens this service's own pages and API.
    Session,
    /// Good for asking the gate and nothing else: every protected app's server sees it.
    Gate,
    /// Knows the browser again that signed up, when it follows the mailed link.
    SignUp,
    /// What that browser is to remember until then.
    Way,
    /// Half signed in: good for the second step and nothing else.
    Pending,
    /// Knows a browser again in which somebody has signed in before. It opens nothing.
    Device,
    /// Knows the browser again that asked for a link to sign in by.
    MagicLink,
    /// Knows the browser again that was sent to an identity provider, when it comes from there.
    Flow,
    /// Knows the browser again, at an app's host, that has begun to sign on there.
    HandOver,
    /// One half of the double submit for forms before sign-in.
    Csrf,
}

pub fn name(app: &App, kind: Kind) -> &'static str {
    match (kind, is_secure(app)) {
        (Kind::Session, true) => "__Host-vestibule_session",
        (Kind::Session, false) => "vestibule_session",
        (Kind::Gate, true) => "__Secure-vestibule_gate",
        (Kind::Gate, false) => "vestibule_gate",
        (Kind::SignUp, true) => "__Host-vestibule_signup",
        (Kind::SignUp, false) => "vestibule_signup",
        (Kind::Way, true) => "__Host-vestibule_way",
        (Kind::Way, false) => "vestibule_way",
        (Kind::Pending, true) => "__Host-vestibule_pending",
        (Kind::Pending, false) => "vestibule_pending",
        (Kind::Device, true) => "__Host-vestibule_device",
        (Kind::Device, false) => "vestibule_device",
        (Kind::MagicLink, true) => "__Host-vestibule_magic",
        (Kind::MagicLink, false) => "vestibule_magic",
        (Kind::Flow, true) => "__Host-vestibule_flow",
        (Kind::Flow, false) => "vestibule_flow",
        (Kind::HandOver, true) => "__Host-vestibule_hand_over",
        (Kind::HandOver, false) => "vestibule_hand_over",
        (Kind::Csrf, true) => "__Host-vestibule_csrf",
        (Kind::Csrf, false) => "vestibule_csrf",
    }
}

pub fn is_secure(app: &App) -> bool {
    app.settings.server.public_url.scheme() == "https"
}

/// A cookie for this host; until the browser closes, unless a time is given.
pub fn for_this_host(app: &App, kind: Kind, value: String, lasts: Option<TimeDelta>) -> Cookie<'static> {
    let mut cookie = Cookie::build(name(app, kind), value)
        .path("/")
        .secure(is_secure(app))
        .http_only(true)
        .same_site(same_site(app, kind))
        .finish();
    if let Some(lasts) = lasts {
        cookie.set_max_age(Duration::seconds(lasts.num_seconds()));
    }
    cookie
}

/// What comes from a provider is posted from its page. Browsers take `None` with `Secure` only (RFC 6265bis, section
/// 5.7); over plain http the form is posted once more from a page of ours.
fn same_site(app: &App, kind: Kind) -> SameSite {
    if kind == Kind::Flow && is_secure(app) { SameSite::None } else { SameSite::Lax }
}

/// The gate cookies of a session just opened or rotated.
pub fn for_gate(app: &App, opened: &Opened) -> Vec<Cookie<'static>> {
    opened.gate.iter().map(|gate| gate_cookie(app, gate, lasting(app, opened))).collect()
}

/// What a session just opened in this browser makes it known by.
pub fn for_device(app: &App, opened: &Opened) -> Option<Cookie<'static>> {
    let token = opened.known_by.as_ref()?;
    Some(for_this_host(app, Kind::Device, token.expose(), Some(KNOWN_FOR)))
}

/// As long as the session may live from now on at most, for those who asked to be kept signed in.
pub fn lasting(app: &App, opened: &Opened) -> Option<TimeDelta> {
    (opened.remember == Remember::Yes).then(|| opened.expires_at - app.clock.now())
}

/// A cookie that cannot be written is missing; the answer goes out all the same.
pub fn add(answer: &mut HttpResponse, cookies: Vec<Cookie<'static>>) {
    for cookie in cookies {
        if let Err(error) = answer.add_cookie(&cookie) {
            log::error!("the cookie {} could not be written: {error}", cookie.name());
        }
    }
}

pub fn gate_cookie(app: &App, gate: &GateCookie, lasts: Option<TimeDelta>) -> Cookie<'static> {
    let mut cookie = for_this_host(app, Kind::Gate, app.sealer.tag(&gate.token), lasts);
    if let Some(domain) = &gate.domain {
        cookie.set_domain(domain.clone());
    }
    cookie
}

/// What makes a browser forget its session everywhere: the portal cookie and a gate cookie for each domain.
pub fn removals(app: &App) -> Vec<Cookie<'static>> {
    let domains = &app.settings.session.cookie_domains;
    let gates = domains.iter().cloned().map(Some).chain(domains.is_empty().then_some(None));
    let mut removals = vec![for_this_host(app, Kind::Session, String::new(), None)];
    for domain in gates {
        let mut gate = for_this_host(app, Kind::Gate, String::new(), None);
        if let Some(domain) = domain {
            gate.set_domain(domain);
        }
        removals.push(gate);
    }
    for cookie in &mut removals {
        cookie.make_removal();
    }
    removals
}
