//! What other rules would have decided about what is recorded.
//!
//! Each record is judged by the other rules and by those of today, as of the moment when it came. What is kept of all of
//! them is bounded: a few kinds of changes, each with one example.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};

use super::{Deciding, Fingerprint, Key, Outcome, Record, store};
use crate::config::settings;
use crate::db::{self, Db};
use crate::gateway::{Rehearsal, Rules};
use crate::kernel::UserId;

/// Rows read at once.
const PAGE: i64 = 1_000;

/// More kinds of changes than this are counted together.
const MOST_KINDS: usize = 10_000;

/// More people than this are not told apart.
const MOST_PEOPLE: usize = 10_000;

/// Which records are looked at.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub since: DateTime<Utc>,
    /// In lower case, without a port.
    pub host: Option<String>,
}

/// The rules that are compared.
pub struct Replay {
    other: Rules,
    today: Rules,
    /// Of the rules of today.
    fingerprint: Fingerprint,
    report: Report,
}

/// What has been found out.
#[derive(Default, Debug)]
pub struct Report {
    /// How many records were looked at.
    pub looked_at: u64,
    /// How many checks they stand for.
    pub stand_for: f64,
    pub changed: u64,
    /// Those of `changed` about which the rules of today decide like the others.
    pub already: u64,
    /// A key was shown that nobody has looked at, and the other rules take keys there.
    pub untold: u64,
    /// Written by another release.
    pub unreadable: u64,
    /// Judged by other rules than those of today.
    pub by_others: u64,
    /// What they were judged by.
    pub shares: Shares,
    pub people: People,
    kinds: BTreeMap<Kind, Change>,
    /// Changes of more kinds than are told apart.
    pub unsorted: u64,
}

/// The smallest and the largest share of all checks that was kept.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shares {
    pub least: f64,
    pub most: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self { least: 1.0, most: 0.0 }
    }
}

/// Changes of one kind are told together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Kind {
    pub host: String,
    /// The beginning of the path, and `*` for what looks like a name that was made up.
    pub shape: String,
    pub was: Outcome,
    pub would_be: Outcome,
}

#[derive(Debug)]
pub struct Change {
    pub count: u64,
    pub already: u64,
    pub people: People,
    /// The newest.
    pub example: Record,
    /// Which of the other rules decides about it; `None` for the default.
    pub by: Option<Deciding>,
}

/// How many people there were, as far as they are told apart.
#[derive(Clone, Default, Debug)]
pub struct People(HashSet<UserId>);

impl People {
    fn add(&mut self, user: Option<UserId>) {
        if self.0.len() < MOST_PEOPLE {
            self.0.extend(user);
        }
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether there may have been more.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MOST_PEOPLE
    }
}

/// What rules come to.
enum Verdict {
    Decided(Outcome, Option<Deciding>),
    /// It depends on a key that nobody has looked at.
    Untold,
    Unreadable,
}

impl Replay {
    pub fn new(other: &settings::Gateway, today: &settings::Gateway) -> Self {
        Self {
            other: Rules::compile(other),
            today: Rules::compile(today),
            fingerprint: Fingerprint::of(today),
            report: Report::default(),
        }
    }

    /// A page at a time; what is written meanwhile is left out.
    pub async fn run(mut self, db: &Db, wanted: &Wanted) -> Result<Report, db::Error> {
        let last = db.look_up(store::newest).await?;
        let mut after = 0;
        loop {
            let Wanted { since, host } = wanted.clone();
            let page = db.look_up(move |tx| store::list(tx, since, host.as_deref(), (after, last), PAGE)).await?;
            let Some((end, _)) = page.last() else { return Ok(self.report) };
            after = *end;
            for (_, record) in page {
                self.look(record);
            }
        }
    }

    fn look(&mut self, record: Option<Record>) {
        let report = &mut self.report;
        report.looked_at += 1;
        let Some(record) = record else {
            report.unreadable += 1;
            return;
        };
        report.stand_for += 1.0 / record.share;
        report.shares = report.shares.with(record.share);
        report.by_others += u64::from(record.rules != self.fingerprint);
        let (would_be, by) = match judge(&self.other, &record) {
            Verdict::Decided(outcome, by) => (outcome, by),
            Verdict::Untold => return report.untold += 1,
            Verdict::Unreadable => return report.unreadable += 1,
        };
        if would_be != record.outcome {
            let is_already = matches!(judge(&self.today, &record), Verdict::Decided(today, _) if today == would_be);
            report.add(record, would_be, by, u64::from(is_already));
        }
    }
}

impl Shares {
    fn with(self, share: f64) -> Self {
        Self { least: self.least.min(share), most: self.most.max(share) }
    }
}

impl Report {
    /// Those that happened most come first.
    pub fn changes(&self) -> Vec<(&Kind, &Change)> {
        let mut all: Vec<_> = self.kinds.iter().collect();
        all.sort_by_key(|(_, change)| std::cmp::Reverse(change.count));
        all
    }

    /// How many hosts have changes.
    pub fn hosts(&self) -> usize {
        self.kinds.keys().map(|kind| &kind.host).collect::<BTreeSet<_>>().len()
    }

    fn add(&mut self, record: Record, would_be: Outcome, by: Option<Deciding>, already: u64) {
        self.changed += 1;
        self.already += already;
        self.people.add(record.user);
        let place = &record.place;
        let kind = Kind { host: place.host.clone(), shape: shape(&place.path), was: record.outcome.clone(), would_be };
        if self.kinds.len() >= MOST_KINDS && !self.kinds.contains_key(&kind) {
            self.unsorted += 1;
            return;
        }
        let user = record.user;
        let change = match self.kinds.entry(kind) {
            std::collections::btree_map::Entry::Occupied(entry) => {
                let change = entry.into_mut();
                (change.example, change.by) = (record, by);
                change
            }
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Change { count: 0, already: 0, people: People::default(), example: record, by })
            }
        };
        change.count += 1;
        change.already += already;
        change.people.add(user);
    }
}

/// By these rules, as of when it came.
fn judge(rules: &Rules, record: &Record) -> Verdict {
    let url = record.place.url();
    let Ok(request) = record.place.request(&url, record.client) else { return Verdict::Unreadable };
    let stranger = crate::gateway::Subject::Stranger;
    let subject = match (record.key, rules.takes_keys(&request)) {
        (Key::Unread, true) => return Verdict::Untold,
        // Whoever has shown a key where none is taken is whoever their cookies say, and programs have none.
        (Key::Read, false) => stranger,
        (Key::None, _) | (Key::Unread, false) | (Key::Read, true) => match record.visitor.subject() {
            Some(subject) => subject,
            None => return Verdict::Decided(Outcome::INVALID_KEY, None),
        },
    };
    let judgement = rules.judge(&request, &subject, Rehearsal::No, record.at);
    Verdict::Decided(Outcome::of(&judgement), Deciding::of(&judgement))
}

/// `/users/8241/posts/7` is `/users/*/posts/**`.
fn shape(path: &str) -> String {
    const SEGMENTS: usize = 3;
    let segments = path.trim_start_matches('/').split('/');
    let mut named: Vec<&str> = segments.map(|segment| if is_made_up(segment) { "*" } else { segment }).collect();
    if named.len() > SEGMENTS {
        named.truncate(SEGMENTS);
        named.push("**");
    }
    format!("/{}", named.join("/"))
}

/// A number, an id, a token: what nobody would write into a rule.
fn is_made_up(segment: &str) -> bool {
    let has_digit = segment.bytes().any(|byte| byte.is_ascii_digit());
    let is_number = has_digit && segment.bytes().all(|byte| byte.is_ascii_digit() || b"-.:".contains(&byte));
    is_number || segment.len() > 40 || (has_digit && segment.len() >= 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_one_kind_have_one_shape() {
        let table = [
            ("/", "/"),
            ("/admin", "/admin"),
            ("/admin/", "/admin/"),
            ("/users/8241", "/users/*"),
            ("/users/8241/posts/7", "/users/*/posts/**"),
            ("/a/b/c", "/a/b/c"),
            ("/a/b/c/d/e", "/a/b/c/**"),
            ("/files/0192f8a4-7f2c-7d50-b0f4-2c9c0c6a9f3e", "/files/*"),
            ("/v2/things", "/v2/things"),
            ("/2026-11-22", "/*"),
        ];
        for (path, expected) in table {
            assert_eq!(shape(path), expected, "{path}");
        }
    }
}
