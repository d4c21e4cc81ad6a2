use lettre::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use super::failure::Failure;
use super::message::Message;
use crate::kernel::EmailAddress;

/// Text first: what a reader shows who takes no HTML (RFC 2046, section 5.1.4).
pub(super) fn mime(message: &Message) -> Result<Vec<u8>, Failure> {
    let from = Mailbox::new(message.from.name.clone(), address(&message.from.address)?);
    let built = lettre::Message::builder()
        .from(from)
        .to(Mailbox::new(None, address(&message.to)?))
        .subject(message.subject.as_str())
        .date(message.written_at.into())
        .message_id(Some(message.message_id()))
        // RFC 3834, section 5: nobody is to answer automatically. The second says so to Exchange.
        .raw_header(header("Auto-Submitted", "auto-generated")?)
        .raw_header(header("X-Auto-Response-Suppress", "All")?)
        .multipart(
            MultiPart::alternative()
                .singlepart(part(ContentType::TEXT_PLAIN, &message.text))
                .singlepart(part(ContentType::TEXT_HTML, &message.html)),
        );
    built.map(|mime| mime.formatted()).map_err(|error| Failure::for_good(format!("cannot be written as mail: {error}")))
}

fn part(content_type: ContentType, body: &str) -> SinglePart {
    SinglePart::builder().header(content_type).header(ContentTransferEncoding::QuotedPrintable).body(body.to_owned())
}

fn header(name: &'static str, value: &str) -> Result<HeaderValue, Failure> {
    let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|error| Failure::for_good(error.to_string()))?;
    Ok(HeaderValue::new(name, value.to_owned()))
}

pub(super) fn address(address: &EmailAddress) -> Result<Address, Failure> {
    let parsed = address.as_str().parse();
    parsed.map_err(|error| Failure::for_good(format!("{address:?} cannot be written to: {error}")))
}
