//! `/login/second-factor`: the second step of signing in, for a browser that has done the first.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded::Serializer;

use super::destination;
use super::login::go_to;
use crate::app::App;
use crate::kernel::Redacted;
use crate::sessions::Opened;
use crate::signin::second_factor::{self, Attempt, CodeKind, is_waiting, try_code};
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::who::Anyone;
use crate::web::{cookies, half_in, session_store, view};

const PATH: &str = "/login/second-factor";

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    return_to: String,
    /// `recovery-code`; a code of the app otherwise.
    #[serde(default)]
    with: String,
}

#[derive(Deserialize)]
pub struct Form {
    code: Redacted,
    #[serde(default)]
    return_to: String,
    #[serde(default)]
    with: String,
}

#[derive(Deserialize)]
pub struct Leave {
    #[serde(default)]
    return_to: String,
}

/// Where the first step leads.
pub fn path(app: &App, return_to: &str) -> String {
    with_return_to(app, PATH, return_to, Serializer::new(String::new()))
}

/// `GET /login/second-factor`
pub async fn show(
    app: web::Data<App>,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let waits = match half_in::token(&app, &request) {
        Some(token) => is_waiting(&app, token).await?,
        None => false,
    };
    if !waits {
        return Ok(begin_again(&app, &asked.return_to));
    }
    Ok(page(&app, &request, (&asked.return_to, kind(&asked.with)), &[], StatusCode::OK))
}

/// `POST /login/second-factor`
pub async fn submit(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let kind = kind(&form.with);
    match finish(&app, &who, &request, kind, form.code).await {
        Ok(opened) => {
            let cookies = half_in::cookies_of(&app, &request, &opened);
            Ok(go_to(&app, &request, &form.return_to, cookies))
        }
        Err(Failure::SignInAgain) => Ok(begin_again(&app, &form.return_to)),
        Err(failure @ Failure::NotProved(_)) => {
            let wrong: [Field; 1] = [("code", failure.to_string())];
            Ok(page(&app, &request, (&form.return_to, kind), &wrong, failure.status()))
        }
        Err(failure @ Failure::RateLimited(_)) => {
            let wrong: [Field; 1] = [("", failure.to_string())];
            Ok(failure.label(page(&app, &request, (&form.return_to, kind), &wrong, failure.status())))
        }
        Err(failure) => Err(failure),
    }
}

/// `POST /login/second-factor/leave`: back to the first step, for somebody else. Where they were going is not forgotten.
pub async fn leave(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Leave>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let mut answer = view::see_other(&with_return_to(&app, "/login", &form.return_to, Serializer::new(String::new())));
    if let Some(pending) = half_in::token(&app, &request) {
        second_factor::leave(&app, &who.origin, pending).await?;
        cookies::add(&mut answer, vec![half_in::removal(&app)]);
    }
    Ok(answer)
}

/// Gives this browser the cookie of the session that the code has opened.
pub async fn finish(
    app: &App,
    who: &Anyone,
    request: &HttpRequest,
    kind: CodeKind,
    code: Redacted,
) -> Result<Opened, Failure> {
    let pending = half_in::token(app, request).ok_or(Failure::SignInAgain)?;
    let attempt = Attempt { pending, kind, code, previous: session_store::token(request) };
    let opened = try_code(app, &who.origin, attempt).await?;
    session_store::establish(request, app, &opened)?;
    Ok(opened)
}

fn page(
    app: &App,
    request: &HttpRequest,
    (return_to, kind): (&str, CodeKind),
    wrong: &[Field],
    status: StatusCode,
) -> HttpResponse {
    let mut other = Serializer::new(String::new());
    if kind == CodeKind::Totp {
        other.append_pair("with", RECOVERY);
    }
    let context = view::with(view::form(&json!({}), wrong, None), destination(app, return_to));
    let context = view::with(
        context,
        json!({
            "with": match kind { CodeKind::Totp => "", CodeKind::Recovery => RECOVERY },
            "other_way": with_return_to(app, PATH, return_to, other),
        }),
    );
    view::html(request, &mut HttpResponse::build(status), "signin/second_factor.html", context)
}

const RECOVERY: &str = "recovery-code";

fn kind(with: &str) -> CodeKind {
    if with == RECOVERY { CodeKind::Recovery } else { CodeKind::Totp }
}

/// The first step once more. Where the person was going is not forgotten.
fn begin_again(app: &App, return_to: &str) -> HttpResponse {
    let mut query = Serializer::new(String::new());
    query.append_pair("done", "again");
    view::see_other(&with_return_to(app, "/login", return_to, query))
}

fn with_return_to(app: &App, path: &str, return_to: &str, mut query: Serializer<'_, String>) -> String {
    if let Some(place) = app.destinations.check(return_to) {
        query.append_pair("return_to", &place.to_string());
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}
