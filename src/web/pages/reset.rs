//! `/forgot-password`, which asks for a link, and `/reset-password`, which the link opens. Looking at it uses nothing
//! up.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::way::{self, Way};
use super::{destination, in_words, inbox_url};
use crate::accounts::reset;
use crate::app::App;
use crate::db;
use crate::kernel::{EmailAddress, Redacted, Token};
use crate::web::csrf::{Checked, ends_session, hide_address};
use crate::web::failure::{Failure, Field};
use crate::web::view;
use crate::web::who::Anyone;

const RESTORED: &str = "This address is that of your account again, and everybody is signed out. Only the password is \
                        missing: the one of before no longer works.";

#[derive(Deserialize)]
pub struct Done {
    /// `sent` once the form was.
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    token: String,
    /// `restored` for whoever has just taken a change of the address back.
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub struct RequestForm {
    #[serde(default)]
    email: String,
}

#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    token: String,
    new_password: Redacted,
}

/// `GET /forgot-password`, and what happens next once it was asked.
pub async fn ask(app: web::Data<App>, who: Anyone, done: web::Query<Done>, request: HttpRequest) -> HttpResponse {
    let way = Way::of(&app, &request);
    if done.done == "sent" {
        return sent(&app, &request, &way);
    }
    let email = who.live.map_or(way.email, |live| live.email.as_str().to_owned());
    let form = view::form(&json!({ "email": email }), &[], None);
    question(&app, &request, form, StatusCode::OK)
}

/// `POST /forgot-password`: the same answer whether or not there is an account.
pub async fn submit_request(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<RequestForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let failure = match request_link(&app, &who, &form.email).await {
        Ok(()) => {
            let mut answer = view::see_other("/forgot-password?done=sent");
            let way = Way { email: form.email.trim().to_owned(), ..Way::of(&app, &request) };
            answer.add_cookie(&way.keep(&app)).map_err(Failure::internal)?;
            return Ok(answer);
        }
        Err(failure) => failure,
    };
    let wrong: Vec<Field> = match &failure {
        Failure::RateLimited(_) => vec![("", failure.to_string())],
        Failure::Validation(fields) => fields.clone(),
        _ => return Err(failure),
    };
    let form = view::form(&json!({ "email": form.email }), &wrong, None);
    Ok(failure.label(question(&app, &request, form, failure.status())))
}

async fn request_link(app: &App, who: &Anyone, email: &str) -> Result<(), Failure> {
    let email = EmailAddress::parse(email).map_err(|error| Failure::field("email", error))?;
    Ok(reset::request(app, &who.origin, email).await?)
}

/// `GET /reset-password?token=…`
pub async fn show(
    app: web::Data<App>,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let notice = (asked.done == "restored").then_some(RESTORED);
    page(&app, &asked.token, &request, &[], notice).await
}

/// `POST /reset-password`
pub async fn submit(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&form.token) else { return Ok(gone(&app, &request)) };
    match reset::reset(&app, &who.origin, token, form.new_password).await.map_err(Failure::from) {
        Ok(()) => {
            let mut answer = view::see_other(&Way::of(&app, &request).sign_in("reset"));
            answer.add_cookie(&way::forget(&app)).map_err(Failure::internal)?;
            Ok(answer)
        }
        Err(Failure::Gone) => Ok(gone(&app, &request)),
        Err(Failure::Validation(wrong)) => page(&app, &form.token, &request, &wrong, None).await,
        Err(failure) => Err(failure),
    }
}

fn question(app: &App, request: &HttpRequest, form: Value, status: StatusCode) -> HttpResponse {
    let context = view::with(form, destination(app, &Way::of(app, request).return_to));
    let context = view::with(context, json!({ "valid_for": in_words(app.settings.accounts.reset_ttl) }));
    view::html(request, &mut HttpResponse::build(status), "accounts/forgot_password.html", context)
}

fn sent(app: &App, request: &HttpRequest, way: &Way) -> HttpResponse {
    let context = json!({
        "email": way.email,
        "valid_for": in_words(app.settings.accounts.reset_ttl),
        "inbox_url": inbox_url(app),
    });
    let context = view::with(context, destination(app, &way.return_to));
    view::html(request, &mut HttpResponse::Ok(), "accounts/forgot_password_sent.html", context)
}

async fn page(
    app: &App,
    token: &str,
    request: &HttpRequest,
    wrong: &[Field],
    notice: Option<&str>,
) -> Result<HttpResponse, Failure> {
    let Some(parsed) = Token::parse(token) else { return Ok(gone(app, request)) };
    let holder = app.db.read(move |tx| reset::look_at(tx, &parsed)).await;
    let Some(holder) = holder.map_err(|error: db::Error| Failure::from(error))? else { return Ok(gone(app, request)) };
    let context = view::with(
        view::form(&json!({}), wrong, notice),
        json!({
            "token": token,
            "email": holder.email.as_str(),
            "password_min": app.settings.password.min_length,
        }),
    );
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let mut response = HttpResponse::build(status);
    hide_address(app, &mut response);
    ends_session(request);
    Ok(view::html(request, &mut response, "accounts/reset_password.html", context))
}

fn gone(app: &App, request: &HttpRequest) -> HttpResponse {
    let context = json!({ "valid_for": in_words(app.settings.accounts.reset_ttl) });
    let mut response = HttpResponse::build(Failure::Gone.status());
    hide_address(app, &mut response);
    view::html(request, &mut response, "accounts/reset_gone.html", context)
}
