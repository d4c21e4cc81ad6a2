//! `/undo-email`: the way back to an address that an account has left. Looking at the page uses nothing up, and nobody
//! has to sign in for it.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded::Serializer;

use super::in_words;
use crate::accounts::change_email::{self, Next};
use crate::app::App;
use crate::db;
use crate::kernel::Token;
use crate::mail::EMAIL_UNDO_TTL;
use crate::web::csrf::{Checked, ends_session, hide_address};
use crate::web::failure::Failure;
use crate::web::view;
use crate::web::who::Anyone;

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    token: String,
}

/// `GET /undo-email?token=…`
pub async fn show(
    app: web::Data<App>,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&asked.token) else { return Ok(gone(&app, &request)) };
    let email = app.db.read(move |tx| change_email::look_at(tx, &token)).await;
    let Some(email) = email.map_err(|error: db::Error| Failure::from(error))? else { return Ok(gone(&app, &request)) };
    let context = json!({ "token": asked.token, "email": email.as_str() });
    let mut response = HttpResponse::Ok();
    hide_address(&app, &mut response);
    ends_session(&request);
    Ok(view::html(&request, &mut response, "accounts/undo_email.html", context))
}

/// `POST /undo-email`: takes the change back, and leads to where a new password is chosen.
pub async fn submit(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&form.token) else { return Ok(gone(&app, &request)) };
    match change_email::undo(&app, &who.origin, token).await.map_err(Failure::from) {
        Ok(undone) => Ok(go_on(&undone.next)),
        Err(Failure::Gone) => Ok(gone(&app, &request)),
        Err(failure) => Err(failure),
    }
}

fn go_on(next: &Next) -> HttpResponse {
    match next {
        Next::ChoosePassword(token) => {
            let mut query = Serializer::new(String::new());
            let query = query.append_pair("token", &token.expose()).append_pair("done", "restored").finish();
            view::see_other(&format!("/reset-password?{query}"))
        }
        Next::SignIn => view::see_other("/login?done=restored"),
    }
}

fn gone(app: &App, request: &HttpRequest) -> HttpResponse {
    let context = json!({ "valid_for": in_words(EMAIL_UNDO_TTL) });
    let mut response = HttpResponse::build(Failure::Gone.status());
    hide_address(app, &mut response);
    view::html(request, &mut response, "accounts/undo_gone.html", context)
}
