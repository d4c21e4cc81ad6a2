//! What is refused before any signature is looked at: samael and what it is made of act on a document as soon as they
//! have it, fetch what references name and run what transforms say, so they get none that could make them.

use std::collections::HashSet;

use roxmltree::Node;

use super::Check;
use super::grammar;
use super::report::{Failure, Mismatch, Stop, Trail};
use super::tree::{self, ASSERTION, ENCRYPTION, PROTOCOL, SIGNATURE};

/// The parts of a response that may be looked at further.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a, 'input> {
    pub(super) response: Node<'a, 'input>,
    pub(super) assertion: Enclosed<'a, 'input>,
}

#[derive(Clone, Copy)]
pub(super) enum Enclosed<'a, 'input> {
    Clear(Node<'a, 'input>),
    Encrypted(Node<'a, 'input>),
}

/// Screens a whole response.
pub(super) fn response<'a, 'input>(trail: &mut Trail, root: Node<'a, 'input>) -> Result<Parts<'a, 'input>, Stop> {
    trail.require(Check::Root, is_response(root))?;
    trail.require(Check::ResponseVersion, is_version_2(root))?;
    trail.require(Check::Status, succeeded(root))?;
    trail.require(Check::Names, no_name_elsewhere(root))?;
    let enclosed = trail.require(Check::Children, enclosed(root))?;
    elements(trail, root)?;
    Ok(Parts { response: root, assertion: enclosed })
}

/// Screens an assertion that stands alone, as it comes out of an encrypted one.
pub(super) fn assertion(trail: &mut Trail, root: Node<'_, '_>) -> Result<(), Stop> {
    let is_assertion = tree::is(root, (ASSERTION, "Assertion"));
    let found = if is_assertion { Ok(()) } else { Err(Mismatch::new(tree::described(root), "an Assertion")) };
    trail.require(Check::Decryption, found)?;
    trail.require(Check::Names, no_name_elsewhere(root))?;
    elements(trail, root)
}

fn elements(trail: &mut Trail, root: Node<'_, '_>) -> Result<(), Stop> {
    trail.require(Check::Ids, ids(root))?;
    let shapes =
        &[Check::SignatureShape, Check::Reference, Check::Transforms, Check::AssertionShape, Check::Conditions];
    trail.require_all(shapes, grammar::hold(root))?;
    for signature in root.descendants().filter(|node| tree::is(*node, (SIGNATURE, "Signature"))) {
        let checks = &[Check::SignatureShape, Check::Reference, Check::Transforms, Check::Algorithms];
        trail.require_all(checks, super::signed_info::approve(signature))?;
    }
    Ok(())
}

fn is_response(root: Node<'_, '_>) -> Result<(), Mismatch> {
    if tree::is(root, (PROTOCOL, "Response")) {
        return Ok(());
    }
    Err(Mismatch::new(tree::described(root), format!("Response of {PROTOCOL}")))
}

pub(super) fn is_version_2(node: Node<'_, '_>) -> Result<(), Mismatch> {
    match tree::attribute(node, "Version") {
        Some("2.0") => Ok(()),
        other => Err(Mismatch::new(other.unwrap_or("no Version"), "2.0")),
    }
}

/// Looked at before the children, because a response that says no has no assertion. What it says is told to
/// administrators, who look for the reason there.
fn succeeded(response: Node<'_, '_>) -> Result<(), Mismatch> {
    const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
    let expected = || format!("{SUCCESS} alone");
    let mut statuses = tree::children(response, (PROTOCOL, "Status"));
    let (Some(status), None) = (statuses.next(), statuses.next()) else {
        return Err(Mismatch::new("not exactly one Status", expected()));
    };
    let codes: Vec<&str> = status
        .descendants()
        .filter(|node| tree::is(*node, (PROTOCOL, "StatusCode")))
        .map(|code| tree::attribute(code, "Value").unwrap_or("no Value"))
        .collect();
    if codes == [SUCCESS] {
        return Ok(());
    }
    let message = tree::child(status, (PROTOCOL, "StatusMessage")).map(tree::text).unwrap_or_default();
    Err(Mismatch::new(format!("{} {message}", codes.join(" ")).trim(), expected()))
}

/// Libraries that look for an element by its name anywhere find the wrong one; and what looks like one of these in any
/// namespace is there for no good reason.
fn no_name_elsewhere(root: Node<'_, '_>) -> Result<(), Mismatch> {
    for node in root.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        let is_right = match name.to_ascii_lowercase().as_str() {
            "response" => node == root && tree::is(node, (PROTOCOL, "Response")),
            "assertion" => tree::is(node, (ASSERTION, "Assertion")) && is_root_or_its_child(node, root),
            "encryptedassertion" => {
                tree::is(node, (ASSERTION, "EncryptedAssertion")) && node.parent_element() == Some(root)
            }
            "signature" => tree::is(node, (SIGNATURE, "Signature")) && is_signable(node.parent_element()),
            _ => true,
        };
        if !is_right {
            let parent = node.parent_element().map_or("the document", |parent| parent.tag_name().name());
            return Err(Mismatch::new(format!("{} in {parent}", tree::described(node)), "none there"));
        }
    }
    Ok(())
}

fn is_root_or_its_child(node: Node<'_, '_>, root: Node<'_, '_>) -> bool {
    node == root || (node.parent_element() == Some(root) && tree::is(root, (PROTOCOL, "Response")))
}

fn is_signable(node: Option<Node<'_, '_>>) -> bool {
    node.is_some_and(|node| tree::is(node, (PROTOCOL, "Response")) || tree::is(node, (ASSERTION, "Assertion")))
}

/// Exactly one assertion, encrypted or not.
fn enclosed<'a, 'input>(response: Node<'a, 'input>) -> Result<Enclosed<'a, 'input>, Mismatch> {
    let clear = tree::child(response, (ASSERTION, "Assertion"));
    let encrypted = tree::child(response, (ASSERTION, "EncryptedAssertion"));
    match (clear, encrypted) {
        (Some(node), None) => Ok(Enclosed::Clear(node)),
        (None, Some(node)) => Ok(Enclosed::Encrypted(node)),
        (None, None) => Err(Mismatch::new("no assertion", "one assertion")),
        (Some(_), Some(_)) => Err(Mismatch::new("two assertions", "one assertion")),
    }
}

/// Nothing but `ID` of the response and the assertion, and `Id` in signatures and encrypted data, is an id; libxml2
/// also takes `xml:id`, and samael an `ID` of any namespace.
fn ids(root: Node<'_, '_>) -> Result<(), Mismatch> {
    let mut seen = HashSet::new();
    for node in root.descendants().filter(Node::is_element) {
        for attribute in node.attributes().filter(|attribute| attribute.name().eq_ignore_ascii_case("id")) {
            let stands_there = attribute.namespace().is_none() && Some(attribute.name()) == id_of(node);
            if !stands_there {
                let seen = format!("{} in {}", attribute.name(), node.tag_name().name());
                return Err(Mismatch::new(seen, "no such attribute there"));
            }
            if !is_plain_name(attribute.value()) {
                return Err(Mismatch::new(attribute.value(), "letters, digits, '_', '-' and '.'"));
            }
            if !seen.insert(attribute.value()) {
                return Err(Mismatch::new(format!("{} twice", attribute.value()), "each once"));
            }
        }
        if is_signable(Some(node)) && tree::attribute(node, "ID").is_none() {
            return Err(Mismatch::new(format!("{} without ID", node.tag_name().name()), "an ID"));
        }
    }
    Ok(())
}

/// What the ID of an element is called, if it may have one.
fn id_of(node: Node<'_, '_>) -> Option<&'static str> {
    if is_signable(Some(node)) {
        return Some("ID");
    }
    node.tag_name().namespace().filter(|namespace| [SIGNATURE, ENCRYPTION].contains(namespace)).map(|_| "Id")
}

/// An `NCName` of ASCII, so that no two spellings of it are equal to anybody.
fn is_plain_name(id: &str) -> bool {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    id.len() <= 256 && id.chars().next().is_some_and(is_start) && id.chars().all(is_part)
}

/// For steps that make several checks.
pub(super) fn failed<T>(check: Check, seen: impl Into<String>, expected: impl Into<String>) -> Result<T, Failure> {
    Err((check, Mismatch::new(seen, expected)))
}
