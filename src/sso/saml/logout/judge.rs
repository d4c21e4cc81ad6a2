use chrono::{DateTime, Utc};
use roxmltree::Node;

use super::{Answered, Arrived, Heard, Outcome, Refusal, SignOut, Terms};
use crate::sso::saml::outgoing::Kind;
use crate::sso::saml::report::Trail;
use crate::sso::saml::signature::{Keys, signed_part};
use crate::sso::saml::tree::{self, ASSERTION, PROTOCOL, SIGNATURE};
use crate::sso::saml::{NameId, grammar, redirect, signed_info, text, times};

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// In bytes, as identities have it.
const LONGEST_NAME: usize = 1024;

/// What a message about signing out says, if it is the provider's and meant for us now.
pub fn judge(arrived: Arrived<'_>, terms: &Terms<'_>, now: DateTime<Utc>) -> Result<Heard, Refusal> {
    let (kind, document) = match arrived {
        Arrived::Redirect(query) => from_redirect(query, terms)?,
        Arrived::Form(kind, value) => (kind, from_form(kind, value, terms)?),
    };
    approve_text(&document)?;
    let parsed = tree::parse(&document).map_err(|_| Refusal::Unreadable)?;
    let root = parsed.root_element();
    require_shape(kind, root)?;
    require_parties(root, terms)?;
    let issued_at = issued_lately(root, now)?;
    match kind {
        Kind::Request => asked(root, issued_at).map(Heard::Asked),
        Kind::Response => answered(root).map(Heard::Answered),
    }
}

fn require_parties(root: Node<'_, '_>, terms: &Terms<'_>) -> Result<(), Refusal> {
    if issuer_of(root) != Some(terms.entity_id) {
        return Err(Refusal::Issuer);
    }
    // It has to be there in what is signed (SAML bindings, 3.4.5.2 and 3.5.5.2).
    if tree::attribute(root, "Destination") == Some(terms.url) { Ok(()) } else { Err(Refusal::Destination) }
}

fn from_redirect(query: &str, terms: &Terms<'_>) -> Result<(Kind, String), Refusal> {
    let signed = redirect::read(query).ok_or(Refusal::Unreadable)?;
    let Some(signature) = &signed.signature else { return Err(Refusal::Unsigned) };
    let document = redirect::inflate(&signed.message).ok_or(Refusal::Unreadable)?;
    require_address(signed.kind, &document, terms)?;
    if !terms.certificates.iter().any(|der| signature.is_by(der)) {
        return Err(Refusal::Signature);
    }
    Ok((signed.kind, document))
}

/// Nobody has signed this yet, but what is not for us from the provider costs no more work.
fn require_address(kind: Kind, document: &str, terms: &Terms<'_>) -> Result<(), Refusal> {
    approve_text(document)?;
    let parsed = tree::parse(document).map_err(|_| Refusal::Unreadable)?;
    require_shape(kind, parsed.root_element())?;
    require_parties(parsed.root_element(), terms)
}

/// Only what the signature covers.
fn from_form(kind: Kind, value: &str, terms: &Terms<'_>) -> Result<String, Refusal> {
    let document = text::decode(&mut Trail::new(), value).map_err(|_| Refusal::Unreadable)?;
    require_address(kind, &document, terms)?;
    let parsed = tree::parse(&document).map_err(|_| Refusal::Unreadable)?;
    let root = parsed.root_element();
    let signature = tree::child(root, (SIGNATURE, "Signature")).ok_or(Refusal::Unsigned)?;
    require_plain_ids(root)?;
    grammar::hold(signature).and_then(|()| signed_info::approve(signature)).map_err(|_| Refusal::Signature)?;
    let keys = Keys::of(terms.certificates).map_err(|_| Refusal::Signature)?;
    signed_part(&document, &keys).map_err(|_| Refusal::Signature)
}

fn approve_text(document: &str) -> Result<(), Refusal> {
    text::approve(&mut Trail::new(), document).map_err(|_| Refusal::Unreadable)
}

/// The root is what its kind says, of version 2.0, and its children are what one has, without elements of their own but
/// in the signature and the status.
fn require_shape(kind: Kind, root: Node<'_, '_>) -> Result<(), Refusal> {
    let name = match kind {
        Kind::Request => "LogoutRequest",
        Kind::Response => "LogoutResponse",
    };
    let is_root = tree::is(root, (PROTOCOL, name)) && tree::attribute(root, "Version") == Some("2.0");
    let is_known = |child: Node<'_, '_>| match kind {
        _ if tree::is(child, (ASSERTION, "Issuer")) => is_plain(child),
        _ if tree::is(child, (SIGNATURE, "Signature")) => true,
        Kind::Request if tree::is(child, (ASSERTION, "NameID")) => is_plain(child),
        Kind::Request => tree::is(child, (PROTOCOL, "SessionIndex")) && is_plain(child),
        Kind::Response => tree::is(child, (PROTOCOL, "Status")),
    };
    let mut children = root.children().filter(Node::is_element);
    if !is_root || !children.all(is_known) {
        return Err(Refusal::Shape);
    }
    let times = |name| tree::children(root, name).count();
    let is_once = times((ASSERTION, "Issuer")) == 1 && times((SIGNATURE, "Signature")) <= 1;
    let content = match kind {
        Kind::Request if times((ASSERTION, "NameID")) != 1 => return Err(Refusal::NameId),
        Kind::Request => true,
        Kind::Response => times((PROTOCOL, "Status")) == 1,
    };
    if is_once && content { Ok(()) } else { Err(Refusal::Shape) }
}

fn is_plain(node: Node<'_, '_>) -> bool {
    !node.children().any(|child| child.is_element())
}

/// One signature, of the root: so nothing else can be named by it.
fn require_plain_ids(root: Node<'_, '_>) -> Result<(), Refusal> {
    let signatures = root.descendants().filter(|node| node.tag_name().name() == "Signature").count();
    let strange = root.descendants().skip(1).any(|node| {
        node.attributes().any(|attribute| attribute.name().eq_ignore_ascii_case("id") && attribute.name() != "Id")
    });
    let id = tree::attribute(root, "ID").unwrap_or_default();
    let is_name = id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let ids = root.attributes().filter(|attribute| attribute.name().eq_ignore_ascii_case("id")).count();
    if signatures == 1 && !strange && is_name && ids == 1 { Ok(()) } else { Err(Refusal::Shape) }
}

fn issuer_of<'a>(root: Node<'a, '_>) -> Option<&'a str> {
    tree::children(root, (ASSERTION, "Issuer")).next().map(tree::text)
}

fn issued_lately(root: Node<'_, '_>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
    let issued_at = times::issued_lately(root, now).map_err(|_| Refusal::Time)?;
    if let Some(end) = times::instant(root, "NotOnOrAfter").map_err(|_| Refusal::Time)? {
        times::not_over("NotOnOrAfter", end, now).map_err(|_| Refusal::Time)?;
    }
    Ok(issued_at)
}

fn asked(root: Node<'_, '_>, issued_at: DateTime<Utc>) -> Result<SignOut, Refusal> {
    let id = tree::attribute(root, "ID").filter(|id| !id.is_empty()).ok_or(Refusal::Shape)?;
    let name = tree::child(root, (ASSERTION, "NameID")).ok_or(Refusal::NameId)?;
    let value = tree::text(name);
    if value.is_empty() || value.len() > LONGEST_NAME {
        return Err(Refusal::NameId);
    }
    let indexes = tree::children(root, (PROTOCOL, "SessionIndex")).map(|index| tree::text(index).to_owned());
    Ok(SignOut {
        id: id.to_owned(),
        name_id: NameId { value: value.to_owned(), format: tree::attribute(name, "Format").map(str::to_owned) },
        session_indexes: indexes.collect(),
        good_until: issued_at + times::OLDEST,
    })
}

fn answered(root: Node<'_, '_>) -> Result<Answered, Refusal> {
    let to = tree::attribute(root, "InResponseTo").filter(|id| !id.is_empty()).ok_or(Refusal::Unasked)?;
    Ok(Answered { to: to.to_owned(), outcome: outcome(root) })
}

fn outcome(root: Node<'_, '_>) -> Outcome {
    let status = tree::child(root, (PROTOCOL, "Status"));
    let codes = status.into_iter().flat_map(|status| status.descendants());
    let mut values =
        codes.filter(|node| tree::is(*node, (PROTOCOL, "StatusCode"))).map(|node| tree::attribute(node, "Value"));
    match (values.next(), values.next()) {
        (Some(Some(SUCCESS)), None) => Outcome::Everywhere,
        _ => Outcome::Partly,
    }
}
