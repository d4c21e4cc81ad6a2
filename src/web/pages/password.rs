//! `/account/password`: choosing a new one while signed in.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use crate::accounts::change_password;
use crate::app::App;
use crate::kernel::Redacted;
use crate::sessions::Opened;
use crate::web::csrf::Checked;
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
pub async fn show(app: web::Data<App>, _: Fresh, asked: web::Query<Asked>, request: HttpRequest) -> HttpResponse {
    page(&app, &request, &[], reauth::notice(&asked.done), StatusCode::OK)
}

/// `POST /account/password`
pub async fn submit(
    app: web::Data<App>,
    who: Fresh,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match change(&app, who, &form.new_password, &request).await {
        Ok(opened) => {
            let mut answer = view::see_other("/?done=password");
            cookies::add(&mut answer, cookies::for_gate(&app, &opened));
            Ok(answer)
        }
        Err(Failure::Validation(wrong)) => Ok(page(&app, &request, &wrong, None, StatusCode::UNPROCESSABLE_ENTITY)),
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

fn page(app: &App, request: &HttpRequest, wrong: &[Field], notice: Option<&str>, status: StatusCode) -> HttpResponse {
    let context =
        view::with(view::form(&json!({}), wrong, notice), json!({ "password_min": app.settings.password.min_length }));
    view::html(request, &mut HttpResponse::build(status), "accounts/change_password.html", context)
}
