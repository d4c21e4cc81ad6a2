use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use futures_util::Stream;

type Shared = Rc<RefCell<Payload>>;

/// Lets go of a chunked body only after the answer has been sent.
///
/// actix waits for the rest of such a body without a bound, and may miss that there is more of it, when nobody wants
/// it any more before the answer is out. While somebody holds it, the connection is closed a second after the answer
/// instead, as it is with a body of known length.
pub async fn hold_body(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    if !is_chunked || request.method().is_safe() {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let body = Rc::new(RefCell::new(request.take_payload()));
    request.set_payload(Payload::Stream { payload: Box::pin(Reading(Rc::clone(&body))) });
    let answer = next.call(request).await?;
    Ok(answer.map_body(|_, answer| BoxBody::new(Holding { answer: answer.boxed(), _request: body })))
}

/// The body, for whoever reads it.
struct Reading(Shared);

impl Stream for Reading {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}

/// The answer, and the body of the request that it answers.
struct Holding {
    answer: BoxBody,
    _request: Shared,
}

impl MessageBody for Holding {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().answer).poll_next(cx)
    }
}
