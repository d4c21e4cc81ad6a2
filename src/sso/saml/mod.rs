//! SAML 2.0, read strictly: what a provider answers is good, or one named check says why not.
//!
//! Everything here computes: no clock, no chance, no database. The only home of samael, and of the keys it works with.
//!
//! [`judge`] goes in this order, and stops where going on would mean trusting what has just been found wanting:
//!
//! 1. **The text** ([`text`]): sizes, base64, UTF-8, no markup but tags, bounds, all before anything is built of it.
//! 2. **Its shape** ([`screen`], [`grammar`], [`signed_info`]): a second, strict parser reads what samael will read, and
//!    lets pass only what cannot make it fetch, run, or mistake anything.
//! 3. **The message** ([`message`]): what the response says of itself, whoever wrote it.
//! 4. **Signatures and secrets** ([`signature`], [`decrypt`]): from here on only the octets that were signed are read.
//! 5. **The assertion** ([`assertion`]): what was signed is screened once more, and held to the profile.
//!
//! Whether an assertion has been used before, whose account it is and what they may do is judged by those who know.

mod answer;
mod assertion;
pub mod certificate;
mod check;
mod decrypt;
mod grammar;
mod judge;
pub mod keys;
pub mod logout;
mod message;
pub mod metadata;
mod outgoing;
mod published;
mod redact;
mod redirect;
mod report;
mod request;
mod screen;
mod signature;
mod signed_info;
mod text;
mod times;
mod tree;
mod warm;

pub use answer::{Answer, Asked, Attribute, NameId, Provider};
pub use certificate::Certificate;
pub use check::Check;
pub use judge::judge;
pub use metadata::{Binding, Endpoint, Metadata};
pub use outgoing::{CannotSign, Form, Kind, Message};
pub use published::Published;
pub use report::{Checked, Report, Verdict};
pub use request::{AuthnRequest, ForceAuthn, request_id};
pub use text::LONGEST_FORM_VALUE;
pub use times::{LONGEST_LIFETIME, OLDEST, TOLERATED_DIFFERENCE};
pub use warm::{Unready, warm_up};
