//! `/saml/{connection}/metadata`: what a provider needs to know of us.

use actix_web::http::header;
use actix_web::{HttpResponse, web};

use crate::app::App;
use crate::db::{self, ReadTx};
use crate::kernel::ConnectionId;
use crate::sso::connections::{self, Place};
use crate::sso::saml::Published;
use crate::web::failure::Failure;

/// saml-metadata-2.0-os, appendix A.
const MEDIA_TYPE: &str = "application/samlmetadata+xml";

/// `GET /saml/{connection}/metadata`: for the provider. Nothing in it is secret.
pub async fn show(app: web::Data<App>, path: web::Path<String>) -> Result<HttpResponse, Failure> {
    let id: ConnectionId = path.parse().map_err(|_| Failure::NotFound)?;
    let find = move |tx: &mut ReadTx<'_>| -> Result<_, db::Error> {
        let connection = connections::find_any(tx, id)?;
        Ok(connection.zip(Some(connections::list_keys(tx, id)?)))
    };
    let (connection, keys) = app.db.read(find).await?.ok_or(Failure::NotFound)?;
    let place = Place::of(&app.settings.server.public_url, id);
    let certificates: Vec<Vec<u8>> = keys.into_iter().map(|key| key.certificate).collect();
    let published = Published {
        entity_id: &place.entity_id,
        acs: &place.acs,
        logout: &place.logout,
        certificates: &certificates,
        signs_requests: connection.signs_requests,
    };
    let name = format!("attachment; filename=\"vestibule-{id}.xml\"");
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, MEDIA_TYPE))
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(published.to_xml()))
}
