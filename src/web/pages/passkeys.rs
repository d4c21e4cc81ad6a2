//! `/account/security/passkeys` and what lies below: keys on somebody's devices. Making one takes a script, since no
//! browser does it without.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::password::look_at;
use super::security::{Asked, Nothing, after_making};
use super::sessions::ago;
use crate::app::App;
use crate::db;
use crate::factors::passkeys::{self, Passkey, Registration};

use crate::kernel::device;
use crate::web::api::passkeys::{label, passkey_id};
use crate::web::csrf::Checked;
use crate::web::factor_change::Change;
use crate::web::failure::{Failure, Field};
use crate::web::who::{Fresh, SignedIn};
use crate::web::{cookies, reauth, view};

const HERE: &str = "/account/security/passkeys";

/// Sent by the script, which has put the question to an authenticator.
#[derive(Deserialize)]
pub struct AddForm {
    name: String,
    ceremony: String,
    /// JSON.
    credential: String,
}

#[derive(Deserialize)]
pub struct NameForm {
    name: String,
}

/// `GET /.well-known/passkey-endpoints` (W3C, "A Well-Known URL for Relying Party Passkey Endpoints"): for programs
/// that keep passkeys.
pub async fn well_known(app: web::Data<App>) -> Result<HttpResponse, Failure> {
    if !passkeys::are_possible(&app) {
        return Err(Failure::NotFound);
    }
    let page = app.settings.server.public_url.join(HERE).map_err(Failure::internal)?;
    Ok(HttpResponse::Ok().json(json!({ "enroll": page, "manage": page })))
}

/// `GET /account/security/passkeys`
pub async fn list(
    app: web::Data<App>,
    who: SignedIn,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let form = view::form(&json!({ "name": suggested_name(&who) }), &[], notice(&asked.done));
    list_page(&app, &who, &request, form, StatusCode::OK).await
}

/// `POST /account/security/passkeys`: the answer shows the recovery codes where it is the first factor.
pub async fn add(
    app: web::Data<App>,
    who: SignedIn,
    Checked(form): Checked<AddForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let typed = json!({ "name": form.name });
    let (wrong, status): (Vec<Field>, StatusCode) = match try_to_add(&app, &who, form, &request).await {
        Ok(answer) => return Ok(answer),
        Err(Failure::Validation(wrong)) => (wrong, StatusCode::UNPROCESSABLE_ENTITY),
        Err(failure @ Failure::Conflict(_)) => (vec![("", failure.to_string())], failure.status()),
        Err(failure) => return Err(failure),
    };
    // No field shows what the script has sent.
    let wrong: Vec<Field> =
        wrong.into_iter().map(|(field, said)| (if field == "credential" { "" } else { field }, said)).collect();
    list_page(&app, &who, &request, view::form(&typed, &wrong, None), status).await
}

/// `GET /account/security/passkeys/{id}`: to rename one, or to remove it.
pub async fn show(
    app: web::Data<App>,
    who: SignedIn,
    id: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    one_page(&app, &who, &id, &request, &[]).await
}

/// `POST /account/security/passkeys/{id}/name`
pub async fn rename(
    app: web::Data<App>,
    who: SignedIn,
    id: web::Path<String>,
    Checked(form): Checked<NameForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let (key, user) = (passkey_id(&id)?, who.live.user);
    let name = match label(&form.name) {
        Ok(name) => name,
        Err(Failure::Validation(wrong)) => return one_page(&app, &who, &id, &request, &wrong).await,
        Err(failure) => return Err(failure),
    };
    let renamed = app.db.write(&who.origin, move |tx| passkeys::rename(tx, user, key, &name)).await;
    renamed.map_err(|error: db::Error| Failure::from(error))?.ok_or(Failure::NotFound)?;
    Ok(view::see_other(&format!("{HERE}?done=renamed")))
}

/// `POST /account/security/passkeys/{id}/remove`
pub async fn remove(
    app: web::Data<App>,
    who: Fresh,
    id: web::Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let id = passkey_id(&id)?;
    let cookies = Change::by(&app, &who.live, &who.origin, &request).remove_passkey(id).await?;
    let mut answer = view::see_other(&format!("{HERE}?done=removed"));
    cookies::add(&mut answer, cookies);
    Ok(answer)
}

async fn try_to_add(app: &App, who: &SignedIn, form: AddForm, request: &HttpRequest) -> Result<HttpResponse, Failure> {
    let name = label(&form.name)?;
    // What is no JSON is no answer either, and is refused as one.
    let credential = serde_json::from_str(&form.credential).unwrap_or(Value::Null);
    let answer = Registration { ceremony: form.ceremony, credential, name };
    let (_, made) = Change::by(app, &who.live, &who.origin, request).finish_passkey(answer).await?;
    Ok(after_making(app, request, made, "passkey-added"))
}

async fn list_page(
    app: &App,
    who: &SignedIn,
    request: &HttpRequest,
    form: Value,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let (user, now) = (who.live.user, app.clock.now());
    let listed = app.db.look_up(move |tx| passkeys::list(tx, user)).await?;
    let context = json!({
        "passkeys": listed.iter().map(|passkey| describe(passkey, now)).collect::<Vec<_>>(),
        "are_possible": passkeys::are_possible(app),
    });
    let context = view::with(form, context);
    Ok(view::html(request, &mut HttpResponse::build(status), "accounts/passkeys.html", context))
}

async fn one_page(
    app: &App,
    who: &SignedIn,
    id: &str,
    request: &HttpRequest,
    wrong: &[Field],
) -> Result<HttpResponse, Failure> {
    let (id, user, now) = (passkey_id(id)?, who.live.user, app.clock.now());
    let passkey = app.db.look_up(move |tx| passkeys::find(tx, user, id)).await?;
    let (factors, has_password) = look_at(app, user).await?;
    let passkey = passkey.ok_or(Failure::NotFound)?;
    let is_last = !factors.totp && factors.passkeys == 1;
    let form = view::form(&json!({ "name": passkey.name }), wrong, None);
    let context = view::with(
        form,
        json!({
            "passkey": describe(&passkey, now),
            "is_last": is_last,
            "is_only_way_in": factors.passkeys == 1 && !has_password,
        }),
    );
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(view::html(request, &mut HttpResponse::build(status), "accounts/passkey.html", context))
}

fn describe(passkey: &Passkey, now: DateTime<Utc>) -> Value {
    json!({
        "id": passkey.id,
        "name": passkey.name,
        "is_backed_up": passkey.is_backed_up,
        "created_at": passkey.created_at,
        "last_used_at": passkey.last_used_at,
        "last_used": passkey.last_used_at.map(|at| ago(now - at)),
    })
}

/// Most keys are made on the device that they will be used on.
fn suggested_name(who: &SignedIn) -> String {
    who.origin.user_agent.as_deref().and_then(device::name).unwrap_or_default()
}

fn notice(done: &str) -> Option<&'static str> {
    match done {
        "renamed" => Some("The passkey has another name now."),
        "removed" => Some("The passkey is removed. It signs nobody in any more."),
        done => reauth::notice(done),
    }
}
