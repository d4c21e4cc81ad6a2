//! `/account/delete`, `/account/restore`, and `/restore`, the page that the letter leads to: leaving for good, and coming
//! back before it is too late. Looking at any of them changes nothing.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::in_words;
use super::security::Nothing;
use crate::accounts::{self, deletion};
use crate::app::App;
use crate::db;
use crate::kernel::{EmailAddress, Token, UserId};
use crate::orgs::succession::{self, Succession};
use crate::web::csrf::{Checked, hide_address};
use crate::web::failure::Failure;
use crate::web::who::{Anyone, Fresh, FreshOrLeaving, SignedInOrLeaving};
use crate::web::{reauth, session_store, view};

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub struct Link {
    #[serde(default)]
    token: String,
}

/// `GET /account/delete`: what will happen, before it does.
pub async fn show(
    app: web::Data<App>,
    who: Fresh,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let mailbox = find_mailbox(&app, who.live.user).await?;
    let user = who.live.user;
    let foreseen = app.db.read(move |tx| succession::foresee(tx, user)).await;
    let foreseen = foreseen.map_err(|error: db::Error| Failure::from(error))?;
    let grace = app.settings.accounts.deletion_grace;
    let context = json!({
        "organizations": foreseen.iter().map(describe).collect::<Vec<_>>(),
        "deletes_at": app.clock.now() + grace,
        "grace": in_words(grace),
        "mailbox": mailbox,
        "notice": reauth::notice(&asked.done),
    });
    Ok(view::html(&request, &mut HttpResponse::Ok(), "accounts/delete.html", context))
}

/// To its members it is no secret who they are.
fn describe(succession: &Succession) -> Value {
    let heir = succession
        .heir
        .as_ref()
        .map(|heir| json!({ "name": heir.name, "email": heir.person.email, "role": heir.role.as_str() }));
    json!({ "name": succession.organization.name, "slug": succession.organization.slug.as_str(), "heir": heir })
}

/// `POST /account/delete`
pub async fn submit(
    app: web::Data<App>,
    who: Fresh,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    ask(&app, FreshOrLeaving { live: who.live, origin: who.origin }, &request).await?;
    Ok(view::see_other("/account/restore"))
}

/// Asks for it, here or by the API; when it will happen.
pub async fn ask(app: &App, who: FreshOrLeaving, request: &HttpRequest) -> Result<DateTime<Utc>, Failure> {
    let token = session_store::token(request).ok_or(Failure::Unauthenticated)?;
    let (app2, live) = (app.clone(), who.live);
    Ok(app.db.write(&who.origin, move |tx| deletion::ask(tx, &app2, &live, &token)).await?)
}

/// `GET /account/restore`: all that somebody sees who leaves.
pub async fn show_restore(
    app: web::Data<App>,
    who: SignedInOrLeaving,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(deletes_at) = who.live.deletes_at else { return Ok(view::see_other("/")) };
    let mailbox = find_mailbox(&app, who.live.user).await?;
    let context = json!({ "deletes_at": deletes_at, "mailbox": mailbox });
    Ok(view::html(&request, &mut HttpResponse::Ok(), "accounts/restore.html", context))
}

/// `POST /account/restore`
pub async fn restore(
    app: web::Data<App>,
    who: SignedInOrLeaving,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    let (app2, user) = (App::clone(&app), who.live.user);
    match app.db.write(&who.origin, move |tx| deletion::come_back(tx, &app2, user)).await {
        // Pressed twice.
        Ok(()) | Err(deletion::Error::Staying) => Ok(view::see_other("/?done=stays")),
        Err(error) => Err(error.into()),
    }
}

/// `GET /restore?token=…`
pub async fn show_link(
    app: web::Data<App>,
    asked: web::Query<Link>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&asked.token) else { return Ok(gone(&app, &request)) };
    let found = app.db.read(move |tx| deletion::look_at(tx, &token)).await;
    let Some(user) = found.map_err(|error: db::Error| Failure::from(error))? else { return Ok(gone(&app, &request)) };
    let context = json!({ "token": asked.token, "email": user.email, "deletes_at": user.deletes_at });
    let mut response = HttpResponse::Ok();
    hide_address(&app, &mut response);
    Ok(view::html(&request, &mut response, "accounts/restore_link.html", context))
}

/// `POST /restore`: nobody is signed in by it.
pub async fn follow_link(
    app: web::Data<App>,
    who: Anyone,
    Checked(form): Checked<Link>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let Some(token) = Token::parse(&form.token) else { return Ok(gone(&app, &request)) };
    let app2 = App::clone(&app);
    match app.db.write(&who.origin, move |tx| deletion::come_back_by_link(tx, &app2, &token)).await {
        Ok(()) if who.live.is_some() => Ok(view::see_other("/?done=stays")),
        Ok(()) => Ok(view::see_other("/login?done=stays")),
        Err(deletion::Error::Gone | deletion::Error::Staying) => Ok(gone(&app, &request)),
        Err(error) => Err(error.into()),
    }
}

/// Where letters reach them, if anywhere.
async fn find_mailbox(app: &App, user: UserId) -> Result<Option<EmailAddress>, Failure> {
    let found = app.db.read(move |tx| match accounts::find(tx, user)? {
        Some(user) => deletion::find_mailbox(tx, &user),
        None => Ok(None),
    });
    found.await.map_err(|error: db::Error| Failure::from(error))
}

fn gone(app: &App, request: &HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::build(Failure::Gone.status());
    hide_address(app, &mut response);
    view::html(request, &mut response, "accounts/restore_gone.html", json!({}))
}
