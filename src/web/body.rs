//! Bodies: how large they may be, and what to say about one that cannot be read.

use actix_web::dev::Payload;
use actix_web::error::{JsonPayloadError, UrlencodedError};
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use super::failure::Failure;

/// No form and no JSON document of ours is near this.
pub const LIMIT: usize = 64 * 1024;

/// A JSON body. Takes `application/json` only, so that no HTML form can produce one.
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for ApiJson<T> {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = web::Json::<T>::from_request(request, payload);
        Box::pin(async move {
            let json = json.await.map_err(|error| json_failure(&error))?;
            Ok(Self(json.into_inner()))
        })
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
