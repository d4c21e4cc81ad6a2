//! `/orgs/{slug}/sso/{id}/test`: trying a connection out.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::me::no_store;
use crate::app::App;
use crate::kernel::ConnectionId;
use crate::orgs::Role;
use crate::sso::connections;
use crate::web::failure::Failure;
use crate::web::membership::Belongs;
use crate::web::saml::login;

/// `POST /orgs/{slug}/sso/{id}/test`: 200 `{url}`, for the browser of the administrator who asks. Nobody is signed in by
/// it; what was found is a report.
pub async fn begin(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Failure> {
    let (_, id) = path.into_inner();
    let id: ConnectionId = id.parse().map_err(|_| Failure::NotFound)?;
    if who.membership.role < Role::Admin {
        return Err(crate::orgs::Error::NotPermitted.into());
    }
    let organization = who.membership.organization.id;
    let found = app.db.look_up(move |tx| connections::find(tx, organization, id)).await?;
    found.ok_or(Failure::NotFound)?;
    Ok(no_store().json(json!({ "url": login::test_url(&app, id) })))
}
