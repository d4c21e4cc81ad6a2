//! What happened, as those read it who may: a person what is about them or was done by them, an organization's admins
//! what happened in it.
//!
//! - From where, and in which browser, a person is told of what they did themselves and of what was tried on their
//!   account: it is their security log, and whoever knocks has no claim to be hidden. Of other people who may do
//!   something to them (an admin, the operator) they are told the name at most.
//! - Admins are told the addresses of those who are members now, for what they did in the organization, and never the
//!   browser. Whoever declines an invitation or has left is not shown to them by an address.
//! - Names are those of today, and of fellow members only.

mod store;

use std::collections::HashMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::audit::{self, Cursor, Filter, Page, PageSize, Recorded, Sight};
use crate::db::{self, ReadTx};
use crate::kernel::{EventId, Hand, OrganizationId, UserId, device};

/// One thing that happened, in the eyes of one reader.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: EventId,
    pub at: DateTime<Utc>,
    pub kind: String,
    /// None for a kind of a later version.
    pub area: Option<audit::Area>,
    pub sentence: String,
    pub facts: Map<String, Value>,
    pub by: By,
    pub about: About,
    pub address: Option<IpAddr>,
    /// "Firefox on Linux"
    pub device: Option<String>,
    /// What that browser said of itself, where it was the reader's.
    pub user_agent: Option<String>,
    /// In which it happened, if it is still there.
    pub organization: Option<Organization>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum By {
    You,
    Member(Member),
    Operator,
    Service,
    /// Somebody else who was signed in, and whom the reader does not know.
    Another,
    /// Nobody who was signed in.
    Somebody,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum About {
    You,
    Member(Member),
    Somebody,
    Nobody,
}

/// Somebody of the reader's organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// May be empty.
    pub name: String,
    /// For admins only.
    pub email: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Organization {
    pub id: OrganizationId,
    pub slug: String,
    pub name: String,
}

#[derive(Clone, Debug)]
pub struct Told {
    /// The newest first.
    pub entries: Vec<Entry>,
    pub next: Option<Cursor>,
}

/// What a person is told of their own activity.
pub fn of_person(tx: &mut ReadTx<'_>, user: UserId, filter: &Filter, page: Page) -> Result<Told, db::Error> {
    let found = audit::of_person(tx, user, filter, page)?;
    let people = People::who_share_with(tx, user, &found.events)?;
    let entries = found.events.into_iter().map(|event| tell_person(user, event, &people)).collect();
    Ok(Told { entries, next: found.next })
}

/// All that is kept of a person's events, also what is of no use to them, a page at a time. Nobody else is named.
pub fn kept_of_person(tx: &mut ReadTx<'_>, user: UserId, after: Option<Cursor>) -> Result<Told, db::Error> {
    let found = audit::kept_of_person(tx, user, Page { after, size: PageSize::FULL })?;
    let named: Vec<OrganizationId> = found.events.iter().filter_map(|event| event.organization).collect();
    let people = People { organizations: by_id(store::organizations(tx, &named)?), members: HashMap::new() };
    let entries = found.events.into_iter().map(|event| tell_person(user, event, &people)).collect();
    Ok(Told { entries, next: found.next })
}

/// What an organization's admins are told of it.
pub fn of_organization(
    tx: &mut ReadTx<'_>,
    reader: UserId,
    organization: OrganizationId,
    filter: &Filter,
    page: Page,
) -> Result<Told, db::Error> {
    let found = audit::of_organization(tx, organization, filter, page)?;
    let people = People::of(tx, &[organization], &found.events)?;
    let entries = found.events.into_iter().map(|event| tell_admin(reader, event, &people)).collect();
    Ok(Told { entries, next: found.next })
}

fn tell_person(reader: UserId, event: Recorded, people: &People) -> Entry {
    let by = who_did(reader, &event, people);
    let is_shown = match (&by, event.hand) {
        (By::You, _) => true,
        (By::Member(_) | By::Another | By::Somebody, Hand::Visitor) => {
            // Whoever is signed in elsewhere and tries this account is no more hidden than anybody else who does.
            let is_attempt = event.known().is_some_and(|kind| kind.sight == Sight::Attempt);
            event.subject == Some(reader) && (event.actor.is_none() || is_attempt)
        }
        (By::Member(_) | By::Another | By::Somebody | By::Operator | By::Service, _) => false,
    };
    let (address, agent) = if is_shown { (event.address, event.user_agent.clone()) } else { (None, None) };
    let device = agent.as_deref().and_then(device::name);
    let user_agent = agent.filter(|_| by == By::You);
    let without_address = |member: Member| Member { email: None, ..member };
    let by = match by {
        By::Member(member) => By::Member(without_address(member)),
        by @ (By::You | By::Operator | By::Service | By::Another | By::Somebody) => by,
    };
    let about = match whom(reader, &event, people) {
        About::Member(member) => About::Member(without_address(member)),
        about @ (About::You | About::Somebody | About::Nobody) => about,
    };
    Entry { address, device, user_agent, ..entry(event, by, about, people) }
}

fn tell_admin(reader: UserId, event: Recorded, people: &People) -> Entry {
    let by = who_did(reader, &event, people);
    let address = match by {
        By::You | By::Member(_) => event.address,
        By::Operator | By::Service | By::Another | By::Somebody => None,
    };
    let about = whom(reader, &event, people);
    Entry { address, ..entry(event, by, about, people) }
}

/// Without anything that tells from where.
fn entry(event: Recorded, by: By, about: About, people: &People) -> Entry {
    Entry {
        id: event.id,
        at: event.at,
        area: event.known().map(|kind| kind.area),
        sentence: audit::sentence(&event),
        facts: audit::facts(&event),
        by,
        about,
        address: None,
        device: None,
        user_agent: None,
        organization: event.organization.and_then(|id| people.organizations.get(&id).cloned()),
        kind: event.kind,
    }
}

fn who_did(reader: UserId, event: &Recorded, people: &People) -> By {
    match (event.hand, event.actor) {
        (Hand::Operator, _) => By::Operator,
        (Hand::Service, _) => By::Service,
        (Hand::Visitor, Some(actor)) if actor == reader => By::You,
        (Hand::Visitor, Some(actor)) => people.find(event.organization, actor).map_or(By::Another, By::Member),
        (Hand::Visitor, None) => By::Somebody,
    }
}

fn whom(reader: UserId, event: &Recorded, people: &People) -> About {
    match event.subject {
        Some(subject) if subject == reader => About::You,
        Some(subject) => people.find(event.organization, subject).map_or(About::Somebody, About::Member),
        None => About::Nobody,
    }
}

/// Whom a page of events names.
struct People {
    organizations: HashMap<OrganizationId, Organization>,
    members: HashMap<(OrganizationId, UserId), Member>,
}

impl People {
    /// Of the organizations that the reader belongs to today.
    fn who_share_with(tx: &mut ReadTx<'_>, reader: UserId, events: &[Recorded]) -> Result<Self, db::Error> {
        let theirs = store::organizations_of(tx, reader)?;
        let known = Self::of(tx, &theirs, events)?;
        let named: Vec<OrganizationId> = events.iter().filter_map(|event| event.organization).collect();
        Ok(Self { organizations: by_id(store::organizations(tx, &named)?), ..known })
    }

    fn of(tx: &mut ReadTx<'_>, organizations: &[OrganizationId], events: &[Recorded]) -> Result<Self, db::Error> {
        let people: Vec<UserId> = events
            .iter()
            .filter(|event| event.organization.is_some())
            .flat_map(|e| [e.actor, e.subject])
            .flatten()
            .collect();
        Ok(Self {
            organizations: by_id(store::organizations(tx, organizations)?),
            members: store::members(tx, organizations, &people)?.into_iter().collect(),
        })
    }

    fn find(&self, organization: Option<OrganizationId>, user: UserId) -> Option<Member> {
        self.members.get(&(organization?, user)).cloned()
    }
}

fn by_id(organizations: Vec<Organization>) -> HashMap<OrganizationId, Organization> {
    organizations.into_iter().map(|organization| (organization.id, organization)).collect()
}
