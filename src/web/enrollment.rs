//! Whoever lacks a second factor that an organization of theirs asks for is led to set one up, and to nothing else.
//!
//! What stays open to them is what takes a [`super::who::SignedInOrLeaving`] or its like (how their account stands,
//! confirming that it is them, signing out, leaving for good), and what stands here: setting a factor up, and leaving the
//! organization instead.

use actix_web::http::Method;
use actix_web::{HttpRequest, web};

use super::bearer;
use super::failure::Failure;
use crate::app::App;
use crate::sessions::Live;

/// Where a second factor is set up.
pub const PAGE: &str = "/account/security";

/// At and below these addresses there are factors.
const FACTORS: [&str; 4] = [PAGE, "/me/totp", "/me/passkeys", "/me/recovery-codes"];

/// The whole address of the page.
pub fn page(app: &App) -> String {
    app.settings.server.public_url.join(PAGE).map(String::from).unwrap_or_default()
}

pub fn missing(app: &App) -> Failure {
    Failure::MfaEnrollmentRequired(page(app))
}

/// Refuses what has to wait until there is a second factor.
pub fn require(request: &HttpRequest, live: &Live) -> Result<(), Failure> {
    let app = request.app_data::<web::Data<App>>().ok_or(Failure::Internal)?;
    if !live.lacks_second_factor(app.clock.now()) || is_open(request, live) { Ok(()) } else { Err(missing(app)) }
}

/// A program cannot set one up for its person.
pub fn require_of_program(request: &HttpRequest) -> Result<(), Failure> {
    let app = request.app_data::<web::Data<App>>().ok_or(Failure::Internal)?;
    let is_missing = bearer::program(request).is_some_and(|program| program.lacks_second_factor(app.clock.now()));
    if is_missing { Err(missing(app)) } else { Ok(()) }
}

/// By the address as the router reads it.
fn is_open(request: &HttpRequest, live: &Live) -> bool {
    let pattern = request.match_pattern().unwrap_or_default();
    let is_at = |place: &str| pattern.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match (request.method(), pattern.as_str()) {
        (&Method::GET | &Method::HEAD, "/orgs") | (&Method::POST, "/orgs/{slug}/leave") => true,
        (&Method::DELETE, "/orgs/{slug}/members/{user_id}") => {
            request.match_info().get("user_id") == Some(&live.user.to_string())
        }
        _ => FACTORS.into_iter().any(is_at),
    }
}
