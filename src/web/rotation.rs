//! A change of privilege, as its holder's browsers meet it: the next request of each gets a new session id and new
//! cookies, and everything from before is worthless.
//!
//! Several requests of one browser may be under way together. The first makes the exchange; those that were let in
//! before it go on without new cookies, and the old ones let nobody in any more.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, web};

use super::cookies::{self, Kind};
use super::failure::Failure;
use super::session_store;
use super::who;
use crate::app::App;
use crate::db;
use crate::sessions::{self, Opened};

/// Stands in the extensions of a request that has made the exchange.
struct JustRotated;

/// Whether this very request has made the exchange, so that its browser's gate cookies were dead until now.
pub fn has_just_happened(request: &HttpRequest) -> bool {
    request.extensions().contains::<JustRotated>()
}

/// Exchanges what is due before the handler runs, which sees the new id only.
pub async fn exchange_if_due(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let exchanged = match exchange(request.request()).await {
        Ok(exchanged) => exchanged,
        // Nothing may be done in a session whose exchange is due.
        Err(failure) => return Ok(request.error_response(failure)),
    };
    let mut answer = next.call(request).await?.map_into_boxed_body();
    if let Some(opened) = exchanged {
        add_gate_cookies(&mut answer, &opened);
    }
    Ok(answer)
}

/// `None` when nothing is due, or another request was first.
async fn exchange(request: &HttpRequest) -> Result<Option<Opened>, Failure> {
    let Some((live, token)) = session_store::due(request) else { return Ok(None) };
    let app = request.app_data::<web::Data<App>>().ok_or(Failure::Internal)?;
    let origin = who::origin(request)?.acting_as(live.user, live.session);
    let rules = app.settings.session.clone();
    let rotated = app.db.write(&origin, move |tx| sessions::rotate(tx, &rules, &token)).await;
    let Some(opened) = rotated.map_err(|error: db::Error| Failure::from(error))? else { return Ok(None) };
    session_store::go_on_as(request, app, &opened, live)?;
    request.extensions_mut().insert(JustRotated);
    Ok(Some(opened))
}

/// Unless the handler has done more: signed them out, opened another session, made the gate cookies anew.
fn add_gate_cookies(answer: &mut ServiceResponse<BoxBody>, opened: &Opened) {
    let Some(app) = answer.request().app_data::<web::Data<App>>().cloned() else { return };
    let goes_on = session_store::token(answer.request()).is_some_and(|token| token.expose() == opened.token.expose());
    let name = cookies::name(&app, Kind::Gate);
    if goes_on && !answer.response().cookies().any(|cookie| cookie.name() == name) {
        cookies::add(answer.response_mut(), cookies::for_gate(&app, opened));
    }
}
