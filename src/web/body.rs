//! Bodies: how large they may be, how long they may take, and what to say about one that cannot be read.

use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::{JsonPayloadError, UrlencodedError};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::saml;

/// No form and no JSON document of ours is near this, but for those at [`limit_at`].
pub const LIMIT: usize = 64 * 1024;

/// The metadata of a provider, with all that has to be escaped in it.
const METADATA_LIMIT: usize = 3 << 19;

/// A whole body is here within this time, however slow the line: it is small.
const PATIENCE: Duration = Duration::from_secs(10);

/// How large a body may be at an address, or at those of a pattern.
pub fn limit_at(path: &str) -> usize {
    let mut parts = path.split('/').skip(1);
    let takes_metadata = parts.next() == Some("orgs") && parts.nth(1) == Some("sso");
    match takes_metadata {
        true => METADATA_LIMIT,
        false if saml::takes_answers(path) => saml::LIMIT,
        false => LIMIT,
    }
}

/// Refuses a body that says it is too large before anything is done for its request.
pub async fn require_small(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length = length.and_then(|digits| digits.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit_at(request.match_info().as_str())) {
        return Err(Failure::TooLarge.into());
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// Waits for a body that is being read, but not forever.
pub(super) async fn in_time<T>(
    reading: impl Future<Output = Result<T, actix_web::Error>>,
    explain: fn(&actix_web::Error) -> Failure,
) -> Result<T, Failure> {
    match tokio::time::timeout(PATIENCE, reading).await {
        Ok(read) => read.map_err(|error| explain(&error)),
        Err(_) => Err(Failure::TooSlow),
    }
}

/// A whole body, which is read where another limit than the usual one is right.
pub(super) async fn read(payload: web::Payload, limit: usize) -> Result<web::Bytes, Failure> {
    match tokio::time::timeout(PATIENCE, payload.to_bytes_limited(limit)).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(_))) => Err(Failure::InvalidRequest("The body could not be read.".to_owned())),
        Ok(Err(_)) => Err(Failure::TooLarge),
        Err(_) => Err(Failure::TooSlow),
    }
}

/// A JSON body. Takes `application/json` only, so that no HTML form can produce one.
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for ApiJson<T> {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = web::Json::<T>::from_request(request, payload);
        Box::pin(async move {
            let json = in_time(json, json_failure).await?;
            Ok(Self(json.into_inner()))
        })
    }
}

/// As [`ApiJson`], where a body may be left out: then all that it could say is as usual.
pub struct MaybeJson<T>(pub T);

impl<T: DeserializeOwned + Default + 'static> FromRequest for MaybeJson<T> {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.headers().contains_key(header::CONTENT_TYPE) {
            return Box::pin(std::future::ready(Ok(Self(T::default()))));
        }
        let json = ApiJson::from_request(request, payload);
        Box::pin(async move { json.await.map(|ApiJson(body)| Self(body)) })
    }
}

fn json_failure(error: &actix_web::Error) -> Failure {
    match error.as_error::<JsonPayloadError>() {
        Some(JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. }) => Failure::TooLarge,
        Some(JsonPayloadError::ContentType) => {
            Failure::InvalidRequest("Send a JSON document with Content-Type: application/json.".to_owned())
        }
        Some(JsonPayloadError::Deserialize(cause)) => {
            Failure::InvalidRequest(format!("The JSON document is not as expected: {cause}."))
        }
        _ => Failure::InvalidRequest("The body could not be read.".to_owned()),
    }
}

pub(super) fn form_failure(error: &actix_web::Error) -> Failure {
    match error.as_error::<UrlencodedError>() {
        Some(UrlencodedError::Overflow { .. }) => Failure::TooLarge,
        _ => Failure::InvalidRequest("The form could not be read, or a part of it is missing.".to_owned()),
    }
}
