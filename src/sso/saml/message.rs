//! What the response says of itself. If only the assertion is signed then anybody may have written this; it is held to
//! the same all the same, and nothing of it is believed.

use chrono::{DateTime, Utc};
use roxmltree::Node;

use super::report::{Mismatch, Stop, Trail};
use super::tree::{self, ASSERTION};
use super::{Asked, Check, Provider, times};

pub(super) fn judge(
    trail: &mut Trail,
    response: Node<'_, '_>,
    provider: &Provider<'_>,
    (asked, now): (Asked<'_>, DateTime<Utc>),
) -> Result<(), Stop> {
    trail.note(Check::Requested, may_arrive(asked));
    trail.note(Check::InResponseTo, answers(response, asked));
    trail.note(Check::Destination, equals(tree::attribute(response, "Destination"), provider.acs_url));
    trail.note(Check::ResponseIssuer, issued_by(response, provider));
    trail.note(Check::ResponseTime, times::issued_lately(response, now));
    trail.stop_if_failed()
}

fn may_arrive(asked: Asked<'_>) -> Result<(), Mismatch> {
    match asked {
        Asked::This(_) | Asked::Nothing => Ok(()),
        Asked::NothingAndMust => Err(Mismatch::new("an answer that nobody here waits for", "an answer to a request")),
    }
}

fn answers(response: Node<'_, '_>, asked: Asked<'_>) -> Result<(), Mismatch> {
    let named = tree::attribute(response, "InResponseTo");
    match (asked, named) {
        (Asked::This(id), named) => equals(named, id),
        (Asked::Nothing | Asked::NothingAndMust, None) => Ok(()),
        (Asked::Nothing | Asked::NothingAndMust, Some(id)) => Err(Mismatch::new(id, "no InResponseTo")),
    }
}

/// The issuer is the provider, by its entity id.
pub(super) fn issued_by(node: Node<'_, '_>, provider: &Provider<'_>) -> Result<(), Mismatch> {
    const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
    let Some(issuer) = tree::child(node, (ASSERTION, "Issuer")) else {
        return Err(Mismatch::new("no Issuer", provider.entity_id));
    };
    match tree::attribute(issuer, "Format") {
        None | Some(ENTITY) => equals(Some(tree::text(issuer)), provider.entity_id),
        Some(other) => Err(Mismatch::new(format!("an Issuer of Format {other}"), ENTITY)),
    }
}

pub(super) fn equals(seen: Option<&str>, expected: &str) -> Result<(), Mismatch> {
    if seen == Some(expected) { Ok(()) } else { Err(Mismatch::new(seen.unwrap_or("nothing"), expected)) }
}
