//! `/me/api-keys`: what a person has given to programs.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::me::no_store;
use crate::api_keys::{ApiKey, DEFAULT_TTL, LONGEST_TTL, NewKey, SHORTEST_TTL, Scopes};
use crate::app::App;
use crate::kernel::Label;
use crate::web::body::ApiJson;
use crate::web::failure::{Failure, Field};
use crate::web::pages::api_keys as page;
use crate::web::who::{Fresh, Reader};

#[derive(Deserialize)]
pub struct CreateBody {
    name: String,
    /// In seconds.
    expires_in: Option<i64>,
    scopes: Option<Vec<String>>,
}

/// `GET /me/api-keys`
pub async fn list(app: web::Data<App>, who: Reader) -> Result<HttpResponse, Failure> {
    let now = app.clock.now();
    let keys: Vec<Value> = page::load(&app, who.user).await?.iter().map(|key| describe(key, now)).collect();
    Ok(no_store().json(json!({ "api_keys": keys })))
}

/// `POST /me/api-keys`: 201 with the key, which is not shown again.
pub async fn create(
    app: web::Data<App>,
    who: Fresh,
    ApiJson(body): ApiJson<CreateBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    page::require_verified(&who)?;
    let new = wanted(&body)?;
    let issued = page::issue(&app, &who, &request, new.clone()).await?;
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({
        "id": issued.id,
        "key": issued.key.expose(),
        "prefix": issued.hint,
        "name": new.name.as_str(),
        "scopes": new.scopes.words(),
        "created_at": issued.created_at,
        "expires_at": issued.expires_at,
    })))
}

/// `DELETE /me/api-keys/{id}`: 204; 404 for an id that is not the caller's own.
pub async fn revoke(app: web::Data<App>, who: Fresh, id: web::Path<String>) -> Result<HttpResponse, Failure> {
    page::end(&app, &who, &id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// All that is wrong with it at once.
fn wanted(body: &CreateBody) -> Result<NewKey, Failure> {
    let name = Label::parse(&body.name).map_err(|error| ("name", error.to_string()));
    let scopes = match &body.scopes {
        Some(words) => Scopes::parse(words.iter().map(String::as_str)).map_err(|error| ("scopes", error.to_string())),
        None => Ok(Scopes::default()),
    };
    let ttl = body.expires_in.map_or(Ok(DEFAULT_TTL), ttl);
    match (name, scopes, ttl) {
        (Ok(name), Ok(scopes), Ok(ttl)) => Ok(NewKey { name, scopes, ttl }),
        (name, scopes, ttl) => {
            Err(Failure::Validation([name.err(), scopes.err(), ttl.err()].into_iter().flatten().collect()))
        }
    }
}

fn ttl(seconds: i64) -> Result<TimeDelta, Field> {
    let within = SHORTEST_TTL.num_seconds()..=LONGEST_TTL.num_seconds();
    if within.contains(&seconds) {
        return Ok(TimeDelta::seconds(seconds));
    }
    Err(("expires_in", format!("Send a number of seconds from {} to {}.", within.start(), within.end())))
}

fn describe(key: &ApiKey, now: DateTime<Utc>) -> Value {
    json!({
        "id": key.id,
        "prefix": key.hint,
        "name": key.name,
        "scopes": key.scopes.words(),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "expired": key.is_expired(now),
        "last_used_at": key.last_used_at,
        "last_used_ip": key.last_used_from,
    })
}
