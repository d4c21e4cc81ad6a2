//! Signing in by an organization's identity provider, as browsers go through it: [`login`] sends them there, [`acs`] is
//! where the provider has them post what it says.

pub mod acs;
pub mod connect;
pub mod limits;
pub mod login;

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::cookie::Cookie;
use actix_web::http::header;

use super::cookies::{self, Kind};
use super::failure::Failure;
use crate::app::App;
use crate::db::ReadTx;
use crate::kernel::{ConnectionId, Token};
use crate::sso::connections::{self, Ready};
use crate::sso::requests::OPEN_FOR;

/// Bytes of a whole form with an answer in it.
pub const LIMIT: usize = 512 * 1024;

/// Whether it is an address to which a provider has browsers post: from its own pages, and with more than a form of ours.
pub fn takes_answers(path: &str) -> bool {
    let mut parts = path.split('/');
    let is_ours = parts.next() == Some("") && parts.next() == Some("saml");
    let id = parts.next().unwrap_or_default();
    let is_known = matches!(parts.next(), Some("acs" | "logout")) && parts.next().is_none();
    is_ours && is_known && id.parse::<ConnectionId>().is_ok()
}

/// The browser that goes to a provider, to be known when it comes back.
pub fn browser(app: &App, request: &HttpRequest) -> Option<Token> {
    let cookie = request.cookie(cookies::name(app, Kind::Flow))?;
    Token::parse(cookie.value())
}

/// It lasts as long as a provider may take.
pub fn browser_cookie(app: &App, browser: &Token) -> Cookie<'static> {
    cookies::for_this_host(app, Kind::Flow, browser.expose(), Some(OPEN_FOR))
}

/// All that it takes to ask a provider, and to judge what it says.
pub(super) fn find_ready(tx: &mut ReadTx<'_>, app: &App, id: ConnectionId) -> Result<Ready, Failure> {
    let found = connections::find_for_sign_in(tx, &app.sealer, id).map_err(|error| match error {
        connections::Error::Db(error) => Failure::from(error),
        other => Failure::internal(other),
    })?;
    found.ok_or(Failure::NotFound)
}

/// To another site, by a GET.
fn found(location: &str) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_at_two_addresses_of_a_connection_and_nowhere_else() {
        let id = "0190a3c2-7d5e-7cc3-98c4-dc0c0c07398f";
        for path in [format!("/saml/{id}/acs"), format!("/saml/{id}/logout")] {
            assert!(takes_answers(&path), "{path}");
        }
        let others = [
            format!("/saml/{id}/acs/"),
            format!("/saml/{id}/acs/x"),
            format!("/saml/{id}/login"),
            format!("//saml/{id}/acs"),
            format!("/x/saml/{id}/acs"),
            "/saml/x/acs".to_owned(),
            "/account/email/saml/acs".to_owned(),
            "/saml//acs".to_owned(),
        ];
        for path in others {
            assert!(!takes_answers(&path), "{path}");
        }
    }
}
