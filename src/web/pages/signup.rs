//! `/signup`, and the page that says what happens next.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::way::Way;
use super::{destination, in_words, inbox_url};
use crate::accounts::Name;
use crate::accounts::signup::{SignUp, sign_up};
use crate::app::App;
use crate::kernel::{EmailAddress, Redacted, Token};
use crate::web::cookies::{self, Kind};
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::view;
use crate::web::who::Anyone;

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    return_to: String,
}

#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    email: String,
    #[serde(default)]
    name: String,
    password: Redacted,
    #[serde(default)]
    return_to: String,
}

/// `GET /signup`
pub async fn show(app: web::Data<App>, who: Anyone, asked: web::Query<Asked>, request: HttpRequest) -> HttpResponse {
    if who.live.is_some() {
        return view::see_other("/");
    }
    let input = json!({ "email": "", "name": "" });
    page(&app, &request, &asked.return_to, view::form(&input, &[], None), StatusCode::OK)
}

/// `POST /signup`: the same answer for a fresh and for a taken address.
pub async fn submit(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match signed_up(&app, &who, &form).await {
        Ok(browser) => {
            let mut response = view::see_other("/check-mail");
            let way = Way::new(&app, &form.email, &form.return_to);
            for cookie in [browser_cookie(&app, &browser), way.keep(&app)] {
                response.add_cookie(&cookie).map_err(Failure::internal)?;
            }
            Ok(response)
        }
        Err(Failure::Validation(wrong)) => Ok(again(&app, &request, &form, &wrong)),
        Err(failure) => Err(failure),
    }
}

/// `GET /check-mail`: what happens next.
pub async fn check_mail(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    let way = Way::of(&app, &request);
    let context = json!({
        "email": way.email,
        "valid_for": in_words(app.settings.accounts.verification_ttl),
        "inbox_url": inbox_url(&app),
    });
    let context = view::with(context, destination(&app, &way.return_to));
    view::html(&request, &mut HttpResponse::Ok(), "accounts/check_mail.html", context)
}

async fn signed_up(app: &App, who: &Anyone, form: &Form) -> Result<Token, Failure> {
    let email = EmailAddress::parse(&form.email).map_err(|error| ("email", error.to_string()));
    let name = Name::parse(&form.name).map_err(|error| ("name", error.to_string()));
    match (email, name) {
        (Ok(email), Ok(name)) => {
            Ok(sign_up(app, &who.origin, SignUp { email, name, password: form.password.clone() }).await?)
        }
        (email, name) => Err(Failure::Validation(email.err().into_iter().chain(name.err()).collect())),
    }
}

/// By this the browser is known again when it follows the link; it lasts as long as the link.
pub fn browser_cookie(app: &App, browser: &Token) -> actix_web::cookie::Cookie<'static> {
    cookies::for_this_host(app, Kind::SignUp, browser.expose(), Some(app.settings.accounts.verification_ttl))
}

fn again(app: &App, request: &HttpRequest, form: &Form, wrong: &[Field]) -> HttpResponse {
    let input = json!({ "email": form.email, "name": form.name });
    page(app, request, &form.return_to, view::form(&input, wrong, None), StatusCode::UNPROCESSABLE_ENTITY)
}

fn page(app: &App, request: &HttpRequest, return_to: &str, form: Value, status: StatusCode) -> HttpResponse {
    let context = view::with(form, destination(app, return_to));
    let context = view::with(context, json!({ "password_min": app.settings.password.min_length }));
    view::html(request, &mut HttpResponse::build(status), "accounts/signup.html", context)
}
