//! `/me/passkeys`: keys on a person's devices.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::me::{RenameBody, no_store};
use crate::app::App;
use crate::db;
use crate::factors::passkeys::{self, Asked, Passkey, Registration};
use crate::kernel::{Label, PasskeyId};
use crate::web::body::ApiJson;
use crate::web::cookies;
use crate::web::factor_change::Change;
use crate::web::failure::Failure;
use crate::web::who::{Fresh, Reader, SignedIn};

#[derive(Deserialize)]
pub struct FinishBody {
    ceremony: String,
    name: String,
    credential: Value,
}

/// `GET /me/passkeys`
pub async fn list(app: web::Data<App>, who: Reader) -> Result<HttpResponse, Failure> {
    let user = who.user;
    let listed = app.db.look_up(move |tx| passkeys::list(tx, user)).await?;
    Ok(no_store().json(json!({ "passkeys": listed.iter().map(describe).collect::<Vec<_>>() })))
}

/// `POST /me/passkeys/start`: what the browser is to put to an authenticator, within five minutes.
pub async fn start(app: web::Data<App>, who: Fresh, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let asked = Change::by(&app, &who.live, &who.origin, &request).start_passkey().await?;
    Ok(no_store().json(describe_question(&asked)))
}

/// `POST /me/passkeys/finish`: 200 and new cookies, with ten recovery codes where it is the first factor.
pub async fn finish(
    app: web::Data<App>,
    who: SignedIn,
    ApiJson(body): ApiJson<FinishBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let FinishBody { ceremony, name, credential } = body;
    let answer = Registration { ceremony, credential, name: label(&name)? };
    let (passkey, made) = Change::by(&app, &who.live, &who.origin, &request).finish_passkey(answer).await?;
    let mut answer = no_store().json(json!({ "passkey": describe(&passkey), "recovery_codes": made.codes }));
    cookies::add(&mut answer, made.cookies);
    Ok(answer)
}

/// `PATCH /me/passkeys/{id}`
pub async fn rename(
    app: web::Data<App>,
    who: SignedIn,
    id: web::Path<String>,
    ApiJson(body): ApiJson<RenameBody>,
) -> Result<HttpResponse, Failure> {
    let (id, name, user) = (passkey_id(&id)?, label(&body.name)?, who.live.user);
    let renamed = app.db.write(&who.origin, move |tx| passkeys::rename(tx, user, id, &name)).await;
    let renamed = renamed.map_err(|error: db::Error| Failure::from(error))?;
    Ok(no_store().json(describe(&renamed.ok_or(Failure::NotFound)?)))
}

/// `DELETE /me/passkeys/{id}`: 204 and new cookies.
pub async fn remove(
    app: web::Data<App>,
    who: Fresh,
    id: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let id = passkey_id(&id)?;
    let cookies = Change::by(&app, &who.live, &who.origin, &request).remove_passkey(id).await?;
    let mut answer = HttpResponse::NoContent().finish();
    cookies::add(&mut answer, cookies);
    Ok(answer)
}

/// What a browser is to put to an authenticator.
pub fn describe_question(asked: &Asked) -> Value {
    json!({ "ceremony": asked.ceremony.expose(), "publicKey": asked.public_key })
}

fn describe(passkey: &Passkey) -> Value {
    json!({
        "id": passkey.id,
        "name": passkey.name,
        "backed_up": passkey.is_backed_up,
        "created_at": passkey.created_at,
        "last_used_at": passkey.last_used_at,
    })
}

pub fn label(name: &str) -> Result<Label, Failure> {
    Label::parse(name).map_err(|error| Failure::field("name", error))
}

/// What is no id at all is nobody's.
pub fn passkey_id(text: &str) -> Result<PasskeyId, Failure> {
    text.parse().map_err(|_| Failure::NotFound)
}
