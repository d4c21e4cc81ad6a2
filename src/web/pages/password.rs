//! `/account/password`: choosing a new one while signed in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::security::Nothing;
use crate::accounts::{self, change_password};
use crate::app::App;
use crate::db;
use crate::factors::{self, Factors};
use crate::kernel::{Redacted, UserId};
use crate::sessions::Opened;
use crate::web::csrf::Checked;
use crate::web::factor_change::Change;
use crate::web::failure::{Failure, Field};
use crate::web::who::Fresh;
use crate::web::{cookies, reauth, session_store, view};

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub struct Form {
    new_password: Redacted,
}

/// `GET /account/password`
pub async fn show(
    app: web::Data<App>,
    who: Fresh,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    page(&app, who.live.user, &request, (&[], reauth::notice(&asked.done)), StatusCode::OK).await
}

/// `POST /account/password`
pub async fn submit(
    app: web::Data<App>,
    who: Fresh,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let user = who.live.user;
    match change(&app, who, &form.new_password, &request).await {
        Ok(opened) => {
            let mut answer = view::see_other("/?done=password");
            cookies::add(&mut answer, cookies::for_gate(&app, &opened));
            Ok(answer)
        }
        Err(Failure::Validation(wrong)) => {
            page(&app, user, &request, (&wrong, None), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(failure) => Err(failure),
    }
}

/// `GET /.well-known/change-password`: where password managers send people (W3C, "A Well-Known URL for Changing
/// Passwords").
pub async fn well_known() -> HttpResponse {
    view::see_other("/account/password")
}

/// Changes it, and gives this browser its new session cookie. The gate cookies are in what comes back.
pub async fn change(app: &App, who: Fresh, new_password: &Redacted, request: &HttpRequest) -> Result<Opened, Failure> {
    let token = session_store::token(request).ok_or(Failure::Unauthenticated)?;
    let opened = change_password::change(app, &who.origin, &who.live, token, new_password).await?;
    session_store::go_on_as(request, app, &opened, who.live)?;
    Ok(opened)
}

/// `GET /account/password/remove`: what it means to do without one. Who cannot is led to how things stand.
pub async fn show_removal(app: web::Data<App>, who: Fresh, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let (factors, has_password) = look_at(&app, who.live.user).await?;
    if factors.passkeys == 0 || !has_password {
        return Ok(view::see_other("/account/security"));
    }
    let context = json!({ "passkeys": factors.passkeys });
    Ok(view::html(&request, &mut HttpResponse::Ok(), "accounts/remove_password.html", context))
}

/// `POST /account/password/remove`
pub async fn remove(
    app: web::Data<App>,
    who: Fresh,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let cookies = match Change::by(&app, &who.live, &who.origin, &request).remove_password().await {
        Ok(cookies) => cookies,
        // Pressed twice, or the passkey is gone by now.
        Err(Failure::NotFound | Failure::Conflict(_)) => return Ok(view::see_other("/account/security")),
        Err(failure) => return Err(failure),
    };
    let mut answer = view::see_other("/account/security?done=password-removed");
    cookies::add(&mut answer, cookies);
    Ok(answer)
}

/// What somebody signs in with, and whether a password is among it.
pub async fn look_at(app: &App, user: UserId) -> Result<(Factors, bool), Failure> {
    let found = app.db.read(move |tx| {
        let credentials = accounts::find_credentials_of(tx, user)?;
        Ok::<_, db::Error>((factors::list(tx, user)?, credentials.is_some_and(|held| held.password.is_some())))
    });
    Ok(found.await?)
}

async fn page(
    app: &App,
    user: UserId,
    request: &HttpRequest,
    (wrong, notice): (&[Field], Option<&str>),
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let (factors, has_password) = look_at(app, user).await?;
    let context = json!({
        "password_min": app.settings.password.min_length,
        "has_password": has_password,
        "can_do_without": has_password && factors.passkeys > 0,
    });
    let context = view::with(view::form(&json!({}), wrong, notice), context);
    Ok(view::html(request, &mut HttpResponse::build(status), "accounts/change_password.html", context))
}
