//! Signing out, by the provider or there (SAML profiles, 4.4): what is said about it, made and judged.
//!
//! Nothing that a provider says of it is believed unless it is signed, in either binding. A document of a form goes
//! through the same screen and the same verification as an answer to a sign-in; of a redirect, the octets of its query
//! are verified as they have arrived, and nothing in the document could point anywhere.

mod judge;
mod say;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use super::NameId;

pub use judge::judge;
pub use say::{LogoutRequest, LogoutResponse};

/// How a message has arrived.
#[derive(Clone, Copy, Debug)]
pub enum Arrived<'a> {
    /// The query, as it stood in the address.
    Redirect(&'a str),
    /// The value of a form's field. Its name says which of the two it is.
    Form(super::Kind, &'a str),
}

/// What a message is held against.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The provider's entity id: the only issuer.
    pub entity_id: &'a str,
    /// Certificates (X.509, DER) whose keys may sign. With none, nothing is good.
    pub certificates: &'a [Vec<u8>],
    /// Where messages about signing out arrive: the only destination.
    pub url: &'a str,
}

/// A message that is the provider's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    Asked(SignOut),
    /// To what we may have asked: that it is open is for those to find out who know.
    Answered(Answered),
}

/// What a provider says to a request of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answered {
    /// The request's ID.
    pub to: String,
    pub outcome: Outcome,
}

/// Whom the provider has signed out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignOut {
    /// The request's ID: for the answer, and for it to be taken once.
    pub id: String,
    pub name_id: NameId,
    /// Of which sessions there; none named: of all.
    pub session_indexes: Vec<String>,
    /// Until when this request could be used again, were it not remembered.
    pub good_until: DateTime<Utc>,
}

/// How far the provider got with what we had asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Everywhere,
    /// Not everywhere, or not at all.
    Partly,
}

/// Why a message is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    #[error("it cannot be read: it is not as the binding says, too large, or no plain document")]
    Unreadable,
    #[error("it is no request or answer about signing out, or has other parts than one has")]
    Shape,
    #[error("it is not signed")]
    Unsigned,
    #[error("no key of the connection's certificates has signed it, with RSA or ECDSA and SHA-256 or better")]
    Signature,
    #[error("it is issued by somebody else than the connection's provider")]
    Issuer,
    #[error("it was meant for another address")]
    Destination,
    #[error("it was issued too long ago or in the future, or is over")]
    Time,
    #[error("it does not name whom it is about by a NameID of plain text")]
    NameId,
    #[error("it is an answer to nothing that we have asked lately and that was not answered")]
    Unasked,
}

impl Refusal {
    /// The stable word for the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Shape => "shape",
            Self::Unsigned => "unsigned",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Destination => "destination",
            Self::Time => "time",
            Self::NameId => "name_id",
            Self::Unasked => "in_response_to",
        }
    }
}
