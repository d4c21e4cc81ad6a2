//! `/auth/…`: signing up, in and out, and getting back in.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::me;
use crate::accounts::change_email::{self, Next};
use crate::accounts::signup::{SignUp, sign_up as make_account};
use crate::accounts::{Name, reset, verify_email as verification};
use crate::app::App;
use crate::kernel::{EmailAddress, Redacted, Token};
use crate::sessions::{Opened, Remember};
use crate::signin::Entered;
use crate::signin::password::{Attempt, try_password};
use crate::signin::second_factor::Proof;
use crate::web::body::ApiJson;
use crate::web::failure::Failure;
use crate::web::pages::{logout, second_factor, signup, verify_email as verify_page};
use crate::web::who::{Anyone, SignedInOrLeaving};
use crate::web::{cookies, half_in, session_store, view};

#[derive(Deserialize)]
pub struct SignUpBody {
    email: String,
    password: Redacted,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
pub struct VerifyBody {
    token: String,
    /// Needed where the browser that signed up cannot be recognised: the password chosen then, or a new one.
    password: Option<Redacted>,
}

#[derive(Deserialize)]
pub struct UndoBody {
    token: String,
}

#[derive(Deserialize)]
pub struct ForgotPasswordBody {
    email: String,
}

#[derive(Deserialize)]
pub struct ResetPasswordBody {
    token: String,
    new_password: Redacted,
}

#[derive(Deserialize)]
pub struct LogInBody {
    email: String,
    password: Redacted,
    #[serde(default)]
    remember: bool,
}

#[derive(Deserialize)]
pub struct CodeBody {
    pub(super) code: Redacted,
}

/// `POST /auth/signup`: 202, the same for a fresh and for a taken address.
pub async fn sign_up(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<SignUpBody>,
) -> Result<HttpResponse, Failure> {
    let email = EmailAddress::parse(&body.email).map_err(|error| Failure::field("email", error))?;
    let name = Name::parse(&body.name).map_err(|error| Failure::field("name", error))?;
    let browser = make_account(&app, &who.origin, SignUp { email, name, password: body.password }).await?;
    let message = "We have written to this address. The letter says how to go on.";
    let answer = json!({ "message": message });
    Ok(HttpResponse::Accepted().cookie(signup::browser_cookie(&app, &browser)).json(answer))
}

/// `POST /auth/verify-email`: 200 `{user}`; 410 for a link that is used or too old.
pub async fn verify_email(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<VerifyBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let token = Token::parse(&body.token).ok_or(Failure::Gone)?;
    let prover = verify_page::prover(&app, &who, &request);
    let verified = verification::verify(&app, &who.origin, token, prover, body.password).await?;
    let person = me::load(&app, verified.user.id).await?;
    let mut answer = me::no_store().json(json!({ "user": me::describe(&person) }));
    verify_page::go_on(&app, &request, &verified, &mut answer)?;
    Ok(answer)
}

/// `POST /auth/undo-email`: 200 with a token for [`reset_password`], if a password is needed; 410 for a link that is used or too old.
pub async fn undo_email(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<UndoBody>,
) -> Result<HttpResponse, Failure> {
    let token = Token::parse(&body.token).ok_or(Failure::Gone)?;
    let undone = change_email::undo(&app, &who.origin, token).await?;
    let (message, token) = match undone.next {
        Next::ChoosePassword(token) => {
            ("The address is back, and everybody is signed out. Choose a new password.", Some(token.expose()))
        }
        Next::SignIn => ("The address is back, and everybody is signed out. Sign in with a passkey.", None),
    };
    Ok(me::no_store().json(json!({ "message": message, "email": undone.email, "reset_token": token })))
}

/// `POST /auth/forgot-password`: 202, whether or not there is an account.
pub async fn forgot_password(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<ForgotPasswordBody>,
) -> Result<HttpResponse, Failure> {
    let email = EmailAddress::parse(&body.email).map_err(|error| Failure::field("email", error))?;
    reset::request(&app, &who.origin, email).await?;
    let message = "If there is an account with this address, we write to it. The letter says how to go on.";
    Ok(HttpResponse::Accepted().json(json!({ "message": message })))
}

/// `POST /auth/reset-password`: 204; 410 for a link that is used or too old. Nobody is signed in by it.
pub async fn reset_password(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<ResetPasswordBody>,
) -> Result<HttpResponse, Failure> {
    let token = Token::parse(&body.token).ok_or(Failure::Gone)?;
    reset::reset(&app, &who.origin, token, body.new_password).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /auth/login`: 200 `{user, session}` and the cookies; 401 `mfa_required` and a cookie for the second step.
pub async fn log_in(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<LogInBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let email = EmailAddress::parse(&body.email).map_err(|error| Failure::field("email", error))?;
    let attempt = Attempt {
        email,
        password: body.password,
        remember: if body.remember { Remember::Yes } else { Remember::No },
        held: half_in::held(&app, &request),
    };
    match try_password(&app, &who.origin, attempt).await? {
        Entered::In(opened) => {
            session_store::establish(&request, &app, &opened)?;
            is_in(&app, &request, &opened).await
        }
        Entered::HalfIn(half) => Ok(half_in::ask(&app, &request, &half)),
    }
}

/// `POST /auth/login/totp`: 200 as login, by whoever is half signed in.
pub async fn log_in_by_totp(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<CodeBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let opened = second_factor::finish(&app, &who, &request, Proof::Totp(body.code)).await?;
    is_in(&app, &request, &opened).await
}

/// `POST /auth/login/recovery-code`: the same without the app.
pub async fn log_in_by_recovery_code(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<CodeBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let opened = second_factor::finish(&app, &who, &request, Proof::RecoveryCode(body.code)).await?;
    is_in(&app, &request, &opened).await
}

/// Says who has come in, and hands out the cookies besides that of the session.
pub(super) async fn is_in(app: &App, request: &HttpRequest, opened: &Opened) -> Result<HttpResponse, Failure> {
    is_in_with(app, request, opened, json!({})).await
}

/// The same, and what there is to say besides.
pub(super) async fn is_in_with(
    app: &App,
    request: &HttpRequest,
    opened: &Opened,
    more: Value,
) -> Result<HttpResponse, Failure> {
    let person = me::load(app, opened.user).await?;
    let session = describe_session(opened, app.clock.now());
    let who = json!({ "user": me::describe(&person), "session": session });
    let mut answer = me::no_store().json(view::with(who, more));
    cookies::add(&mut answer, half_in::cookies_of(app, request, opened));
    Ok(answer)
}

/// `POST /auth/logout`: 204, the session is gone and so are its cookies.
pub async fn log_out(
    app: web::Data<App>,
    who: SignedInOrLeaving,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    logout::end(&app, &who.into(), &request).await?;
    Ok(logout::taking_cookies_away(&app, HttpResponse::NoContent().finish()))
}

fn describe_session(opened: &Opened, now: DateTime<Utc>) -> Value {
    json!({ "id": opened.id, "created_at": now, "last_auth_at": now, "expires_at": opened.expires_at })
}
