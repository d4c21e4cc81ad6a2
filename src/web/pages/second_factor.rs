//! `/login/second-factor`: the second step of signing in, for a browser that has done the first.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::destination;
use super::login::go_to;
use crate::app::App;
use crate::kernel::Redacted;
use crate::sessions::{Method, Opened};
use crate::signin::second_factor::{self, Attempt, Proof, try_proof};
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::who::Anyone;
use crate::web::{cookies, half_in, session_store, view};

const PATH: &str = "/login/second-factor";

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    return_to: String,
    /// `totp`, `passkey` or `recovery-code`; the most usual of what they have otherwise.
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
    page(&app, &request, (&asked.return_to, &asked.with), None).await
}

/// `POST /login/second-factor`
pub async fn submit(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let proof = if form.with == RECOVERY { Proof::RecoveryCode(form.code) } else { Proof::Totp(form.code) };
    match finish(&app, &who, &request, proof).await {
        Ok(opened) => {
            let cookies = half_in::cookies_of(&app, &request, &opened);
            Ok(go_to(&app, &request, &form.return_to, cookies))
        }
        Err(Failure::SignInAgain) => Ok(begin_again(&app, &form.return_to)),
        Err(failure) => page(&app, &request, (&form.return_to, &form.with), Some(failure)).await,
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

/// Gives this browser the cookie of the session that the proof has opened.
pub async fn finish(app: &App, who: &Anyone, request: &HttpRequest, proof: Proof) -> Result<Opened, Failure> {
    let pending = half_in::token(app, request).ok_or(Failure::SignInAgain)?;
    let attempt = Attempt { pending, proof, previous: session_store::token(request) };
    let opened = try_proof(app, &who.origin, attempt).await?;
    session_store::establish(request, app, &opened)?;
    Ok(opened)
}

/// With what went wrong, as far as it can be said on this page.
async fn page(
    app: &App,
    request: &HttpRequest,
    (return_to, with): (&str, &str),
    failure: Option<Failure>,
) -> Result<HttpResponse, Failure> {
    let methods = match half_in::token(app, request) {
        Some(token) => second_factor::find_methods(app, token).await?,
        None => None,
    };
    let Some(methods) = methods else { return Ok(begin_again(app, return_to)) };
    let status = failure.as_ref().map_or(StatusCode::OK, Failure::status);
    let wrong: Vec<Field> = match &failure {
        None => Vec::new(),
        Some(failure @ Failure::NotProved(_)) => vec![("code", failure.to_string())],
        Some(failure @ Failure::RateLimited(_)) => vec![("", failure.to_string())],
        Some(failure) => return Err(failure.clone()),
    };
    let chosen = choose(&methods, with);
    // A button for the passkey stands on every one of these pages.
    let others = methods.iter().filter(|method| Some(**method) != chosen && **method != Method::Passkey).copied();
    let context = view::with(view::form(&json!({}), &wrong, None), destination(app, return_to));
    let shown = json!({
        "with": chosen.map_or(RECOVERY, word),
        "passkey": methods.contains(&Method::Passkey),
        "others": others.map(|other| link(app, return_to, other)).collect::<Vec<_>>(),
    });
    let context = view::with(context, shown);
    let shown = view::html(request, &mut HttpResponse::build(status), "signin/second_factor.html", context);
    Ok(match failure {
        Some(failure) => failure.label(shown),
        None => shown,
    })
}

/// What was asked for, if they have it; the most usual of what they have otherwise.
fn choose(methods: &[Method], with: &str) -> Option<Method> {
    let asked_for = methods.iter().find(|method| word(**method) == with);
    asked_for.or_else(|| methods.first()).copied()
}

fn link(app: &App, return_to: &str, other: Method) -> Value {
    let mut query = Serializer::new(String::new());
    query.append_pair("with", word(other));
    json!({ "with": word(other), "href": with_return_to(app, PATH, return_to, query) })
}

/// In the address of the page.
fn word(method: Method) -> &'static str {
    match method {
        Method::RecoveryCode => RECOVERY,
        method => method.as_str(),
    }
}

const RECOVERY: &str = "recovery-code";

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
