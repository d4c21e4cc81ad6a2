//! Looking up what happened: the newest first, a page at a time, by an index and never by reading all of it.
//!
//! An id begins with the millisecond of its event, so a time is a range of ids. A page begins where the one before has
//! ended, whatever was added meanwhile.

use std::cmp::Reverse;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::kinds::{Area, KINDS, Kind, Sight};
use super::store;
use crate::db::{self, ReadTx};
use crate::kernel::{EventId, Hand, OrganizationId, SessionId, UserId};

/// An event as it was written down.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub id: EventId,
    pub at: DateTime<Utc>,
    /// Of the table, or of a later version.
    pub kind: String,
    /// Who did it, where that is known.
    pub actor: Option<UserId>,
    /// Whom it is about.
    pub subject: Option<UserId>,
    pub session: Option<SessionId>,
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub request_id: String,
    pub details: Value,
    pub organization: Option<OrganizationId>,
    pub hand: Hand,
}

impl Recorded {
    /// None for one of a later version.
    pub fn known(&self) -> Option<&'static Kind> {
        Kind::find(&self.kind)
    }
}

/// Which kinds are looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Which {
    #[default]
    Every,
    Area(Area),
    Kind(&'static Kind),
}

impl Which {
    /// By the word of a kind or of an area; nothing at all means every kind.
    pub fn parse(word: &str) -> Option<Self> {
        if word.is_empty() {
            return Some(Self::Every);
        }
        let area = Area::ALL.into_iter().find(|area| area.as_str() == word);
        area.map(Self::Area).or_else(|| Kind::find(word).map(Self::Kind))
    }

    /// The words to look for, out of those that may be seen.
    pub(super) fn among(self, seen_by: impl Fn(Sight) -> bool) -> Words {
        let words =
            |wanted: &dyn Fn(&Kind) -> bool| KINDS.iter().filter(|kind| wanted(kind)).map(|kind| kind.word).collect();
        match self {
            // What is not in the table was written by a later version, which has shown it to whom it is about.
            Self::Every => Words::AllBut(words(&|kind| !seen_by(kind.sight))),
            Self::Area(area) => Words::Only(words(&|kind| kind.area == area && seen_by(kind.sight))),
            Self::Kind(one) => Words::Only(words(&|kind| kind == one && seen_by(kind.sight))),
        }
    }
}

pub(super) enum Words {
    Only(Vec<&'static str>),
    AllBut(Vec<&'static str>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    pub which: Which,
    /// With it.
    pub since: Option<DateTime<Utc>>,
    /// Without it.
    pub until: Option<DateTime<Utc>>,
}

/// Where a page begins: after the last event of the page before. Opaque to whoever holds it, and no secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor(pub(super) EventId);

impl Cursor {
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(|bytes| Self(EventId::from_bytes(bytes)))
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_uuid().as_bytes()))
    }
}

/// How many events, 1 to 100.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageSize(u8);

impl PageSize {
    pub const LARGEST: i64 = 100;

    /// The largest.
    pub const FULL: Self = Self(100);

    pub fn new(size: i64) -> Option<Self> {
        u8::try_from(size).ok().filter(|size| (1..=Self::LARGEST).contains(&i64::from(*size))).map(Self)
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(50)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// None for the first.
    pub after: Option<Cursor>,
    pub size: PageSize,
}

#[derive(Clone, Debug)]
pub struct Found {
    /// The newest first.
    pub events: Vec<Recorded>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// What a person may see: what is about them, and what they have done in organizations. Whatever else they have done to
/// another (to try a password, say) would tell them that there is such an account.
pub fn of_person(tx: &mut ReadTx<'_>, user: UserId, filter: &Filter, page: Page) -> Result<Found, db::Error> {
    let about = filter.which.among(|sight| sight != Sight::Operator);
    let done = filter.which.among(|sight| sight == Sight::Organization);
    merged(tx, user, &range(filter, page), (&about, &done)).map(|events| cut(events, page))
}

/// The same with what is of no use to them.
pub fn kept_of_person(tx: &mut ReadTx<'_>, user: UserId, page: Page) -> Result<Found, db::Error> {
    let filter = Filter::default();
    let about = filter.which.among(|_| true);
    let done = filter.which.among(|sight| sight == Sight::Organization);
    merged(tx, user, &range(&filter, page), (&about, &done)).map(|events| cut(events, page))
}

/// About somebody, and done by them.
fn merged(
    tx: &mut ReadTx<'_>,
    user: UserId,
    range: &Range,
    (about, done): (&Words, &Words),
) -> Result<Vec<Recorded>, db::Error> {
    let mut events = store::about(tx, user, range, about)?;
    events.extend(store::done_within_organizations(tx, user, range, done)?);
    events.sort_by_key(|event| Reverse(event.id));
    events.dedup_by_key(|event| event.id);
    Ok(events)
}

/// What an organization's admins may see.
pub fn of_organization(
    tx: &mut ReadTx<'_>,
    organization: OrganizationId,
    filter: &Filter,
    page: Page,
) -> Result<Found, db::Error> {
    let words = filter.which.among(|sight| sight == Sight::Organization);
    let events = store::within(tx, organization, &range(filter, page), &words)?;
    Ok(cut(events, page))
}

/// A range of ids, and how many at most.
pub(super) struct Range {
    pub from: Option<EventId>,
    /// Without it.
    pub before: Option<EventId>,
    pub limit: i64,
}

/// One more than the page shows tells whether there is another.
fn range(filter: &Filter, page: Page) -> Range {
    let until = filter.until.map(EventId::first_at);
    let cursor = page.after.map(|cursor| cursor.0);
    Range {
        from: filter.since.map(EventId::first_at),
        before: until.into_iter().chain(cursor).min(),
        limit: i64::from(page.size.0) + 1,
    }
}

fn cut(mut events: Vec<Recorded>, page: Page) -> Found {
    let size = usize::from(page.size.0);
    let has_more = events.len() > size;
    events.truncate(size);
    let next = events.last().filter(|_| has_more).map(|last| Cursor(last.id));
    Found { events, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_can_be_read_back_and_nothing_else_is_one() {
        let cursor = Cursor(EventId::first_at(DateTime::UNIX_EPOCH));
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for text in ["", "x", "018f0000-0000-7000-8000-000000000000", &"A".repeat(23), "' OR 1=1"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_page_has_1_to_100_events() {
        let sizes = [i64::MIN, -1, 0, 1, 100, 101, 256, i64::MAX].map(|size| PageSize::new(size).is_some());
        assert_eq!(sizes, [false, false, false, true, true, false, false, false]);
    }

    #[test]
    fn kinds_are_found_by_their_own_word_and_by_that_of_their_area() {
        assert_eq!(Which::parse(""), Some(Which::Every));
        assert_eq!(Which::parse("signing_in"), Some(Which::Area(Area::SigningIn)));
        assert_eq!(Which::parse("session.opened"), Kind::find("session.opened").map(Which::Kind));
        assert_eq!(Which::parse("session.teleported"), None);
    }

    #[test]
    fn nobody_can_ask_for_what_they_may_not_see() {
        let rotated = Which::parse("session.rotated").unwrap();
        let Words::Only(words) = rotated.among(|sight| sight != Sight::Operator) else { panic!() };
        assert!(words.is_empty());
        let Words::AllBut(hidden) = Which::Every.among(|sight| sight == Sight::Organization) else { panic!() };
        assert!(hidden.contains(&"session.rotated") && hidden.contains(&"session.opened"));
    }
}
