//! `/me/sessions`: where somebody is signed in.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::me::no_store;
use crate::app::App;
use crate::db;
use crate::kernel::SessionId;
use crate::sessions::{self, Activity, Device, EndReason, Method};
use crate::web::failure::Failure;
use crate::web::pages::{logout, sessions as page};
use crate::web::who::{Reader, SignedIn};

/// `GET /me/sessions`
pub async fn list(app: web::Data<App>, activity: web::Data<Activity>, who: Reader) -> Result<HttpResponse, Failure> {
    let devices = page::load(&app, &activity, who.user).await?;
    let sessions: Vec<Value> = devices.iter().map(|device| describe(device, &who)).collect();
    Ok(no_store().json(json!({ "sessions": sessions })))
}

fn describe(device: &Device, who: &Reader) -> Value {
    let live = &device.live;
    json!({
        "id": live.session,
        "current": who.device == Some(live.device),
        "device_name": device.name(),
        "user_agent": device.user_agent,
        "ip": device.address,
        "created_at": live.created_at,
        "last_active_at": live.last_active_at,
        "last_auth_at": live.last_auth_at,
        "expires_at": live.expires_at,
        "methods": device.methods.iter().copied().map(Method::as_str).collect::<Vec<_>>(),
        "provider": device.provider,
    })
}

/// `DELETE /me/sessions/{id}`: 204; 404 for an id that is not the caller's own. Their current one is signed out.
pub async fn revoke(
    app: web::Data<App>,
    who: SignedIn,
    id: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let id: SessionId = id.parse().map_err(|_| Failure::NotFound)?;
    if id == who.live.session {
        logout::end(&app, &who.into(), &request).await?;
        return Ok(logout::taking_cookies_away(&app, HttpResponse::NoContent().finish()));
    }
    let (user, reason) = (who.live.user, EndReason::SignedOutElsewhere);
    let revoked = app.db.write(&who.origin, move |tx| sessions::revoke_own(tx, user, id, reason)).await;
    let is_theirs = revoked.map_err(|error: db::Error| Failure::from(error))?;
    if is_theirs { Ok(HttpResponse::NoContent().finish()) } else { Err(Failure::NotFound) }
}

/// `DELETE /me/sessions`: all but the current one.
pub async fn revoke_others(app: web::Data<App>, who: SignedIn) -> Result<HttpResponse, Failure> {
    let revoked = page::revoke_others(&app, &who).await?;
    Ok(no_store().json(json!({ "revoked": revoked })))
}
