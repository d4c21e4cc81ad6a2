//! `/auth/confirm`: proving once more who one is, before something dangerous.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::me::no_store;
use crate::app::App;
use crate::config::settings::Action;
use crate::db::ReadTx;
use crate::kernel::Redacted;
use crate::stepup::{self, Proof, Way};
use crate::web::body::ApiJson;
use crate::web::failure::Failure;
use crate::web::saml::login;
use crate::web::view;
use crate::web::who::SignedInOrLeaving;

#[derive(Deserialize)]
pub struct ConfirmBody {
    password: Option<Redacted>,
    /// Of the authenticator app.
    code: Option<Redacted>,
}

/// `GET /auth/confirm`: how this person can confirm, and for how many seconds they need not.
pub async fn show(app: web::Data<App>, who: SignedInOrLeaving) -> Result<HttpResponse, Failure> {
    let live = who.live.clone();
    let find = move |tx: &mut ReadTx<'_>| Ok((stepup::methods(tx, &live)?, stepup::find_provider(tx, &live)?));
    let (methods, provider) = app.db.look_up(find).await?;
    let remaining = stepup::remaining(&app.settings.step_up, Action::Other, &who.live, app.clock.now());
    let sso = match provider {
        Some(connection) => json!({ "sso_url": login::confirm_url(&app, connection, "") }),
        None => json!({}),
    };
    let standing = json!({
        "methods": methods.into_iter().map(Way::as_str).collect::<Vec<_>>(),
        "confirmed_at": who.live.confirmed_at,
        "expires_in": remaining.num_seconds(),
    });
    Ok(no_store().json(view::with(standing, sso)))
}

/// `POST /auth/confirm`
pub async fn submit(
    app: web::Data<App>,
    who: SignedInOrLeaving,
    ApiJson(body): ApiJson<ConfirmBody>,
) -> Result<HttpResponse, Failure> {
    let proof = match (body.password, body.code) {
        (Some(password), None) => Proof::Password(password),
        (None, Some(code)) => Proof::Code(code),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Failure::InvalidRequest("Send either a password or a code.".to_owned()));
        }
    };
    stepup::confirm(&app, &who.origin, &who.live, proof).await?;
    Ok(is_confirmed(&app))
}

/// For how long nothing more is asked.
pub(super) fn is_confirmed(app: &App) -> HttpResponse {
    let window = stepup::window(&app.settings.step_up, Action::Other);
    no_store().json(json!({ "message": "Identity confirmed.", "expires_in": window.num_seconds() }))
}
