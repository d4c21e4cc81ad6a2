use chrono::{DateTime, TimeDelta, Utc};

use crate::sso::saml::NameId;
use crate::sso::saml::outgoing::{Envelope, Kind, Message, escape};

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// As long as a browser may take on its way there.
const GOOD_FOR: TimeDelta = TimeDelta::minutes(5);

/// Asks the provider to sign somebody out (SAML core, 3.7.1).
#[derive(Clone, Copy, Debug)]
pub struct LogoutRequest<'a> {
    /// Of [`super::super::request_id`].
    pub id: &'a str,
    /// Our entity id.
    pub issuer: &'a str,
    /// The provider's address for it.
    pub destination: &'a str,
    /// As the provider has said it.
    pub name_id: &'a NameId,
    pub session_index: Option<&'a str>,
    pub issued_at: DateTime<Utc>,
}

/// Tells the provider that it is done (SAML core, 3.7.2).
#[derive(Clone, Copy, Debug)]
pub struct LogoutResponse<'a> {
    pub id: &'a str,
    pub issuer: &'a str,
    pub destination: &'a str,
    /// The ID of its request.
    pub in_response_to: &'a str,
    pub issued_at: DateTime<Utc>,
}

impl LogoutRequest<'_> {
    pub fn message(&self) -> Message {
        let ends = (self.issued_at + GOOD_FOR).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let attributes = format!(r#" NotOnOrAfter="{ends}" Reason="urn:oasis:names:tc:SAML:2.0:logout:user""#);
        let format = self.name_id.format.as_deref().map(|format| format!(r#" Format="{}""#, escape(format)));
        let index =
            self.session_index.map(|index| format!("<samlp:SessionIndex>{}</samlp:SessionIndex>", escape(index)));
        let content = format!(
            "<saml:NameID{}>{}</saml:NameID>{}",
            format.unwrap_or_default(),
            escape(&self.name_id.value),
            index.unwrap_or_default()
        );
        let envelope = Envelope {
            kind: Kind::Request,
            element: "LogoutRequest",
            id: self.id,
            issuer: self.issuer,
            destination: self.destination,
            issued_at: self.issued_at,
        };
        Message::new(&envelope, &attributes, &content)
    }
}

impl LogoutResponse<'_> {
    pub fn message(&self) -> Message {
        let attributes = format!(r#" InResponseTo="{}""#, escape(self.in_response_to));
        let content = format!(r#"<samlp:Status><samlp:StatusCode Value="{SUCCESS}"/></samlp:Status>"#);
        let envelope = Envelope {
            kind: Kind::Response,
            element: "LogoutResponse",
            id: self.id,
            issuer: self.issuer,
            destination: self.destination,
            issued_at: self.issued_at,
        };
        Message::new(&envelope, &attributes, &content)
    }
}
