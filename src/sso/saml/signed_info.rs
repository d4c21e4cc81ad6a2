//! What a signature says that it signs, and how: nothing of it may be left to whoever verifies it.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roxmltree::Node;

use super::Check;
use super::report::Failure;
use super::screen::failed;
use super::tree::{self, EXCLUSIVE_C14N, SIGNATURE};

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

const SIGNATURE_ALGORITHMS: [&str; 6] = [
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
];

const DIGEST_ALGORITHMS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];

/// The longest `PrefixList`, in bytes; it is gone through for each element.
const LONGEST_PREFIX_LIST: usize = 200;

/// The grammar has been held: each element that is looked for is there once.
pub(super) fn approve(signature: Node<'_, '_>) -> Result<(), Failure> {
    let Some(info) = tree::child(signature, (SIGNATURE, "SignedInfo")) else {
        return failed(Check::SignatureShape, "no SignedInfo", "SignedInfo");
    };
    let Some(reference) = tree::child(info, (SIGNATURE, "Reference")) else {
        return failed(Check::Reference, "no Reference", "one Reference");
    };
    refers_to_parent(signature, reference)?;
    transforms(info, reference)?;
    algorithm(info, "SignatureMethod", &SIGNATURE_ALGORITHMS)?;
    algorithm(reference, "DigestMethod", &DIGEST_ALGORITHMS)?;
    value(reference, "DigestValue", 32..=64)?;
    value(signature, "SignatureValue", 64..=1024)?;
    key_info(signature)
}

fn refers_to_parent(signature: Node<'_, '_>, reference: Node<'_, '_>) -> Result<(), Failure> {
    let id = signature.parent_element().and_then(|parent| tree::attribute(parent, "ID"));
    let expected = format!("#{}", id.unwrap_or_default());
    match tree::attribute(reference, "URI") {
        Some(uri) if id.is_some() && uri == expected => {}
        other => return failed(Check::Reference, other.unwrap_or("no URI"), expected),
    }
    match reference.attributes().find(|attribute| !matches!(attribute.name(), "URI" | "Id")) {
        None => Ok(()),
        Some(attribute) => failed(Check::Reference, attribute.name(), "no attribute but URI"),
    }
}

fn transforms(info: Node<'_, '_>, reference: Node<'_, '_>) -> Result<(), Failure> {
    let list = tree::child(reference, (SIGNATURE, "Transforms"));
    let steps: Vec<Node<'_, '_>> =
        list.map(|list| tree::children(list, (SIGNATURE, "Transform")).collect()).unwrap_or_default();
    let algorithms: Vec<&str> =
        steps.iter().map(|step| tree::attribute(*step, "Algorithm").unwrap_or("none")).collect();
    if algorithms != [ENVELOPED, EXCLUSIVE_C14N] {
        return failed(Check::Transforms, algorithms.join(" "), format!("{ENVELOPED} {EXCLUSIVE_C14N}"));
    }
    algorithm_of(info, "CanonicalizationMethod", Check::Transforms, &[EXCLUSIVE_C14N])?;
    let lists = info.descendants().filter(|node| tree::is(*node, (EXCLUSIVE_C14N, "InclusiveNamespaces")));
    for list in lists {
        let belongs =
            list.parent_element().is_some_and(|step| tree::attribute(step, "Algorithm") == Some(EXCLUSIVE_C14N));
        let prefixes = tree::attribute(list, "PrefixList").unwrap_or_default();
        if !belongs || prefixes.len() > LONGEST_PREFIX_LIST {
            return failed(Check::Transforms, "InclusiveNamespaces", "a short PrefixList of exclusive C14N");
        }
    }
    Ok(())
}

fn algorithm(parent: Node<'_, '_>, name: &'static str, allowed: &[&str]) -> Result<(), Failure> {
    algorithm_of(parent, name, Check::Algorithms, allowed)
}

fn algorithm_of(parent: Node<'_, '_>, name: &'static str, check: Check, allowed: &[&str]) -> Result<(), Failure> {
    let seen = tree::child(parent, (SIGNATURE, name)).and_then(|method| tree::attribute(method, "Algorithm"));
    match seen {
        Some(algorithm) if allowed.contains(&algorithm) => Ok(()),
        other => failed(check, other.unwrap_or("none"), allowed.join(" or ")),
    }
}

/// xmlsec complains at length, on the standard error, of what is not base64.
fn value(parent: Node<'_, '_>, name: &'static str, bytes: RangeInclusive<usize>) -> Result<(), Failure> {
    let text = tree::child(parent, (SIGNATURE, name)).map(tree::text).unwrap_or_default();
    let compact: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    match STANDARD.decode(compact) {
        Ok(decoded) if bytes.contains(&decoded.len()) => Ok(()),
        Ok(decoded) => {
            let expected = format!("{} to {} bytes", bytes.start(), bytes.end());
            failed(Check::SignatureShape, format!("a {name} of {} bytes", decoded.len()), expected)
        }
        Err(error) => failed(Check::SignatureShape, format!("{name}: {error}"), "base64"),
    }
}

/// It is not read, for the keys are the connection's; so it need not be able to point anywhere.
fn key_info(signature: Node<'_, '_>) -> Result<(), Failure> {
    let Some(info) = tree::child(signature, (SIGNATURE, "KeyInfo")) else { return Ok(()) };
    let points = |node: &Node<'_, '_>| {
        let name = node.tag_name().name();
        node.attributes().any(|attribute| attribute.name().eq_ignore_ascii_case("uri"))
            || matches!(
                name,
                "RetrievalMethod" | "KeyInfoReference" | "Reference" | "Transform" | "Transforms" | "Manifest"
            )
    };
    match info.descendants().find(points) {
        None => Ok(()),
        Some(node) => failed(Check::SignatureShape, tree::described(node), "keys and certificates in KeyInfo"),
    }
}
