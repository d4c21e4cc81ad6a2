//! `/auth/login/passkey/…`, `/auth/confirm/passkey/…`: proving with a passkey who one is.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::Value;

use super::auth::is_in;
use super::confirm::is_confirmed;
use super::me::no_store;
use super::passkeys::describe_question;
use crate::app::App;
use crate::factors::passkeys::Answer;
use crate::sessions::Remember;
use crate::signin::passkey::{self, Attempt, try_passkey};
use crate::signin::second_factor::{self, Proof};
use crate::stepup;
use crate::web::body::{ApiJson, MaybeJson};
use crate::web::failure::Failure;
use crate::web::pages::second_factor as second_step;
use crate::web::who::{Anyone, SignedInOrLeaving};
use crate::web::{half_in, session_store};

#[derive(Default, Deserialize)]
pub struct StartBody {
    /// Whether it is to be the only factor in a browser that is half signed in as well.
    #[serde(default)]
    alone: bool,
}

#[derive(Deserialize)]
pub struct FinishBody {
    ceremony: String,
    credential: Value,
    /// As it was started.
    #[serde(default)]
    alone: bool,
    /// Said in the first step, where this is the second.
    #[serde(default)]
    remember: bool,
}

/// `POST /auth/login/passkey/start`: what any passkey can answer, or those of whoever is half signed in.
pub async fn start_to_log_in(
    app: web::Data<App>,
    who: Anyone,
    MaybeJson(body): MaybeJson<StartBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let asked = match half_in::token(&app, &request).filter(|_| !body.alone) {
        Some(pending) => second_factor::ask(&app, &who.origin, pending).await?,
        None => passkey::ask(&app, &who.origin).await?,
    };
    Ok(no_store().json(describe_question(&asked)))
}

/// `POST /auth/login/passkey/finish`: 200 as login.
pub async fn log_in(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<FinishBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let FinishBody { ceremony, credential, alone, remember } = body;
    let answer = Answer { ceremony, credential };
    let held = half_in::held(&app, &request);
    if held.pending.is_some() && !alone {
        let opened = second_step::finish(&app, &who, &request, Proof::Passkey(answer)).await?;
        return is_in(&app, &request, &opened).await;
    }
    let attempt = Attempt { answer, remember: if remember { Remember::Yes } else { Remember::No }, held };
    let opened = try_passkey(&app, &who.origin, attempt).await?;
    session_store::establish(&request, &app, &opened)?;
    is_in(&app, &request, &opened).await
}

/// `POST /auth/confirm/passkey/start`
pub async fn start_to_confirm(app: web::Data<App>, who: SignedInOrLeaving) -> Result<HttpResponse, Failure> {
    let asked = stepup::ask(&app, &who.origin, &who.live).await?;
    Ok(no_store().json(describe_question(&asked)))
}

/// `POST /auth/confirm/passkey/finish`: as `POST /auth/confirm`.
pub async fn confirm(
    app: web::Data<App>,
    who: SignedInOrLeaving,
    ApiJson(answer): ApiJson<Answer>,
) -> Result<HttpResponse, Failure> {
    stepup::confirm(&app, &who.origin, &who.live, stepup::Proof::Passkey(answer)).await?;
    Ok(is_confirmed(&app))
}
