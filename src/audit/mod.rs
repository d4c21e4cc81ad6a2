//! Who did what, when, from where, on whom: rows of the same transaction as what they tell of.
//!
//! Rows are only ever added; a trigger refuses to change or delete them. They hold no secrets, and no
//! address of anybody who is not known to us. [`kinds`] says what there is to be recorded and who may see it,
//! [`search`] finds it, [`batch`] reads all of it, and [`words`] tells it.
//!
//! One thing alone changes them: when an account is erased, a pseudonym takes its person's place in their rows
//! ([`anonymise`]). People are an event's actor or its subject and never stand in its details, where that would not find
//! them.

mod anonymise;
mod batch;
mod kinds;
mod search;
mod store;
mod words;

use serde_json::Value;

pub use anonymise::{anonymise, has_more_than};
pub use batch::{Batch, Extent, next_batch};
pub use kinds::{Area, KINDS, Kind, Sight};
pub use search::{Cursor, Filter, Found, Page, PageSize, Recorded, Which, kept_of_person, of_organization, of_person};
pub use words::{facts, sentence, shown};

use crate::db::{self, Tx};
use crate::kernel::{EventId, OrganizationId, UserId};

/// One thing that happened, of a kind that stands in [`KINDS`].
#[derive(Clone, Debug)]
pub struct Event {
    kind: &'static str,
    subject: Option<UserId>,
    organization: Option<OrganizationId>,
    details: Value,
}

impl Event {
    /// Something that happened to a person's account.
    pub fn about(subject: UserId, kind: &'static str) -> Self {
        Self { kind, subject: Some(subject), organization: None, details: Value::Object(serde_json::Map::default()) }
    }

    /// Something that happened to nobody we know.
    pub fn about_nobody(kind: &'static str) -> Self {
        Self { kind, subject: None, organization: None, details: Value::Object(serde_json::Map::default()) }
    }

    /// Of what happened in an organization, which its admins may see.
    #[must_use]
    pub fn within(mut self, organization: OrganizationId) -> Self {
        self.organization = Some(organization);
        self
    }

    /// Adds a fact. Never a secret, never a whole address.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Value::Object(details) = &mut self.details {
            details.insert(key.to_owned(), value.into());
        }
        self
    }
}

/// Writes the event down on behalf of `tx.origin`.
pub fn record(tx: &mut Tx<'_>, event: Event) -> Result<(), db::Error> {
    let id = EventId::in_turn(tx.now, tx.next_turn());
    match event.subject {
        Some(subject) => log::info!(event = event.kind, subject:% = subject; "{}", event.kind),
        None => log::info!(event = event.kind; "{}", event.kind),
    }
    store::insert(tx, id, event)
}

/// Writes down that the same has happened to each of these people.
pub fn record_of_each(tx: &mut Tx<'_>, subjects: &[UserId], kind: &'static str) -> Result<(), db::Error> {
    log::debug!(event = kind, people = subjects.len(); "{kind}");
    let ids: Vec<EventId> = subjects.iter().map(|_| EventId::new(tx.now)).collect();
    store::insert_for_each(tx, &ids, subjects, kind)
}
