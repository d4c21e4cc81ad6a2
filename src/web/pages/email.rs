//! `/account/email`: another address, and how it stands with this one.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{in_words, inbox_url};
use crate::accounts::change_email::{self, Changed};
use crate::app::App;
use crate::db;
use crate::kernel::{EmailAddress, UserId};
use crate::mail::EMAIL_UNDO_TTL;
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::who::Fresh;
use crate::web::{cookies, reauth, session_store, view};

#[derive(Deserialize)]
pub struct Asked {
    /// What was just done: the word of a [`Done`], or what [`reauth::notice`] knows.
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    email: String,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Done {
    Moved,
    Respelled,
    Same,
}

impl Done {
    const ALL: [Self; 3] = [Self::Moved, Self::Respelled, Self::Same];

    /// As our own addresses write it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Moved => "changed",
            Self::Respelled => "respelled",
            Self::Same => "same",
        }
    }
}

/// For whoever has asked for it, here or by the API.
pub fn sentence(done: Done) -> &'static str {
    match done {
        Done::Moved => "Your address is changed. We have sent a link to the new one: follow it to confirm it.",
        Done::Respelled => "Your address is written as you wish from now on.",
        Done::Same => "This is your address already. Nothing was changed.",
    }
}

/// `GET /account/email`
pub async fn show(
    app: web::Data<App>,
    who: Fresh,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let done = Done::ALL.into_iter().find(|done| done.as_str() == asked.done);
    let notice = done.map(sentence).or_else(|| reauth::notice(&asked.done));
    let form = view::form(&json!({ "email": "" }), &[], notice);
    page(&app, who.live.user, &request, form, StatusCode::OK).await
}

/// `POST /account/email`
pub async fn submit(
    app: web::Data<App>,
    who: Fresh,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let user = who.live.user;
    let failure = match change(&app, who, &form.email, &request).await {
        Ok((done, cookies)) => {
            let mut answer = view::see_other(&format!("/account/email?done={}", done.as_str()));
            cookies::add(&mut answer, cookies);
            return Ok(answer);
        }
        Err(failure) => failure,
    };
    let wrong: Vec<Field> = match &failure {
        Failure::Conflict(sentence) => vec![("email", sentence.clone())],
        Failure::RateLimited(_) => vec![("", failure.to_string())],
        Failure::Validation(fields) => fields.clone(),
        _ => return Err(failure),
    };
    let form = view::form(&json!({ "email": form.email }), &wrong, None);
    page(&app, user, &request, form, failure.status()).await
}

/// Changes it, and gives this browser its new session cookie. The gate cookies come back.
pub async fn change(
    app: &App,
    who: Fresh,
    email: &str,
    request: &HttpRequest,
) -> Result<(Done, Vec<Cookie<'static>>), Failure> {
    let email = EmailAddress::parse(email).map_err(|error| Failure::field("email", error))?;
    let token = session_store::token(request).ok_or(Failure::Unauthenticated)?;
    match change_email::change(app, &who.origin, &who.live, token, email).await? {
        Changed::Moved(opened) => {
            session_store::go_on_as(request, app, &opened, who.live)?;
            Ok((Done::Moved, cookies::for_gate(app, &opened)))
        }
        Changed::Respelled => Ok((Done::Respelled, Vec::new())),
        Changed::Same => Ok((Done::Same, Vec::new())),
    }
}

async fn page(
    app: &App,
    user: UserId,
    request: &HttpRequest,
    form: Value,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let until = app.db.look_up(move |tx| change_email::undoable_until(tx, user)).await;
    let until = until.map_err(|error: db::Error| Failure::from(error))?;
    let context = view::with(
        form,
        json!({ "undoable_until": until, "undoable_for": in_words(EMAIL_UNDO_TTL), "inbox_url": inbox_url(app) }),
    );
    Ok(view::html(request, &mut HttpResponse::build(status), "accounts/change_email.html", context))
}
