//! The keys by which apps verify what we have signed, for everybody.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::failure::Failure;
use crate::app::App;
use crate::crypto::keyring::Key;
use crate::signing_keys;

/// A key is published for a day before it signs anything, so a copy may well be older than this.
const CACHE: &str = "public, max-age=300";

/// `GET /.well-known/jwks.json` (RFC 7517, section 5). Scripts of other sites may read it: there is nothing about anybody
/// in it.
pub async fn show(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let keys = match app.keyring.keys() {
        Some(keys) => keys,
        None => signing_keys::read(&app).await?,
    };
    let keys: Vec<Value> = keys.iter().map(as_jwk).collect();
    let body = json!({ "keys": keys }).to_string();
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&body)));
    let mut response = if is_known(&request, &tag) { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::CACHE_CONTROL, CACHE))
        .insert_header((header::ETAG, tag.clone()))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    if is_known(&request, &tag) {
        return Ok(response.finish());
    }
    Ok(response.insert_header((header::CONTENT_TYPE, "application/json")).body(body))
}

/// RFC 7517, section 4, and RFC 7518, section 6.2.1.
fn as_jwk(key: &Key) -> Value {
    let [x, y] = key.public.coordinates();
    json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": key.kid })
}

/// RFC 9110, section 13.1.2. A proxy may have made a weak one of it.
fn is_known(request: &HttpRequest, tag: &str) -> bool {
    let lines = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(|one| one.trim().trim_start_matches("W/"));
    tags.any(|one| one == tag || one == "*")
}
