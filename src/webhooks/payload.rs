//! The document that is sent. docs/webhooks.md describes it for those who receive it; it may grow, and nothing in it
//! will change its meaning.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::kernel::{EventId, OrganizationId, UserId};

/// An event, and what is known of those in it when it is sent.
#[derive(Clone, Debug)]
pub struct Facts {
    pub event: EventId,
    pub at: DateTime<Utc>,
    pub kind: String,
    pub organization: Option<Organization>,
    /// Whose hand it was: `visitor`, `operator` or `service`.
    pub hand: String,
    pub actor: Option<UserId>,
    pub subject: Option<Subject>,
    pub details: Value,
}

#[derive(Clone, Debug)]
pub struct Organization {
    pub id: OrganizationId,
    /// `None` once it is deleted.
    pub slug: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Subject {
    pub id: UserId,
    /// `None` for somebody who is gone, and for one whose address is none of the receiver's business.
    pub address: Option<SubjectAddress>,
}

#[derive(Clone, Debug)]
pub struct SubjectAddress {
    pub email: String,
    pub is_verified: bool,
}

/// What does not apply is left out.
pub fn compose(facts: &Facts) -> Vec<u8> {
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| drop(document.insert(name.to_owned(), value));
    put("id", json!(facts.event));
    put("type", json!(facts.kind));
    put("at", json!(facts.at));
    if let Some(organization) = &facts.organization {
        put("organization", without_nulls(json!({ "id": organization.id, "slug": organization.slug })));
    }
    put("actor", without_nulls(json!({ "kind": actor_kind(facts), "id": facts.actor })));
    if let Some(subject) = &facts.subject {
        let (email, is_verified) =
            subject.address.as_ref().map(|address| (address.email.as_str(), address.is_verified)).unzip();
        put("subject", without_nulls(json!({ "id": subject.id, "email": email, "email_verified": is_verified })));
    }
    put("data", facts.details.clone());
    Value::Object(document).to_string().into_bytes()
}

fn actor_kind(facts: &Facts) -> &str {
    match (facts.hand.as_str(), facts.actor) {
        ("visitor", Some(_)) => "person",
        (hand, _) => hand,
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_says_what_applies_and_nothing_else() {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let (event, person, organization) = (EventId::new(at), UserId::new(at), OrganizationId::new(at));
        let mut facts = Facts {
            event,
            at,
            kind: "member.added".to_owned(),
            organization: Some(Organization { id: organization, slug: Some("acme".to_owned()) }),
            hand: "visitor".to_owned(),
            actor: Some(person),
            subject: Some(Subject {
                id: person,
                address: Some(SubjectAddress { email: "ann@example.com".to_owned(), is_verified: true }),
            }),
            details: json!({ "how": "invited" }),
        };
        let read = |facts: &Facts| serde_json::from_slice::<Value>(&compose(facts)).unwrap();
        assert_eq!(
            read(&facts),
            json!({
                "id": event, "type": "member.added", "at": "2027-01-15T08:00:00Z",
                "organization": { "id": organization, "slug": "acme" },
                "actor": { "kind": "person", "id": person },
                "subject": { "id": person, "email": "ann@example.com", "email_verified": true },
                "data": { "how": "invited" },
            })
        );
        facts.organization = Some(Organization { id: organization, slug: None });
        facts.subject = Some(Subject { id: person, address: None });
        (facts.hand, facts.actor) = ("service".to_owned(), None);
        let said = read(&facts);
        assert_eq!(said["organization"], json!({ "id": organization }));
        assert_eq!((&said["actor"], &said["subject"]), (&json!({ "kind": "service" }), &json!({ "id": person })));
        (facts.organization, facts.subject, facts.hand) = (None, None, "visitor".to_owned());
        let said = read(&facts);
        assert_eq!(said["actor"], json!({ "kind": "visitor" }));
        assert!(said.get("organization").is_none() && said.get("subject").is_none());
    }
}
