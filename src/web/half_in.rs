//! Half signed in, as a browser carries it: a cookie that opens nothing but the second step.

use actix_web::cookie::Cookie;
use actix_web::{HttpRequest, HttpResponse};

use super::cookies::{self, Kind};
use super::failure::Failure;
use super::{session_store, view};
use crate::app::App;
use crate::kernel::Token;
use crate::sessions::{Method, Opened, PENDING_TTL};
use crate::signin::{HalfIn, Held};

/// What this browser holds before it signs in.
pub fn held(app: &App, request: &HttpRequest) -> Held {
    Held { session: session_store::token(request), pending: token(app, request), replaces: None }
}

/// By which this browser is half signed in, if it still is.
pub fn token(app: &App, request: &HttpRequest) -> Option<Token> {
    let cookie = request.cookie(cookies::name(app, Kind::Pending))?;
    Token::parse(cookie.value())
}

pub fn cookie(app: &App, half: &HalfIn) -> Cookie<'static> {
    cookies::for_this_host(app, Kind::Pending, half.token.expose(), Some(PENDING_TTL))
}

pub fn removal(app: &App) -> Cookie<'static> {
    let mut cookie = cookies::for_this_host(app, Kind::Pending, String::new(), None);
    cookie.make_removal();
    cookie
}

/// What a program is told: 401, and what to go on with.
pub fn ask(app: &App, request: &HttpRequest, half: &HalfIn) -> HttpResponse {
    let methods = half.methods.iter().copied().map(Method::as_str).collect();
    let mut answer = Failure::MfaRequired(methods).as_problem(&view::request_id(request));
    cookies::add(&mut answer, vec![cookie(app, half)]);
    answer
}

/// The cookies besides that of the session, for a browser that is all the way in.
pub fn cookies_of(app: &App, request: &HttpRequest, opened: &Opened) -> Vec<Cookie<'static>> {
    let was_half_in = request.cookie(cookies::name(app, Kind::Pending)).map(|_| removal(app));
    let known_by = cookies::for_device(app, opened);
    cookies::for_gate(app, opened).into_iter().chain(known_by).chain(was_half_in).collect()
}
