//! `/verify-email`: the page a mailed link opens. Looking at it uses nothing up.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded::Serializer;

use super::in_words;
use super::way::{self, Way};
use crate::accounts::verify_email::{self, Link, Prover, Verified};
use crate::app::App;
use crate::db;
use crate::kernel::{EmailAddress, Redacted, Token};
use crate::web::cookies::{self, Kind};
use crate::web::csrf::{Checked, hide_address};
use crate::web::failure::{Failure, Field};
use crate::web::who::{Anyone, SignedIn};
use crate::web::{session_store, view};

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    token: String,
    password: Option<Redacted>,
}

#[derive(Deserialize)]
pub struct Nothing {}

/// `GET /verify-email?token=…`
pub async fn show(
    app: web::Data<App>,
    who: Anyone,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    page(&app, &who, &asked.token, &request, &[]).await
}

/// `POST /verify-email`
pub async fn submit(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&form.token) else { return Ok(gone(&app, &request)) };
    let verified = verify_email::verify(&app, &who.origin, token, prover(&app, &who, &request), form.password).await;
    match verified.map_err(Failure::from) {
        Ok(verified) if who.live.is_some() => {
            let mut answer = view::see_other("/?done=verified");
            go_on(&app, &request, &verified, &mut answer)?;
            Ok(answer)
        }
        Ok(_) => Ok(to_sign_in(&app, &request)),
        Err(Failure::Gone) => Ok(gone(&app, &request)),
        // It says what to do.
        Err(Failure::Unauthenticated) => page(&app, &who, &form.token, &request, &[]).await,
        Err(Failure::Validation(wrong)) => page(&app, &who, &form.token, &request, &wrong).await,
        Err(failure) => Err(failure),
    }
}

/// Gives the prover the cookies of their session as it is now.
pub fn go_on(app: &App, request: &HttpRequest, verified: &Verified, answer: &mut HttpResponse) -> Result<(), Failure> {
    if let Some(opened) = &verified.rotated {
        session_store::establish(request, app, opened)?;
        cookies::add(answer, cookies::for_gate(app, opened));
    }
    Ok(())
}

fn to_sign_in(app: &App, request: &HttpRequest) -> HttpResponse {
    let mut answer = view::see_other(&Way::of(app, request).sign_in("verified"));
    if let Err(error) = answer.add_cookie(&way::forget(app)) {
        log::error!("a cookie could not be taken away: {error}");
    }
    answer
}

/// `POST /email/verification`: sends the link again.
pub async fn resend(
    app: web::Data<App>,
    who: SignedIn,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    let (app2, user) = (App::clone(&app), who.live.user);
    app.db.write(&who.origin, move |tx| verify_email::resend(tx, &app2, user)).await?;
    Ok(view::see_other("/?done=sent"))
}

/// Who follows a link: by their session, or by the cookie they got when they signed up.
pub fn prover(app: &App, who: &Anyone, request: &HttpRequest) -> Prover {
    let browser = request.cookie(cookies::name(app, Kind::SignUp)).and_then(|cookie| Token::parse(cookie.value()));
    Prover {
        signed_in: who.live.as_ref().map(|live| live.user),
        session: session_store::token(request),
        browser: browser.map(|token| token.digest()),
    }
}

async fn page(
    app: &App,
    who: &Anyone,
    token: &str,
    request: &HttpRequest,
    wrong: &[Field],
) -> Result<HttpResponse, Failure> {
    let Some(parsed) = Token::parse(token) else { return Ok(gone(app, request)) };
    let prover = prover(app, who, request);
    let link = app.db.read(move |tx| verify_email::look_at(tx, &parsed, &prover)).await;
    let (email, needs_password) = match link.map_err(|error: db::Error| Failure::from(error))? {
        Link::Gone => return Ok(gone(app, request)),
        Link::Ready(email) => (email, false),
        Link::NeedsPassword(email) => (email, true),
        Link::NeedsSignIn(email) => return Ok(sign_in_first(app, request, token, &email)),
    };
    let context = view::with(
        view::form(&json!({}), wrong, None),
        json!({
            "token": token,
            "email": email.as_str(),
            "needs_password": needs_password,
            "password_min": app.settings.password.min_length,
        }),
    );
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let mut response = HttpResponse::build(status);
    hide_address(app, &mut response);
    Ok(view::html(request, &mut response, "accounts/verify_email.html", context))
}

/// For the new address of an account: whoever signs in to it comes back here.
fn sign_in_first(app: &App, request: &HttpRequest, token: &str, email: &EmailAddress) -> HttpResponse {
    let here = format!("/verify-email?{}", Serializer::new(String::new()).append_pair("token", token).finish());
    let context = json!({ "email": email.as_str(), "return_to": here });
    let mut response = HttpResponse::Ok();
    hide_address(app, &mut response);
    view::html(request, &mut response, "accounts/verify_sign_in.html", context)
}

fn gone(app: &App, request: &HttpRequest) -> HttpResponse {
    let context = json!({ "valid_for": in_words(app.settings.accounts.verification_ttl) });
    let mut response = HttpResponse::build(Failure::Gone.status());
    hide_address(app, &mut response);
    view::html(request, &mut response, "accounts/verify_gone.html", context)
}
