//! On whose behalf something happens: who, from where, in which request.

use std::net::IpAddr;

use super::ids::{SessionId, UserId};
use super::secrets::Digest;

/// What kind of hand does something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hand {
    /// Somebody who sends a request, known or not.
    Visitor,
    /// Whoever may run the program's commands.
    Operator,
    /// The service of itself: a job.
    Service,
}

impl Hand {
    /// The stable word for the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Operator => "operator",
            Self::Service => "service",
        }
    }

    pub fn from_stored(word: &str) -> Option<Self> {
        [Self::Visitor, Self::Operator, Self::Service].into_iter().find(|hand| hand.as_str() == word)
    }
}

/// What every written row and audit event knows about its cause.
#[derive(Clone, Debug)]
pub struct Origin {
    pub hand: Hand,
    /// The signed-in person, if there is one.
    pub actor: Option<UserId>,
    /// The session they act in.
    pub session: Option<SessionId>,
    /// The client's address, already taken through the trusted proxies.
    pub address: Option<IpAddr>,
    /// The browser's own name, at most 512 bytes.
    pub user_agent: Option<String>,
    /// Of the token by which the browser may be known as one where somebody has signed in before.
    pub known_by: Option<Digest>,
    /// The request, or the name of the job or command.
    pub request_id: String,
}

impl Origin {
    /// Something the service does of itself: a job.
    pub fn system(name: &str) -> Self {
        Self::without_request(Hand::Service, name)
    }

    /// A command of the operator.
    pub fn operator(command: &str) -> Self {
        Self::without_request(Hand::Operator, command)
    }

    fn without_request(hand: Hand, name: &str) -> Self {
        Self {
            hand,
            actor: None,
            session: None,
            address: None,
            user_agent: None,
            known_by: None,
            request_id: name.to_owned(),
        }
    }

    /// The same request, now that it is known who makes it.
    #[must_use]
    pub fn acting_as(mut self, user: UserId, session: SessionId) -> Self {
        self.actor = Some(user);
        self.session = Some(session);
        self
    }
}
