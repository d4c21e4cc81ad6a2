//! Signing in by a mailed link. `/login/magic-link` belongs to the browser that asks: it says to read the mail, and takes
//! the code. `/magic-link` is the page that the link opens, there or anywhere else. Looking at it uses nothing up.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::way::{self, Way};
use super::{destination, in_words, inbox_url, login, provider, second_factor, verify_email};
use crate::accounts::magic_link::{self, Asker, Asking, Link};
use crate::accounts::verify_email::Password;
use crate::app::App;
use crate::db;
use crate::kernel::{EmailAddress, Redacted, Token};
use crate::mail::MAGIC_LINK_TTL;
use crate::sessions::Remember;
use crate::signin::Entered;
use crate::signin::magic_link::{Attempt, Proof, sign_in};
use crate::web::cookies::{self, Kind};
use crate::web::csrf::{Checked, ends_session, hide_address};
use crate::web::failure::{Failure, Field};
use crate::web::who::Anyone;
use crate::web::{half_in, session_store, view};

const PATH: &str = "/login/magic-link";

#[derive(Deserialize)]
pub struct AskForm {
    #[serde(default)]
    email: String,
    remember: Option<String>,
    #[serde(default)]
    return_to: String,
}

#[derive(Deserialize)]
pub struct CodeForm {
    code: Redacted,
}

#[derive(Deserialize)]
pub struct Opened {
    #[serde(default)]
    token: String,
}

/// `POST /login/magic-link`: the same answer whether or not there is an account.
pub async fn ask(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<AskForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let remember = if form.remember.is_some() { Remember::Yes } else { Remember::No };
    match request_link(&app, &who, &request, (&form.email, remember)).await {
        Ok(cookie) => {
            let mut answer = view::see_other(PATH);
            let way = Way::new(&app, &form.email, &form.return_to).keep(&app);
            cookies::add(&mut answer, vec![cookie, way]);
            Ok(answer)
        }
        Err(failure) => {
            let wrong: Vec<Field> = match &failure {
                Failure::RateLimited(_) => vec![("", failure.to_string())],
                Failure::Validation(fields) => fields.clone(),
                Failure::SsoRequired(only) => {
                    return Ok(provider::refuse(&app, &request, &failure, (only, &form.email), &form.return_to));
                }
                _ => return Err(failure),
            };
            let input = json!({ "email": form.email, "remember": form.remember.is_some() });
            let context = view::form(&input, &wrong, None);
            Ok(failure.label(login::page(&app, &request, &form.return_to, context, failure.status())))
        }
    }
}

/// Asks, and returns the cookie by which this browser is known again.
pub async fn request_link(
    app: &App,
    who: &Anyone,
    request: &HttpRequest,
    (email, remember): (&str, Remember),
) -> Result<Cookie<'static>, Failure> {
    let email = EmailAddress::parse(email).map_err(|error| Failure::field("email", error))?;
    let asking = Asking { email, remember, browser: browser(app, request) };
    let token = magic_link::ask(app, &who.origin, asking).await?;
    Ok(cookies::for_this_host(app, Kind::MagicLink, token.expose(), Some(MAGIC_LINK_TTL)))
}

/// `GET /login/magic-link`: what happens next, and a field for the code.
pub async fn asked(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    waiting(&app, &request, &[], StatusCode::OK).await
}

/// `POST /login/magic-link/code`
pub async fn enter_code(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<CodeForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match enter(&app, &who, &request, Proof::Code(form.code)).await {
        Ok((entered, password)) => Ok(go_on(&app, &request, &entered, password)),
        Err(Failure::Gone) => Ok(begin_again(&app, &request)),
        Err(failure @ Failure::NotProved(_)) => {
            let wrong: [Field; 1] = [("code", failure.to_string())];
            waiting(&app, &request, &wrong, failure.status()).await
        }
        Err(failure @ Failure::RateLimited(_)) => {
            let wrong: [Field; 1] = [("", failure.to_string())];
            Ok(failure.label(waiting(&app, &request, &wrong, failure.status()).await?))
        }
        Err(failure) => Err(failure),
    }
}

/// `GET /magic-link?token=…`
pub async fn show(
    app: web::Data<App>,
    opened: web::Query<Opened>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    page(&app, &opened.token, &request, StatusCode::OK).await
}

/// `POST /magic-link`: signs in, where the link was asked for.
pub async fn submit(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Opened>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&form.token) else { return Ok(gone(&app, &request)) };
    match enter(&app, &who, &request, Proof::Link(token)).await {
        Ok((entered, password)) => Ok(go_on(&app, &request, &entered, password)),
        Err(Failure::Gone) => Ok(gone(&app, &request)),
        // Its cookie is gone since the page was opened.
        Err(failure @ Failure::Forbidden(_)) => page(&app, &form.token, &request, failure.status()).await,
        Err(failure) => Err(failure),
    }
}

/// `POST /magic-link/code`: shows the code, for the browser that has asked.
pub async fn show_code(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Opened>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&form.token) else { return Ok(gone(&app, &request)) };
    let Some((code, asker)) = find_code(&app, &who, token).await? else { return Ok(gone(&app, &request)) };
    let (first, last) = code.expose().split_at_checked(3).ok_or(Failure::Internal)?;
    let context = json!({ "code": format!("{first} {last}"), "token": form.token, "asked": describe(&asker) });
    let mut response = HttpResponse::Ok();
    hide_address(&app, &mut response);
    Ok(view::html(&request, &mut response, "signin/magic_link_elsewhere.html", context))
}

/// The code, and who has asked for it; `None` when the link is gone.
pub async fn find_code(app: &App, who: &Anyone, token: Token) -> Result<Option<(magic_link::Code, Asker)>, Failure> {
    let sealer = app.sealer.clone();
    let shown = app.db.write(&who.origin, move |tx| magic_link::show_code(tx, &sealer, &token)).await;
    shown.map_err(|error: db::Error| error.into())
}

/// Gives this browser the cookie of its session, if nothing more is asked for.
pub async fn enter(
    app: &App,
    who: &Anyone,
    request: &HttpRequest,
    proof: Proof,
) -> Result<(Entered, Password), Failure> {
    let attempt = Attempt {
        proof,
        browser: browser(app, request),
        prover: verify_email::prover(app, who, request),
        held: half_in::held(app, request),
    };
    let (entered, password) = sign_in(app, &who.origin, attempt).await?;
    match &entered {
        Entered::In(opened) => session_store::establish(request, app, opened)?,
        Entered::HalfIn(_) => {}
    }
    Ok((entered, password))
}

/// What this browser need not keep once the link is used.
pub fn removal(app: &App) -> Cookie<'static> {
    let mut cookie = cookies::for_this_host(app, Kind::MagicLink, String::new(), None);
    cookie.make_removal();
    cookie
}

/// By which this browser has asked, if it has.
fn browser(app: &App, request: &HttpRequest) -> Option<Token> {
    let cookie = request.cookie(cookies::name(app, Kind::MagicLink))?;
    Token::parse(cookie.value())
}

fn go_on(app: &App, request: &HttpRequest, entered: &Entered, password: Password) -> HttpResponse {
    let mut way = Way::of(app, request);
    if password == Password::Gone && way.return_to.is_empty() {
        "/?done=proved".clone_into(&mut way.return_to);
    }
    let mut answer = match entered {
        Entered::In(opened) => login::go_to(app, request, &way.return_to, half_in::cookies_of(app, request, opened)),
        Entered::HalfIn(half) => {
            let mut answer = view::see_other(&second_factor::path(app, &way.return_to));
            cookies::add(&mut answer, vec![half_in::cookie(app, half)]);
            answer
        }
    };
    cookies::add(&mut answer, vec![removal(app), way::forget(app)]);
    answer
}

/// To the sign-in page. Where the person was going is not forgotten.
fn begin_again(app: &App, request: &HttpRequest) -> HttpResponse {
    let way = Way::of(app, request);
    view::see_other(&way.sign_in(login::LINK_AGAIN))
}

async fn waiting(
    app: &App,
    request: &HttpRequest,
    wrong: &[Field],
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let Some(browser) = browser(app, request) else { return Ok(begin_again(app, request)) };
    let asked = app.db.look_up(move |tx| magic_link::find_by_browser(tx, &browser)).await?;
    let Some(asked) = asked else { return Ok(begin_again(app, request)) };
    let way = Way::of(app, request);
    let context = view::with(view::form(&json!({}), wrong, None), destination(app, &way.return_to));
    let context = view::with(
        context,
        json!({
            "email": way.email,
            "remember": asked.remember == Remember::Yes,
            "valid_for": in_words(MAGIC_LINK_TTL),
            "inbox_url": inbox_url(app),
        }),
    );
    Ok(view::html(request, &mut HttpResponse::build(status), "signin/magic_link_sent.html", context))
}

async fn page(app: &App, token: &str, request: &HttpRequest, status: StatusCode) -> Result<HttpResponse, Failure> {
    let Some(parsed) = Token::parse(token) else { return Ok(gone(app, request)) };
    let browser = browser(app, request);
    let link = app.db.look_up(move |tx| magic_link::look_at(tx, &parsed, browser.as_ref())).await?;
    let (template, context) = match link {
        Link::Gone => return Ok(gone(app, request)),
        Link::Here(email) => {
            let way = Way::of(app, request);
            let context = json!({ "token": token, "email": email.as_str() });
            ("signin/magic_link.html", view::with(context, destination(app, &way.return_to)))
        }
        Link::Elsewhere(asker) => {
            let context = json!({ "token": token, "code": null, "asked": describe(&asker) });
            ("signin/magic_link_elsewhere.html", context)
        }
    };
    let mut response = HttpResponse::build(status);
    hide_address(app, &mut response);
    ends_session(request);
    Ok(view::html(request, &mut response, template, context))
}

fn describe(asker: &Asker) -> Value {
    json!({ "at": asker.at, "address": asker.address, "browser": asker.browser.as_deref().unwrap_or_default() })
}

fn gone(app: &App, request: &HttpRequest) -> HttpResponse {
    let context = json!({ "valid_for": in_words(MAGIC_LINK_TTL) });
    let mut response = HttpResponse::build(Failure::Gone.status());
    hide_address(app, &mut response);
    view::html(request, &mut response, "signin/magic_link_gone.html", context)
}
