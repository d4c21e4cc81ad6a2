//! What may be old and how old, where clocks differ.

use chrono::{DateTime, TimeDelta, Utc};
use roxmltree::Node;

use super::report::Mismatch;
use super::tree;

/// How far the provider's clock and ours may differ.
pub const TOLERATED_DIFFERENCE: TimeDelta = TimeDelta::minutes(3);

/// How long after it was issued an answer may arrive, whatever it says itself.
pub const OLDEST: TimeDelta = TimeDelta::minutes(10);

/// How long an assertion may say that it is valid. Entra ID says 70 minutes, others less.
pub const LONGEST_LIFETIME: TimeDelta = TimeDelta::hours(2);

/// An instant as SAML has them (core, 1.3.3): in UTC, with a `Z`.
pub(super) fn instant(node: Node<'_, '_>, name: &str) -> Result<Option<DateTime<Utc>>, Mismatch> {
    let Some(text) = tree::attribute(node, name) else { return Ok(None) };
    let parsed = DateTime::parse_from_rfc3339(text).ok().filter(|_| text.contains('T') && text.ends_with('Z'));
    match parsed {
        Some(instant) => Ok(Some(instant.to_utc())),
        None => Err(Mismatch::new(format!("{name}=\"{text}\""), "an instant like 2030-01-31T12:00:00Z")),
    }
}

pub(super) fn needed(node: Node<'_, '_>, name: &str) -> Result<DateTime<Utc>, Mismatch> {
    instant(node, name)?.ok_or_else(|| Mismatch::new(format!("no {name}"), name))
}

/// `IssueInstant`: neither in the future nor long ago.
pub(super) fn issued_lately(node: Node<'_, '_>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Mismatch> {
    let issued = needed(node, "IssueInstant")?;
    let (from, to) = (now - OLDEST, now + TOLERATED_DIFFERENCE);
    if (from..=to).contains(&issued) {
        return Ok(issued);
    }
    Err(Mismatch::new(written(issued), format!("from {} to {}", written(from), written(to))))
}

/// `NotBefore`, where there is one.
pub(super) fn begun(node: Node<'_, '_>, now: DateTime<Utc>) -> Result<(), Mismatch> {
    match instant(node, "NotBefore")? {
        Some(begins) if begins > now + TOLERATED_DIFFERENCE => {
            let expected = format!("{} at the latest", written(now + TOLERATED_DIFFERENCE));
            Err(Mismatch::new(format!("NotBefore {}", written(begins)), expected))
        }
        Some(_) | None => Ok(()),
    }
}

/// An end that has to lie ahead. Gives back the end itself.
pub(super) fn not_over(name: &str, end: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Mismatch> {
    if now < end + TOLERATED_DIFFERENCE {
        return Ok(end);
    }
    Err(Mismatch::new(
        format!("{name} {}", written(end)),
        format!("later than {}", written(now - TOLERATED_DIFFERENCE)),
    ))
}

pub(super) fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
