//! Values that need no I/O: the words the rest of the house is written in.
//!
//! Everything with a rule of its own (an address, an id, a secret, a place to return to) is parsed into
//! one of these types at the edge, and is a plain string nowhere further in.

pub mod backoff;
pub mod client_address;
pub mod clock;
pub mod device;
pub mod email;
pub mod ids;
pub mod label;
pub mod origin;
pub mod quote;
pub mod request_id;
pub mod return_to;
pub mod secrets;
pub mod shutdown;
pub mod when;

pub use clock::Clock;
pub use email::EmailAddress;
pub use ids::{
    ApiKeyId, ConnectionId, ConnectionKeyId, DeliveryId, DeviceId, DomainId, EventId, GroupId, InvitationId,
    KnownDeviceId, LetterId, LetterRequestId, OrganizationId, PasskeyId, ProviderSessionId, ReportId, SessionId,
    UserId, WebhookId,
};
pub use label::Label;
pub use origin::{Hand, Origin};
pub use request_id::RequestId;
pub use return_to::ReturnTo;
pub use secrets::{Digest, Redacted, Token};
pub use shutdown::Shutdown;
pub use when::When;
