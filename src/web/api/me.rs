//! `/me`: a person's own account.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::accounts::deletion::come_back;
use crate::accounts::profile::rename as set_name;
use crate::accounts::{self, Name, User, verify_email};
use crate::app::App;
use crate::db;
use crate::factors::{self, Factors};
use crate::kernel::{Redacted, UserId};
use crate::orgs::{self, Membership};
use crate::web::body::ApiJson;
use crate::web::cookies;
use crate::web::factor_change::Change;
use crate::web::failure::Failure;
use crate::web::pages::{deletion, email, password};
use crate::web::who::{Fresh, FreshOrLeaving, ReaderOrLeaving, SignedIn, SignedInOrLeaving};

#[derive(Deserialize)]
pub struct RenameBody {
    pub name: String,
}

#[derive(Deserialize)]
pub struct EmailBody {
    email: String,
}

#[derive(Deserialize)]
pub struct PasswordBody {
    new_password: Redacted,
}

/// `GET /me`
pub async fn show(app: web::Data<App>, who: ReaderOrLeaving) -> Result<HttpResponse, Failure> {
    let person = load(&app, who.user).await?;
    Ok(no_store().json(describe(&person)))
}

/// `PATCH /me`
pub async fn rename(
    app: web::Data<App>,
    who: SignedIn,
    ApiJson(body): ApiJson<RenameBody>,
) -> Result<HttpResponse, Failure> {
    let name = Name::parse(&body.name).map_err(|error| Failure::field("name", error))?;
    let user = who.live.user;
    app.db.write(&who.origin, move |tx| set_name(tx, user, &name)).await.map_err(|e: db::Error| Failure::from(e))?;
    Ok(no_store().json(describe(&load(&app, user).await?)))
}

/// `PUT /me/email`: 200 and new cookies; 409 for one that is taken. The same address again changes nothing.
pub async fn change_email(
    app: web::Data<App>,
    who: Fresh,
    ApiJson(body): ApiJson<EmailBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let user = who.live.user;
    let (done, cookies) = email::change(&app, who, &body.email, &request).await?;
    let user = describe(&load(&app, user).await?);
    let mut answer = no_store().json(json!({ "message": email::sentence(done), "user": user }));
    cookies::add(&mut answer, cookies);
    Ok(answer)
}

/// `PUT /me/password`: 200 and new cookies; every other session ends.
pub async fn change_password(
    app: web::Data<App>,
    who: Fresh,
    ApiJson(body): ApiJson<PasswordBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let opened = password::change(&app, who, &body.new_password, &request).await?;
    let mut answer = no_store().json(json!({ "message": "Your password is changed." }));
    cookies::add(&mut answer, cookies::for_gate(&app, &opened));
    Ok(answer)
}

/// `DELETE /me/password`: 204 and new cookies, for somebody who has a passkey instead.
pub async fn remove_password(app: web::Data<App>, who: Fresh, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let cookies = Change::by(&app, &who.live, &who.origin, &request).remove_password().await?;
    let mut answer = HttpResponse::NoContent().finish();
    cookies::add(&mut answer, cookies);
    Ok(answer)
}

/// `DELETE /me`: 202 `{deletes_at}`; the same again for somebody who has asked before.
pub async fn delete(app: web::Data<App>, who: FreshOrLeaving, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let deletes_at = deletion::ask(&app, who, &request).await?;
    let mut answer = HttpResponse::Accepted();
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    Ok(answer.json(json!({ "message": "Your account is to be deleted.", "deletes_at": deletes_at })))
}

/// `POST /me/restore`: 200 `{user}`; 409 for somebody who stays anyway.
pub async fn restore(app: web::Data<App>, who: SignedInOrLeaving) -> Result<HttpResponse, Failure> {
    let (app2, user) = (App::clone(&app), who.live.user);
    app.db.write(&who.origin, move |tx| come_back(tx, &app2, user)).await?;
    let user = describe(&load(&app, user).await?);
    Ok(no_store().json(json!({ "message": "Your account stays.", "user": user })))
}

/// `POST /me/email/verification`: 202, the link is on its way again.
pub async fn resend_verification(app: web::Data<App>, who: SignedIn) -> Result<HttpResponse, Failure> {
    let (app2, user) = (App::clone(&app), who.live.user);
    app.db.write(&who.origin, move |tx| verify_email::resend(tx, &app2, user)).await?;
    Ok(HttpResponse::Accepted().json(json!({ "message": "We have sent you a new link." })))
}

/// Somebody with what they prove themselves with and what they belong to.
pub struct Person {
    pub user: User,
    pub factors: Factors,
    pub organizations: Vec<Membership>,
}

/// A person as the API shows them.
pub fn describe(person: &Person) -> Value {
    let Person { user, factors, organizations } = person;
    let second_factor_from = organizations.iter().filter_map(|one| one.organization.second_factor_from).min();
    let organizations = organizations.iter().map(|membership| {
        let organization = &membership.organization;
        json!({ "slug": organization.slug, "name": organization.name, "role": membership.role.as_str() })
    });
    let mfa = json!({
        "totp": factors.totp,
        "passkeys": factors.passkeys,
        "recovery_codes_left": factors.recovery_codes_left,
    });
    json!({
        "id": user.id,
        "email": user.email,
        "email_verified": user.is_verified(),
        "name": user.name,
        "created_at": user.created_at,
        "mfa": mfa,
        "second_factor_from": second_factor_from,
        "organizations": organizations.collect::<Vec<_>>(),
        "deletion": user.deletes_at.map(|deletes_at| json!({ "deletes_at": deletes_at })),
    })
}

pub async fn load(app: &App, id: UserId) -> Result<Person, Failure> {
    let found = app.db.read(move |tx| {
        let user = accounts::find(tx, id)?;
        Ok::<_, db::Error>((user, factors::list(tx, id)?, orgs::list_of(tx, id)?))
    });
    let (user, factors, organizations) = found.await?;
    // Deleted between the look at the session and this one.
    Ok(Person { user: user.ok_or(Failure::Unauthenticated)?, factors, organizations })
}

pub fn no_store() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response
}
