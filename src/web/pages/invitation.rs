//! `/invitation`: the page that the letter leads to. Looking at it uses nothing up.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::{in_words, login};
use crate::accounts::Name;
use crate::accounts::invited::{SignUp, Standing, look_at};
use crate::app::App;
use crate::db;
use crate::kernel::{Redacted, Token, UserId};
use crate::mail::INVITATION_TTL;
use crate::orgs::invitations::{Inviter, Offer};
use crate::sessions::Opened;
use crate::signin::invited::{Attempt, by_invitation};
use crate::web::api::invitations::{InvitationPath, add_cookies, load_own, refuse, refuse_own, take, take_own};
use crate::web::csrf::{Checked, hide_address};
use crate::web::failure::{Failure, Field};
use crate::web::who::{Anyone, SignedIn};
use crate::web::{half_in, session_store, view};

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    token: String,
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    password: Option<Redacted>,
}

#[derive(Deserialize)]
pub struct Nothing {}

/// `GET /invitation?token=…`
pub async fn show(
    app: web::Data<App>,
    who: Anyone,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    if asked.done == "declined" {
        return Ok(view::html(&request, &mut HttpResponse::Ok(), "orgs/invitation_declined.html", json!({})));
    }
    page(&app, &who, &asked.token, &request, ("", &[])).await
}

/// `POST /invitation`: accepts, for whoever is signed in or signs up by it.
pub async fn submit(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&form.token) else { return Ok(gone(&app, &request)) };
    let answer = if who.live.is_some() {
        accept(&app, &who, token, &request).await
    } else {
        sign_up(&app, &who, token, &form, &request).await
    };
    match answer {
        Err(Failure::Gone) => Ok(gone(&app, &request)),
        Err(Failure::Validation(wrong)) => page(&app, &who, &form.token, &request, (&form.name, &wrong)).await,
        // It says what to do: there is an account by now, or somebody else is signed in.
        Err(Failure::Unauthenticated | Failure::Forbidden(_)) => {
            page(&app, &who, &form.token, &request, (&form.name, &[])).await
        }
        answer => answer,
    }
}

/// `POST /invitation/decline`: by whoever has the letter.
pub async fn decline(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&form.token) else { return Ok(gone(&app, &request)) };
    match refuse(&app, &who, token).await {
        Ok(_) => Ok(view::see_other("/invitation?done=declined")),
        Err(Failure::Gone) => Ok(gone(&app, &request)),
        Err(failure) => Err(failure),
    }
}

/// `POST /invitation/{id}/accept`: of one to the address of whoever is signed in, from their list.
pub async fn accept_listed(
    app: web::Data<App>,
    who: SignedIn,
    path: web::Path<InvitationPath>,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match take_own(&app, &who, path.invitation()?).await {
        Ok(offer) => Ok(view::see_other(&home_of(&offer))),
        Err(Failure::Gone) => Ok(gone(&app, &request)),
        Err(failure) => Err(failure),
    }
}

/// `POST /invitation/{id}/decline`
pub async fn decline_listed(
    app: web::Data<App>,
    who: SignedIn,
    path: web::Path<InvitationPath>,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match refuse_own(&app, &who, path.invitation()?).await {
        Ok(_) => Ok(view::see_other("/invitation?done=declined")),
        Err(Failure::Gone) => Ok(gone(&app, &request)),
        Err(failure) => Err(failure),
    }
}

/// Those to the address of a person, as the list of their organizations shows them.
pub async fn listed(app: &App, user: UserId) -> Result<Vec<Value>, Failure> {
    let offers = load_own(app, user).await?;
    Ok(offers.iter().map(|offer| view::with(describe(offer), json!({ "id": offer.id }))).collect())
}

async fn accept(app: &App, who: &Anyone, token: Token, request: &HttpRequest) -> Result<HttpResponse, Failure> {
    let accepted = take(app, who, token, request).await?;
    let mut answer = view::see_other(&home_of(&accepted.offer));
    add_cookies(app, &accepted, &mut answer);
    Ok(answer)
}

async fn sign_up(
    app: &App,
    who: &Anyone,
    token: Token,
    form: &Form,
    request: &HttpRequest,
) -> Result<HttpResponse, Failure> {
    let name = Name::parse(&form.name).map_err(|error| Failure::field("name", error))?;
    // Without one there was no such field: the page now is another than the one that was posted.
    let password = form.password.clone().ok_or(Failure::Unauthenticated)?;
    let attempt = Attempt { form: SignUp { token, name, password }, previous: session_store::token(request) };
    let (opened, offer) = by_invitation(app, &who.origin, attempt).await?;
    enter(app, request, &opened, &offer)
}

fn enter(app: &App, request: &HttpRequest, opened: &Opened, offer: &Offer) -> Result<HttpResponse, Failure> {
    session_store::establish(request, app, opened)?;
    Ok(login::go_to(app, request, &home_of(offer), half_in::cookies_of(app, request, opened)))
}

fn home_of(offer: &Offer) -> String {
    format!("/orgs/{}", offer.organization.slug)
}

async fn page(
    app: &App,
    who: &Anyone,
    token: &str,
    request: &HttpRequest,
    (name, wrong): (&str, &[Field]),
) -> Result<HttpResponse, Failure> {
    let Some(parsed) = Token::parse(token) else { return Ok(gone(app, request)) };
    let (signup, signed_in) = (app.settings.accounts.signup, who.live.as_ref().map(|live| live.user));
    let look = app.db.read(move |tx| look_at(tx, signup, &parsed, signed_in)).await;
    let look = look.map_err(|error: db::Error| Failure::from(error))?;
    let Some((offer, standing)) = look else { return Ok(gone(app, request)) };
    let here = format!("/invitation?{}", Serializer::new(String::new()).append_pair("token", token).finish());
    let context = json!({
        "token": token,
        "return_to": here,
        "standing": word_for(standing),
        "password_min": app.settings.password.min_length,
    });
    let context = view::with(view::with(view::form(&json!({ "name": name }), wrong, None), describe(&offer)), context);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let mut response = HttpResponse::build(status);
    hide_address(app, &mut response);
    Ok(view::html(request, &mut response, "orgs/invitation.html", context))
}

fn describe(offer: &Offer) -> Value {
    json!({
        "organization": { "slug": offer.organization.slug, "name": offer.organization.name },
        "email": offer.email,
        "role": offer.role.as_str(),
        "inviter": offer.inviter.as_ref().map(Inviter::shown),
        "expires_at": offer.expires_at,
    })
}

/// As the template knows it.
fn word_for(standing: Standing) -> &'static str {
    match standing {
        Standing::Theirs => "theirs",
        Standing::SomebodyElses => "somebody_elses",
        Standing::SignInFirst => "sign_in_first",
        Standing::ByProvider => "by_provider",
        Standing::SignUp => "sign_up",
        Standing::Closed => "closed",
    }
}

fn gone(app: &App, request: &HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::build(Failure::Gone.status());
    hide_address(app, &mut response);
    view::html(request, &mut response, "orgs/invitation_gone.html", json!({ "valid_for": in_words(INVITATION_TTL) }))
}
