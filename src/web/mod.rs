//! The doors for browsers and programs: the only place that knows HTTP.
//!
//! A handler's policy stands in its parameters (`SignedIn` cannot be reached without a session, `Checked` not
//! without our own form's token), its body calls one step or flow, and its error is turned into an answer by
//! [`failure`].

mod api;
mod bearer;
mod body;
pub mod cookies;
mod csrf;
pub mod demo;
mod enrollment;
mod errand;
mod factor_change;
pub mod failure;
mod forward_auth;
mod half_in;
mod handover;
mod jwks;
mod layers;
mod membership;
pub mod metrics;
mod operations;
mod pages;
mod provider_only;
mod reauth;
mod rotation;
pub mod routes;
mod saml;
mod session_store;
mod unread;
mod view;
mod who;

use std::net::TcpListener;
use std::time::Duration;

use actix_session::SessionMiddleware;
use actix_web::cookie::{Key, SameSite};
use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{HttpServer, web};
use sha2::{Digest as _, Sha512};

use crate::api_keys::Uses;
use crate::app::App;
use crate::decisions::Recorder;
use crate::sessions::Activity;
pub use forward_auth::{Gate, LiveSessions};
use metrics::Requests;

/// A request under way when the service is told to stop may take this long. A private cluster is stopped after that,
/// and all of it takes less than ten seconds.
const DRAIN: Duration = Duration::from_secs(5);

/// The server, ready to be awaited. It stops when its handle says so, after the requests under way.
pub fn server(
    app: App,
    live: LiveSessions,
    recorder: Recorder,
    requests: Requests,
    listener: TcpListener,
) -> std::io::Result<Server> {
    let workers = app.settings.server.workers;
    let (activity, uses) = (live.activity().clone(), Uses::default());
    let gate = web::Data::new(Gate::new(app.clone(), live, uses.clone(), recorder));
    let server = HttpServer::new(move || {
        let sessions = sessions_of(&app, &activity);
        actix_web::App::new()
            .app_data(web::Data::new(app.clone()))
            .app_data(gate.clone())
            .app_data(web::Data::new(activity.clone()))
            .app_data(web::Data::new(uses.clone()))
            .app_data(web::Data::new(requests.clone()))
            .app_data(web::PayloadConfig::new(body::LIMIT))
            .configure(routes::register_gate)
            .service(
                web::scope("")
                    .wrap(from_fn(failure::present))
                    .wrap(from_fn(unread::hold_body))
                    .wrap(from_fn(layers::around))
                    .configure(routes::register_gate_refusals)
                    .configure(|config| routes::register(config, routes::plain()))
                    .service(
                        web::scope("")
                            .wrap(from_fn(rotation::exchange_if_due))
                            .wrap(from_fn(csrf::same_origin))
                            .wrap(sessions)
                            .wrap(from_fn(layers::keep_signed_in))
                            .wrap(from_fn(bearer::instead_of_cookies))
                            .wrap(from_fn(body::require_small))
                            .configure(|config| routes::register(config, routes::personal()))
                            .default_service(web::to(routes::nothing_here)),
                    ),
            )
    });
    server.workers(workers).shutdown_timeout(DRAIN.as_secs()).disable_signals().listen(listener).map(HttpServer::run)
}

/// Runs `work` where a [`server`] can run.
pub fn block_on<F: Future>(work: F) -> F::Output {
    actix_web::rt::System::new().block_on(work)
}

fn sessions_of(app: &App, activity: &Activity) -> SessionMiddleware<session_store::Store> {
    SessionMiddleware::builder(session_store::Store { app: app.clone(), activity: activity.clone() }, cookie_key())
        .cookie_name(cookies::name(app, cookies::Kind::Session).to_owned())
        .cookie_secure(cookies::is_secure(app))
        .cookie_same_site(SameSite::Lax)
        .cookie_path("/".to_owned())
        .cookie_http_only(true)
        .cookie_content_security(actix_session::config::CookieContentSecurity::Signed)
        .build()
}

/// actix-session insists on signing what it puts into the cookie. The value is 256 random bits whose digest alone is
/// stored: there is nothing to forge, so the key is no secret, and rotating the real ones signs nobody out.
fn cookie_key() -> Key {
    Key::from(&Sha512::digest(b"vestibule session cookie, version 1"))
}
