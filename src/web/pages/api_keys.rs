//! `/account/api-keys`: what a person has given to programs, and how it is taken back.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::sessions::{Nothing, ago};
use crate::api_keys::{self, ApiKey, Error, Issued, NewKey, Scope, Scopes};
use crate::app::App;
use crate::config::settings::Allow;
use crate::kernel::{ApiKeyId, Label, UserId};
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::who::{Fresh, SignedIn};
use crate::web::{reauth, session_store, view};

/// What the form offers, in days.
const LIVES: [(&str, i64); 4] = [("7 days", 7), ("30 days", 30), ("90 days", 90), ("a year", 365)];

#[derive(Deserialize)]
pub struct Asked {
    /// What was just done, one of the words of [`notice`].
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    name: String,
    /// Days.
    #[serde(default)]
    lives: String,
    /// Ticked or not there.
    gateway: Option<String>,
    account_read: Option<String>,
}

/// `GET /account/api-keys`
pub async fn show(
    app: web::Data<App>,
    who: SignedIn,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let fresh_form = json!({ "name": "", "lives": "90", "gateway": true, "account_read": false });
    page(&app, who.live.user, &request, view::form(&fresh_form, &[], notice(&asked.done)), StatusCode::OK).await
}

/// `POST /account/api-keys`: the answer shows the key, once.
pub async fn create(
    app: web::Data<App>,
    who: Fresh,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    require_verified(&who)?;
    let (wrong, status): (Vec<Field>, StatusCode) = match wanted(&form) {
        Ok(new) => match issue(&app, &who, &request, new.clone()).await {
            Ok(issued) => return Ok(shown(&app, &request, &new, &issued)),
            Err(failure @ Failure::Conflict(_)) => (vec![("", failure.to_string())], failure.status()),
            Err(failure) => return Err(failure),
        },
        Err(wrong) => (wrong, StatusCode::UNPROCESSABLE_ENTITY),
    };
    let input = json!({
        "name": form.name,
        "lives": form.lives,
        "gateway": form.gateway.is_some(),
        "account_read": form.account_read.is_some(),
    });
    page(&app, who.live.user, &request, view::form(&input, &wrong, None), status).await
}

/// `POST /account/api-keys/{id}/revoke`
pub async fn revoke(
    app: web::Data<App>,
    who: Fresh,
    id: web::Path<String>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    end(&app, &who, &id).await?;
    Ok(view::see_other("/account/api-keys?done=revoked"))
}

/// All of a person's, the newest first.
pub async fn load(app: &App, user: UserId) -> Result<Vec<ApiKey>, Failure> {
    Ok(app.db.look_up(move |tx| api_keys::list(tx, user)).await?)
}

/// Before anything is said about what was sent. It is asked again when the key is made.
pub fn require_verified(who: &Fresh) -> Result<(), Failure> {
    if who.live.email_verified { Ok(()) } else { Err(Failure::EmailUnverified) }
}

pub async fn issue(app: &App, who: &Fresh, request: &HttpRequest, new: NewKey) -> Result<Issued, Failure> {
    let (app2, user, session) = (app.clone(), who.live.user, session_store::token(request));
    let issue = move |tx: &mut crate::db::Tx<'_>| api_keys::issue(tx, &app2.sealer, user, session.as_ref(), &new);
    Ok(app.db.write::<Issued, Error, _>(&who.origin, issue).await?)
}

/// 404 when it is not theirs.
pub async fn end(app: &App, who: &Fresh, id: &str) -> Result<(), Failure> {
    let id: ApiKeyId = id.parse().map_err(|_| Failure::NotFound)?;
    let (app2, user) = (app.clone(), who.live.user);
    let is_theirs = app.db.write(&who.origin, move |tx| api_keys::revoke(tx, &app2.sealer, user, id)).await?;
    if is_theirs { Ok(()) } else { Err(Failure::NotFound) }
}

fn wanted(form: &Form) -> Result<NewKey, Vec<Field>> {
    let ticked = [(form.gateway.is_some(), Scope::Gateway), (form.account_read.is_some(), Scope::AccountRead)];
    let words = ticked.into_iter().filter(|(is_ticked, _)| *is_ticked).map(|(_, scope)| scope.as_str());
    let name = Label::parse(&form.name).map_err(|error| ("name", error.to_string()));
    let scopes = Scopes::parse(words).map_err(|_| ("gateway", "Choose what the key may be used for.".to_owned()));
    let days = LIVES.iter().map(|(_, days)| *days).find(|days| days.to_string() == form.lives);
    let ttl = days.map(TimeDelta::days).ok_or_else(|| ("lives", "Choose how long it is to last.".to_owned()));
    match (name, scopes, ttl) {
        (Ok(name), Ok(scopes), Ok(ttl)) => Ok(NewKey { name, scopes, ttl }),
        (name, scopes, ttl) => Err([name.err(), scopes.err(), ttl.err()].into_iter().flatten().collect()),
    }
}

async fn page(
    app: &App,
    user: UserId,
    request: &HttpRequest,
    form: Value,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let now = app.clock.now();
    let keys: Vec<Value> = load(app, user).await?.iter().map(|key| describe(key, now)).collect();
    let lives: Vec<Value> = LIVES.iter().map(|(words, days)| json!({ "words": words, "days": days })).collect();
    let context = view::with(form, json!({ "keys": keys, "lives": lives }));
    Ok(view::html(request, &mut HttpResponse::build(status), "accounts/api_keys.html", context))
}

fn shown(app: &App, request: &HttpRequest, new: &NewKey, issued: &Issued) -> HttpResponse {
    let me = app.settings.server.public_url.join("/me").map(String::from).unwrap_or_default();
    let context = json!({
        "name": new.name.as_str(),
        "key": issued.key.expose(),
        "expires_at": issued.expires_at,
        "me_url": new.scopes.has(Scope::AccountRead).then_some(me),
        "app_url": new.scopes.has(Scope::Gateway).then(|| app_with_keys(app)).flatten(),
    });
    view::html(request, &mut HttpResponse::Ok(), "accounts/api_key_shown.html", context)
}

/// Somewhere to try it out: an app whose rule takes keys. A pattern is no address.
fn app_with_keys(app: &App) -> Option<String> {
    let policy = app.policy.load();
    let rules = policy.gateway.rules.iter().filter(|rule| rule.allow == Allow::SignedIn && rule.api_keys);
    let host = rules.flat_map(|rule| &rule.hosts).find(|host| !host.starts_with("*."))?;
    Some(format!("{}://{host}/", app.settings.server.public_url.scheme()))
}

fn describe(key: &ApiKey, now: DateTime<Utc>) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "scopes": key.scopes.words(),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "is_over": key.is_expired(now),
        "last_used_at": key.last_used_at,
        "last_used": key.last_used_at.map(|at| ago(now - at)),
        "last_used_from": key.last_used_from,
    })
}

fn notice(done: &str) -> Option<&'static str> {
    match done {
        "revoked" => Some("That key is revoked. Programs that use it get no further."),
        done => reauth::notice(done),
    }
}
