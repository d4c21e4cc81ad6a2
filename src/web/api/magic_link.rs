//! `/auth/magic-link`: signing in by a mailed link, for programs.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::auth::is_in;
use super::me::no_store;
use crate::app::App;
use crate::kernel::{Redacted, Token};
use crate::sessions::Remember;
use crate::signin::Entered;
use crate::signin::magic_link::Proof;
use crate::web::body::ApiJson;
use crate::web::failure::Failure;
use crate::web::pages::magic_link as page;
use crate::web::who::Anyone;
use crate::web::{cookies, half_in};

#[derive(Deserialize)]
pub struct AskBody {
    email: String,
    #[serde(default)]
    remember: bool,
}

#[derive(Deserialize)]
pub struct LinkBody {
    token: String,
}

#[derive(Deserialize)]
pub struct LogInBody {
    /// Of the letter's link.
    token: Option<String>,
    /// That the link shows elsewhere.
    code: Option<Redacted>,
}

/// `POST /auth/magic-link`: 202, whether or not there is an account, and the cookie without which neither the link nor
/// its code signs anybody in.
pub async fn ask(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<AskBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let remember = if body.remember { Remember::Yes } else { Remember::No };
    let cookie = page::request_link(&app, &who, &request, (&body.email, remember)).await?;
    let message = "If there is an account with this address, we write to it. The letter says how to go on.";
    Ok(HttpResponse::Accepted().cookie(cookie).json(json!({ "message": message })))
}

/// `POST /auth/magic-link/code`: 200 `{code, asked, expires_in}`, for whoever has the link elsewhere; 410 for one that is
/// used or too old.
pub async fn show_code(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<LinkBody>,
) -> Result<HttpResponse, Failure> {
    let token = Token::parse(&body.token).ok_or(Failure::Gone)?;
    let (code, asker) = page::find_code(&app, &who, token).await?.ok_or(Failure::Gone)?;
    Ok(no_store().json(json!({
        "code": code.expose(),
        "asked": { "at": asker.at, "ip": asker.address, "device_name": asker.browser },
        "expires_in": (asker.until - app.clock.now()).num_seconds(),
    })))
}

/// `POST /auth/login/magic-link`: 200 as login; 403 `forbidden` for a link that another browser has asked for.
pub async fn log_in(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<LogInBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let proof = match (body.token, body.code) {
        (Some(token), None) => Proof::Link(Token::parse(&token).ok_or(Failure::Gone)?),
        (None, Some(code)) => Proof::Code(code),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Failure::InvalidRequest("Send either a token or a code.".to_owned()));
        }
    };
    let (entered, _) = page::enter(&app, &who, &request, proof).await?;
    let mut answer = match entered {
        Entered::In(opened) => is_in(&app, &request, &opened).await?,
        Entered::HalfIn(half) => half_in::ask(&app, &request, &half),
    };
    cookies::add(&mut answer, vec![page::removal(&app)]);
    Ok(answer)
}
