//! `/me/totp`, `/me/recovery-codes`: what a person proves themselves with beside the password.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::auth::CodeBody;
use super::me::no_store;
use crate::app::App;
use crate::web::body::ApiJson;
use crate::web::cookies;
use crate::web::factor_change::Change;
use crate::web::failure::Failure;
use crate::web::who::{Fresh, SignedIn};

/// `POST /me/totp`: what an authenticator app is to be told. Nothing is asked for until a code of it has come back.
pub async fn set_up_totp(app: web::Data<App>, who: Fresh, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let set_up = Change::by(&app, &who.live, &who.origin, &request).start_totp().await?;
    Ok(no_store().json(json!({
        "secret": set_up.secret.expose(),
        "otpauth_url": set_up.otpauth_url.expose(),
        "qr_svg": set_up.qr_svg.expose(),
    })))
}

/// `POST /me/totp/enable`: 200 and new cookies, with ten recovery codes where it is the first factor.
pub async fn enable_totp(
    app: web::Data<App>,
    who: SignedIn,
    ApiJson(body): ApiJson<CodeBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let enabled = Change::by(&app, &who.live, &who.origin, &request).enable_totp(body.code).await?;
    let mut answer = no_store().json(json!({ "recovery_codes": enabled.codes }));
    cookies::add(&mut answer, enabled.cookies);
    Ok(answer)
}

/// `DELETE /me/totp`: 204 and new cookies; 404 when there is none.
pub async fn disable_totp(app: web::Data<App>, who: Fresh, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let cookies = Change::by(&app, &who.live, &who.origin, &request).disable_totp().await?;
    let mut answer = HttpResponse::NoContent().finish();
    cookies::add(&mut answer, cookies);
    Ok(answer)
}

/// `POST /me/recovery-codes`: ten others in place of all that there are, and new cookies.
pub async fn replace_recovery_codes(
    app: web::Data<App>,
    who: Fresh,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let replaced = Change::by(&app, &who.live, &who.origin, &request).replace_codes().await?;
    let mut answer = no_store().json(json!({ "recovery_codes": replaced.codes }));
    cookies::add(&mut answer, replaced.cookies);
    Ok(answer)
}
