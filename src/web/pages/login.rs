//! `/login`: signing in, and going on to where a person came from.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::way::Way;
use super::{destination, ended, host_of, provider, second_factor};
use crate::app::App;
use crate::config::settings::Signup;
use crate::db;
use crate::factors::passkeys;
use crate::kernel::{EmailAddress, Redacted, ReturnTo};
use crate::sessions::{self, Live, Remember};
use crate::signin::Entered;
use crate::signin::password::{Attempt, try_password};
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::forward_auth::hand_over;
use crate::web::who::{Anyone, SignedIn};
use crate::web::{cookies, half_in, rotation, session_store, view};

/// Done: whatever was asked for by letter came to nothing.
pub(super) const LINK_AGAIN: &str = "link-again";

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    return_to: String,
    /// What was just done, one of the words of [`notice`].
    #[serde(default)]
    done: String,
    /// `password` once the address was given, where it is asked for first.
    #[serde(default)]
    step: String,
}

#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    email: String,
    password: Redacted,
    remember: Option<String>,
    #[serde(default)]
    return_to: String,
}

#[derive(Deserialize)]
pub struct Forgot {
    #[serde(default)]
    email: String,
    #[serde(default)]
    return_to: String,
}

#[derive(Deserialize)]
pub struct GoOn {
    #[serde(default)]
    return_to: String,
}

/// `GET /login`
pub async fn show(
    app: web::Data<App>,
    who: Anyone,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    if who.live.as_ref().is_some_and(Live::is_leaving) {
        return Ok(view::see_other("/account/restore"));
    }
    if who.live.is_some() && rotation::has_just_happened(&request) {
        return Ok(straight_on(&app, &asked.return_to));
    }
    if who.live.is_some() {
        let context = destination(&app, &asked.return_to);
        return Ok(view::html(&request, &mut HttpResponse::Ok(), "signin/interstitial.html", context));
    }
    if asked.step == provider::SECOND {
        return provider::second_step(&app, &request, &asked.return_to).await;
    }
    // Whoever asks for another link need not type the address again.
    let email = if asked.done == LINK_AGAIN { Way::of(&app, &request).email } else { String::new() };
    let input = json!({ "email": email, "remember": false });
    let notice = notice(&asked.done);
    // Whoever has just done something here knows why they have to sign in.
    let ended = session_store::why_ended(&request).filter(|_| notice.is_none());
    let ended = ended.and_then(|reason| ended::explain(reason, &app.settings.session));
    let form = view::with(view::form(&input, &[], notice), json!({ "ended": ended }));
    Ok(if provider::are_there(&app).await {
        provider::ask(&app, &request, &asked.return_to, form, StatusCode::OK)
    } else {
        page(&app, &request, &asked.return_to, form, StatusCode::OK)
    })
}

/// For somebody whose gate cookies had died under them: they come from an app and have them again.
fn straight_on(app: &App, return_to: &str) -> HttpResponse {
    match app.destinations.check(return_to) {
        Some(ReturnTo::App(url)) => view::see_other(url.as_str()),
        Some(ReturnTo::Here(path)) => view::see_other(&path),
        None => view::see_other("/"),
    }
}

/// `POST /login`
pub async fn submit(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match sign_in(&app, &who, &form, &request).await {
        Ok(Entered::In(opened)) => {
            session_store::establish(&request, &app, &opened)?;
            Ok(go_to(&app, &request, &form.return_to, half_in::cookies_of(&app, &request, &opened)))
        }
        Ok(Entered::HalfIn(half)) => {
            let mut answer = view::see_other(&second_factor::path(&app, &form.return_to));
            cookies::add(&mut answer, vec![half_in::cookie(&app, &half)]);
            Ok(answer)
        }
        Err(failure) => {
            let wrong: Vec<Field> = match &failure {
                Failure::InvalidCredentials | Failure::RateLimited(_) => vec![("", failure.to_string())],
                Failure::Validation(fields) => fields.clone(),
                Failure::SsoRequired(only) => {
                    return Ok(provider::refuse(&app, &request, &failure, (only, &form.email), &form.return_to));
                }
                _ => return Err(failure),
            };
            let input = json!({ "email": form.email, "remember": form.remember.is_some() });
            let filled_in = view::form(&input, &wrong, None);
            Ok(failure.label(page(&app, &request, &form.return_to, filled_in, failure.status())))
        }
    }
}

async fn sign_in(app: &App, who: &Anyone, form: &Form, request: &HttpRequest) -> Result<Entered, Failure> {
    let email = EmailAddress::parse(&form.email).map_err(|error| Failure::field("email", error))?;
    let attempt = Attempt {
        email,
        password: form.password.clone(),
        remember: if form.remember.is_some() { Remember::Yes } else { Remember::No },
        held: half_in::held(app, request),
    };
    Ok(try_password(app, &who.origin, attempt).await?)
}

/// `POST /login/forgot`: takes the address that was typed along to `/forgot-password`. In a cookie: what stands in a URL
/// is written into the logs of proxies.
pub async fn forgot(app: web::Data<App>, Checked(form): Checked<Forgot>) -> Result<HttpResponse, Failure> {
    let mut answer = view::see_other("/forgot-password");
    answer.add_cookie(&Way::new(&app, &form.email, &form.return_to).keep(&app)).map_err(Failure::internal)?;
    Ok(answer)
}

/// `POST /login/continue`: somebody who is signed in goes on to an app that did not know it. Their gate cookies are
/// made anew, since the app's proxy would not have sent them here with good ones.
pub async fn go_on(
    app: web::Data<App>,
    who: SignedIn,
    Checked(form): Checked<GoOn>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let (rules, session) = (app.settings.session.clone(), who.live.session);
    let issued = app.db.write(&who.origin, move |tx| sessions::renew_gate_cookies(tx, &rules, session));
    let remaining = who.live.is_remembered.then(|| who.live.expires_at - app.clock.now());
    let gates = issued.await.map_err(|error: db::Error| Failure::from(error))?.ok_or(Failure::Unauthenticated)?;
    let cookies = gates.iter().map(|gate| cookies::gate_cookie(&app, gate, remaining)).collect();
    let anew = hand_over::anew(&app, &form.return_to);
    Ok(go_to(&app, &request, anew.as_deref().unwrap_or(&form.return_to), cookies))
}

/// Home, a page of ours, or an app. Another origin is reached by a page that goes on by itself: our own policy
/// (`form-action 'self'`) forbids a form's answer to redirect there.
pub fn go_to(app: &App, request: &HttpRequest, return_to: &str, cookies: Vec<Cookie<'static>>) -> HttpResponse {
    let mut answer = match app.destinations.check(return_to) {
        Some(ReturnTo::App(url)) => {
            let context = json!({ "url": url.as_str(), "app_host": host_of(&url) });
            view::html(request, &mut HttpResponse::Ok(), "signin/continue.html", context)
        }
        Some(ReturnTo::Here(path)) => view::see_other(&path),
        None => view::see_other("/"),
    };
    cookies::add(&mut answer, cookies);
    answer
}

pub(super) fn page(app: &App, request: &HttpRequest, return_to: &str, form: Value, status: StatusCode) -> HttpResponse {
    page_of("signin/login.html", (app, request), return_to, form, status)
}

/// The same by another template, which is given the same.
pub(super) fn page_of(
    template: &str,
    (app, request): (&App, &HttpRequest),
    return_to: &str,
    form: Value,
    status: StatusCode,
) -> HttpResponse {
    let context = view::with(json!({ "ended": null, "provider": null, "is_second": false }), form);
    let context = view::with(context, destination(app, return_to));
    let signup_open = app.settings.accounts.signup == Signup::Open;
    let context = view::with(context, json!({ "signup_open": signup_open, "passkeys": passkeys::are_possible(app) }));
    view::html(request, &mut HttpResponse::build(status), template, context)
}

fn notice(done: &str) -> Option<&'static str> {
    match done {
        "verified" => Some("Your address is confirmed. Sign in to go on."),
        "again" => Some("Begin again: the first step was too long ago, or too many codes were tried."),
        LINK_AGAIN => Some("Ask for another link: that one was used, was too old, or too many codes were tried."),
        "restored" => Some("Your address is that of your account again, and everybody is signed out."),
        "stays" => Some("Your account stays. Sign in to go on."),
        "reset" => Some("Your password is changed. Sign in with the new one."),
        _ => None,
    }
}
