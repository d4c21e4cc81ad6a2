//! `/setup`: the page that the link of the start-up banner opens. Looking at it uses nothing up.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{in_words, login};
use crate::accounts::Name;
use crate::accounts::setup::{LINK_TTL, is_open};
use crate::accounts::signup::SignUp;
use crate::app::App;
use crate::db;
use crate::kernel::{EmailAddress, Redacted, Token};
use crate::sessions::Opened;
use crate::signin::setup::{Attempt, by_setup_link};
use crate::web::csrf::{Checked, hide_address};
use crate::web::failure::{Failure, Field};
use crate::web::who::Anyone;
use crate::web::{half_in, session_store, view};

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    token: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    name: String,
    password: Redacted,
}

/// `GET /setup?token=…`
pub async fn show(
    app: web::Data<App>,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&asked.token) else { return Ok(gone(&app, &request)) };
    let look = app.db.read(move |tx| is_open(tx, &token.digest())).await;
    if !look.map_err(|error: db::Error| Failure::from(error))? {
        return Ok(gone(&app, &request));
    }
    let form = view::form(&json!({ "email": "", "name": "" }), &[], None);
    Ok(page(&app, &request, &asked.token, form, StatusCode::OK))
}

/// `POST /setup`
pub async fn submit(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&form.token) else { return Ok(gone(&app, &request)) };
    match set_up(&app, &who, token, &form, &request).await {
        Ok(opened) => {
            session_store::establish(&request, &app, &opened)?;
            Ok(login::go_to(&app, &request, "/?done=set-up", half_in::cookies_of(&app, &request, &opened)))
        }
        Err(Failure::Gone) => Ok(gone(&app, &request)),
        Err(Failure::Validation(wrong)) => {
            let filled_in = view::form(&json!({ "email": form.email, "name": form.name }), &wrong, None);
            Ok(page(&app, &request, &form.token, filled_in, StatusCode::UNPROCESSABLE_ENTITY))
        }
        Err(failure) => Err(failure),
    }
}

async fn set_up(app: &App, who: &Anyone, token: Token, form: &Form, request: &HttpRequest) -> Result<Opened, Failure> {
    let form = parse(form).map_err(Failure::Validation)?;
    let previous = session_store::token(request);
    Ok(by_setup_link(app, &who.origin, Attempt { token, form, previous }).await?)
}

fn parse(form: &Form) -> Result<SignUp, Vec<Field>> {
    let email = EmailAddress::parse(&form.email).map_err(|error| ("email", error.to_string()));
    let name = Name::parse(&form.name).map_err(|error| ("name", error.to_string()));
    match (email, name) {
        (Ok(email), Ok(name)) => Ok(SignUp { email, name, password: form.password.clone() }),
        (email, name) => Err(email.err().into_iter().chain(name.err()).collect()),
    }
}

fn page(app: &App, request: &HttpRequest, token: &str, form: Value, status: StatusCode) -> HttpResponse {
    let context = json!({ "token": token, "password_min": app.settings.password.min_length });
    let mut response = HttpResponse::build(status);
    hide_address(app, &mut response);
    view::html(request, &mut response, "setup/setup.html", view::with(form, context))
}

fn gone(app: &App, request: &HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::build(Failure::Gone.status());
    hide_address(app, &mut response);
    view::html(request, &mut response, "setup/setup_gone.html", json!({ "valid_for": in_words(LINK_TTL) }))
}
