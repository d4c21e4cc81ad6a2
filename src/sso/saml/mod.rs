//! SAML 2.0, read strictly: what a provider answers is good, or one named check says why not.
//!
//! Everything here computes: no clock, no chance, no database. The only home of samael, and of the keys it works with.

mod answer;
pub mod certificate;
pub mod keys;
pub mod metadata;
mod outgoing;
mod redirect;
mod request;

pub use answer::{Answer, Asked, Attribute, NameId, Provider};
pub use certificate::Certificate;
pub use metadata::{Binding, Endpoint, Metadata};
pub use outgoing::{CannotSign, Form, Kind, Message};
pub use request::{AuthnRequest, ForceAuthn, request_id};
