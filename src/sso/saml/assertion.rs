//! What a signed assertion says, and whether that is good here and now.

use chrono::{DateTime, Utc};
use roxmltree::Node;

use super::message::{equals, issued_by};
use super::report::{Mismatch, Stop, Trail};
use super::screen::is_version_2;
use super::tree::{self, ASSERTION};
use super::{Answer, Asked, Attribute, Check, NameId, Provider, times};

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// The longest `NameID`, in bytes: it is indexed, and PostgreSQL takes 2704 there.
const LONGEST_NAME_ID: usize = 1024;

/// The longest value of an attribute, in characters.
const LONGEST_VALUE: usize = 10_000;

/// Whether the response itself was signed, and with it the request that it names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    SignedRequest,
    UnsignedRequest,
}

/// What an assertion is held against.
#[derive(Clone, Copy)]
pub(super) struct Measure<'a> {
    pub(super) provider: &'a Provider<'a>,
    pub(super) asked: Asked<'a>,
    pub(super) names: Names,
    pub(super) now: DateTime<Utc>,
}

pub(super) fn judge(trail: &mut Trail, assertion: Node<'_, '_>, measure: &Measure<'_>) -> Result<Answer, Stop> {
    let now = measure.now;
    trail.note(Check::AssertionVersion, is_version_2(assertion));
    trail.note(Check::AssertionIssuer, issued_by(assertion, measure.provider));
    let issued = trail.note(Check::AssertionTime, times::issued_lately(assertion, now));
    let name_id = trail.note(Check::NameId, name_id(assertion));
    let confirmed_until = confirmation(trail, assertion, measure);
    let conditions_until = conditions(trail, assertion, measure);
    let authentication = trail.note(Check::Authentication, authentication(assertion, now));
    let session_ends_at = trail.note(Check::SessionEnd, session_end(assertion, now));
    let attributes = trail.note(Check::Attributes, attributes(assertion));
    trail.stop_if_failed()?;
    let ends = [confirmed_until.ok_or(Stop)?, conditions_until.ok_or(Stop)?, issued.ok_or(Stop)? + times::OLDEST];
    let (authn_instant, authn_context, session_index) = authentication.ok_or(Stop)?;
    Ok(Answer {
        assertion_id: tree::attribute(assertion, "ID").ok_or(Stop)?.to_owned(),
        name_id: name_id.ok_or(Stop)?,
        authn_instant,
        authn_context,
        session_index,
        session_ends_at: session_ends_at.ok_or(Stop)?,
        good_until: ends.into_iter().min().ok_or(Stop)? + times::TOLERATED_DIFFERENCE,
        attributes: attributes.ok_or(Stop)?,
    })
}

/// An element on the way down; the grammar has been held, so it is there.
fn below<'a, 'input>(node: Node<'a, 'input>, path: &[&'static str]) -> Result<Node<'a, 'input>, Mismatch> {
    let step = |node, name: &&'static str| {
        tree::child(node, (ASSERTION, *name)).ok_or_else(|| Mismatch::new(format!("no {name}"), format!("one {name}")))
    };
    path.iter().try_fold(node, step)
}

fn name_id(assertion: Node<'_, '_>) -> Result<NameId, Mismatch> {
    const ENCRYPTED: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted";
    let node = below(assertion, &["Subject", "NameID"])?;
    let value = node.text().unwrap_or_default();
    let is_plain = !value.is_empty() && value.trim() == value && !value.chars().any(char::is_control);
    if !is_plain || value.len() > LONGEST_NAME_ID {
        return Err(Mismatch::new(value, format!("1 to {LONGEST_NAME_ID} bytes in one line, without blanks around")));
    }
    let format = tree::attribute(node, "Format").map(str::to_owned);
    if format.as_deref() == Some(ENCRYPTED) {
        return Err(Mismatch::new(ENCRYPTED, "a NameID in the clear"));
    }
    Ok(NameId { value: value.to_owned(), format })
}

/// Until when the bearer may bring it (profiles, 4.1.4.2).
fn confirmation(trail: &mut Trail, assertion: Node<'_, '_>, measure: &Measure<'_>) -> Option<DateTime<Utc>> {
    let found = below(assertion, &["Subject", "SubjectConfirmation"]);
    let is_bearer = found.and_then(|node| equals(tree::attribute(node, "Method"), BEARER));
    trail.note(Check::Confirmation, is_bearer)?;
    let data = below(assertion, &["Subject", "SubjectConfirmation", "SubjectConfirmationData"]);
    let data = trail.note(Check::Confirmation, data)?;
    trail.note(Check::Recipient, equals(tree::attribute(data, "Recipient"), measure.provider.acs_url));
    trail.note(Check::ConfirmationRequest, answers(data, measure));
    let until = times::begun(data, measure.now).and_then(|()| times::needed(data, "NotOnOrAfter"));
    trail.note(Check::ConfirmationTime, until.and_then(|end| times::not_over("NotOnOrAfter", end, measure.now)))
}

/// Who has an assertion that answers another request could put it into a response of their own, so it has to name the
/// request itself, unless the response was signed together with what it names.
fn answers(data: Node<'_, '_>, measure: &Measure<'_>) -> Result<(), Mismatch> {
    let named = tree::attribute(data, "InResponseTo");
    match (measure.asked, named) {
        (Asked::This(_), None) if measure.names == Names::SignedRequest => Ok(()),
        (Asked::This(id), named) => equals(named, id),
        (Asked::Nothing | Asked::NothingAndMust, None) => Ok(()),
        (Asked::Nothing | Asked::NothingAndMust, Some(id)) => Err(Mismatch::new(id, "no InResponseTo")),
    }
}

/// Until when the assertion says that it is valid.
fn conditions(trail: &mut Trail, assertion: Node<'_, '_>, measure: &Measure<'_>) -> Option<DateTime<Utc>> {
    let conditions = trail.note(Check::ConditionsTime, below(assertion, &["Conditions"]))?;
    let end = times::begun(conditions, measure.now).and_then(|()| times::needed(conditions, "NotOnOrAfter"));
    let end = trail.note(Check::ConditionsTime, end.and_then(|end| times::not_over("NotOnOrAfter", end, measure.now)));
    if let Some(end) = end {
        trail.note(Check::Lifetime, short_enough(assertion, conditions, end));
    }
    trail.note(Check::Audience, is_for_us(conditions, measure.provider.audience));
    end
}

fn short_enough(assertion: Node<'_, '_>, conditions: Node<'_, '_>, end: DateTime<Utc>) -> Result<(), Mismatch> {
    let begin = match times::instant(conditions, "NotBefore")? {
        Some(begin) => begin,
        None => times::needed(assertion, "IssueInstant")?,
    };
    if begin < end && end - begin <= times::LONGEST_LIFETIME {
        return Ok(());
    }
    let expected = format!("an end up to {} minutes after the beginning", times::LONGEST_LIFETIME.num_minutes());
    Err(Mismatch::new(format!("{} to {}", times::written(begin), times::written(end)), expected))
}

/// Each restriction holds by itself; within one, any of its audiences will do (core, 2.5.1.4).
fn is_for_us(conditions: Node<'_, '_>, audience: &str) -> Result<(), Mismatch> {
    let mut restrictions = 0;
    for restriction in tree::children(conditions, (ASSERTION, "AudienceRestriction")) {
        restrictions += 1;
        let named: Vec<&str> = tree::children(restriction, (ASSERTION, "Audience")).map(tree::text).collect();
        if !named.contains(&audience) {
            return Err(Mismatch::new(named.join(" "), audience));
        }
    }
    if restrictions == 0 { Err(Mismatch::new("no AudienceRestriction", audience)) } else { Ok(()) }
}

type Authentication = (DateTime<Utc>, Option<String>, Option<String>);

fn authentication(assertion: Node<'_, '_>, now: DateTime<Utc>) -> Result<Authentication, Mismatch> {
    let statement = below(assertion, &["AuthnStatement"])?;
    let at = times::needed(statement, "AuthnInstant")?;
    if at > now + times::TOLERATED_DIFFERENCE {
        return Err(Mismatch::new(times::written(at), format!("{} at the latest", times::written(now))));
    }
    let class = tree::child(below(statement, &["AuthnContext"])?, (ASSERTION, "AuthnContextClassRef"));
    let class = class.map(|node| tree::text(node).to_owned()).filter(|class| !class.is_empty());
    let index = tree::attribute(statement, "SessionIndex").map(str::to_owned);
    Ok((at, class, index))
}

/// No tolerance: whose session is over there has none here.
fn session_end(assertion: Node<'_, '_>, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Mismatch> {
    let statement = below(assertion, &["AuthnStatement"])?;
    match times::instant(statement, "SessionNotOnOrAfter")? {
        Some(end) if end <= now => {
            Err(Mismatch::new(times::written(end), format!("later than {}", times::written(now))))
        }
        end => Ok(end),
    }
}

/// Some providers give each value an attribute of its own: what has one name is one attribute.
fn attributes(assertion: Node<'_, '_>) -> Result<Vec<Attribute>, Mismatch> {
    let mut found: Vec<Attribute> = Vec::new();
    let statements = tree::children(assertion, (ASSERTION, "AttributeStatement"));
    for node in statements.flat_map(|statement| tree::children(statement, (ASSERTION, "Attribute"))) {
        let Some(name) = tree::attribute(node, "Name").filter(|name| !name.is_empty()) else {
            return Err(Mismatch::new("an Attribute without Name", "a Name"));
        };
        let values = values(node, name)?;
        match found.iter_mut().find(|attribute| attribute.name == name) {
            Some(attribute) => attribute.values.extend(values),
            None => found.push(Attribute {
                name: name.to_owned(),
                friendly_name: tree::attribute(node, "FriendlyName").map(str::to_owned),
                values,
            }),
        }
    }
    Ok(found)
}

fn values(attribute: Node<'_, '_>, name: &str) -> Result<Vec<String>, Mismatch> {
    let mut values = Vec::new();
    for node in tree::children(attribute, (ASSERTION, "AttributeValue")) {
        let value = tree::text(node);
        if value.chars().count() > LONGEST_VALUE {
            return Err(Mismatch::new(
                format!("a longer value of {name}"),
                format!("{LONGEST_VALUE} characters at most"),
            ));
        }
        values.push(value.to_owned());
    }
    Ok(values)
}
