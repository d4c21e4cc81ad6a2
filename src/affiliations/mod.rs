//! To which organizations and groups somebody belongs, in the words that apps are told: `acme` (member of), `acme:admin`
//! (role; an ordinary member's is `acme:member`), `acme/engineering` (group).
//!
//! They are read with the session or the key of whoever stands at the gate, in one statement with it, and remembered for
//! as long: the tables tell every node of whoever's membership changes. Nothing is read of an organization that the
//! operator has not named: anybody may found one and call it `admins`.

mod store;

pub use store::{Column, column, find};

/// Words that are read of one person's memberships, and of their groups.
pub const MOST: usize = 512;

/// In their order: organizations and roles by slug, then groups by slug and name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Affiliations(Vec<String>);

impl Affiliations {
    /// What [`column`] has brought.
    pub fn from_stored(words: Vec<String>) -> Self {
        Self(words)
    }

    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there may be more than were read. Anybody can found organizations, and groups in them without end, whose
    /// names come before others.
    pub fn may_lack_some(&self) -> bool {
        let groups = self.words().filter(|word| word.contains('/')).count();
        groups >= MOST || self.0.len() - groups >= MOST
    }
}
