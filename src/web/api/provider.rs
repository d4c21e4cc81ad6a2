//! `/sso`: by which provider an address signs in.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::me::no_store;
use crate::app::App;
use crate::db::{self, Tx};
use crate::domains;
use crate::kernel::EmailAddress;
use crate::throttle::{self, Admission, Key};
use crate::web::failure::Failure;
use crate::web::provider_only::{absolute, path};
use crate::web::who::Anyone;

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    email: String,
}

/// `GET /sso?email=…`: `{sso_url}`, or `{}` where the domain of the address has no provider. Whether there is such an
/// account makes no difference.
pub async fn find(app: web::Data<App>, who: Anyone, asked: web::Query<Asked>) -> Result<HttpResponse, Failure> {
    let email = EmailAddress::parse(&asked.email).map_err(|error| Failure::field("email", error))?;
    let limit = app.settings.limits.login_per_network;
    let look_up = move |tx: &mut Tx<'_>| {
        let key = tx.origin.address.map(|address| Key::provider_asked_from(address, limit));
        if let Some(Admission::Wait(wait)) = key.map(|key| throttle::admit(tx, &[key])).transpose()? {
            return Ok(Err(wait));
        }
        domains::provider_of(tx, &email).map(Ok)
    };
    let found = app.db.write::<_, db::Error, _>(&who.origin, look_up).await?.map_err(Failure::RateLimited)?;
    Ok(no_store().json(match found {
        Some(provider) => json!({ "sso_url": absolute(&app, &path(provider.connection, "")) }),
        None => json!({}),
    }))
}
