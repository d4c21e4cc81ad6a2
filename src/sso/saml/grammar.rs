//! Which elements may stand in which, and how often. What is not here, is refused; the order is of no weight.

use roxmltree::Node;

use super::Check;
use super::report::{Failure, Mismatch};
use super::tree::{self, ASSERTION, ENCRYPTION, ENCRYPTION_11, EXCLUSIVE_C14N, Name, PROTOCOL, SIGNATURE};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    One,
    Maybe,
    Several,
    Any,
}

use Times::{Any, Maybe, One, Several};

/// What may stand in an element, and which check says so.
struct Rule {
    parent: Name,
    children: &'static [(Name, Times)],
    check: Check,
}

const RULES: &[Rule] = &[
    rule(
        (PROTOCOL, "Response"),
        &[
            ((ASSERTION, "Issuer"), One),
            ((SIGNATURE, "Signature"), Maybe),
            ((PROTOCOL, "Status"), One),
            ((ASSERTION, "Assertion"), Maybe),
            ((ASSERTION, "EncryptedAssertion"), Maybe),
        ],
        Check::Children,
    ),
    rule(
        (PROTOCOL, "Status"),
        &[((PROTOCOL, "StatusCode"), One), ((PROTOCOL, "StatusMessage"), Maybe), ((PROTOCOL, "StatusDetail"), Maybe)],
        Check::Children,
    ),
    rule((PROTOCOL, "StatusCode"), &[((PROTOCOL, "StatusCode"), Maybe)], Check::Children),
    rule(
        (ASSERTION, "Assertion"),
        &[
            ((ASSERTION, "Issuer"), One),
            ((SIGNATURE, "Signature"), Maybe),
            ((ASSERTION, "Subject"), One),
            ((ASSERTION, "Conditions"), One),
            ((ASSERTION, "Advice"), Maybe),
            ((ASSERTION, "AuthnStatement"), One),
            ((ASSERTION, "AttributeStatement"), Any),
        ],
        Check::AssertionShape,
    ),
    rule(
        (ASSERTION, "Subject"),
        &[((ASSERTION, "NameID"), One), ((ASSERTION, "SubjectConfirmation"), One)],
        Check::AssertionShape,
    ),
    rule((ASSERTION, "SubjectConfirmation"), &[((ASSERTION, "SubjectConfirmationData"), One)], Check::AssertionShape),
    // Any other condition means that whoever does not know it cannot tell whether the assertion is valid (core, 2.5.1.1).
    rule(
        (ASSERTION, "Conditions"),
        &[
            ((ASSERTION, "AudienceRestriction"), Any),
            ((ASSERTION, "OneTimeUse"), Maybe),
            ((ASSERTION, "ProxyRestriction"), Maybe),
        ],
        Check::Conditions,
    ),
    rule((ASSERTION, "AudienceRestriction"), &[((ASSERTION, "Audience"), Several)], Check::AssertionShape),
    rule((ASSERTION, "ProxyRestriction"), &[((ASSERTION, "Audience"), Any)], Check::AssertionShape),
    rule(
        (ASSERTION, "AuthnStatement"),
        &[((ASSERTION, "SubjectLocality"), Maybe), ((ASSERTION, "AuthnContext"), One)],
        Check::AssertionShape,
    ),
    rule(
        (ASSERTION, "AuthnContext"),
        &[
            ((ASSERTION, "AuthnContextClassRef"), Maybe),
            ((ASSERTION, "AuthnContextDeclRef"), Maybe),
            ((ASSERTION, "AuthenticatingAuthority"), Any),
        ],
        Check::AssertionShape,
    ),
    rule((ASSERTION, "AttributeStatement"), &[((ASSERTION, "Attribute"), Several)], Check::AssertionShape),
    rule((ASSERTION, "Attribute"), &[((ASSERTION, "AttributeValue"), Any)], Check::AssertionShape),
    rule((ASSERTION, "NameID"), &[], Check::NameId),
    rule((ASSERTION, "AttributeValue"), &[], Check::Attributes),
    rule((ASSERTION, "Audience"), &[], Check::Audience),
    rule(
        (SIGNATURE, "Signature"),
        &[((SIGNATURE, "SignedInfo"), One), ((SIGNATURE, "SignatureValue"), One), ((SIGNATURE, "KeyInfo"), Maybe)],
        Check::SignatureShape,
    ),
    rule(
        (SIGNATURE, "SignedInfo"),
        &[
            ((SIGNATURE, "CanonicalizationMethod"), One),
            ((SIGNATURE, "SignatureMethod"), One),
            ((SIGNATURE, "Reference"), One),
        ],
        Check::Reference,
    ),
    rule(
        (SIGNATURE, "Reference"),
        &[((SIGNATURE, "Transforms"), One), ((SIGNATURE, "DigestMethod"), One), ((SIGNATURE, "DigestValue"), One)],
        Check::Reference,
    ),
    rule((SIGNATURE, "Transforms"), &[((SIGNATURE, "Transform"), Several)], Check::Transforms),
    rule((SIGNATURE, "Transform"), &[((EXCLUSIVE_C14N, "InclusiveNamespaces"), Maybe)], Check::Transforms),
    rule((SIGNATURE, "CanonicalizationMethod"), &[((EXCLUSIVE_C14N, "InclusiveNamespaces"), Maybe)], Check::Transforms),
    rule((SIGNATURE, "SignatureMethod"), &[], Check::Algorithms),
    rule((SIGNATURE, "DigestMethod"), &[], Check::Algorithms),
    rule(
        (ASSERTION, "EncryptedAssertion"),
        &[((ENCRYPTION, "EncryptedData"), One), ((ENCRYPTION, "EncryptedKey"), Any)],
        Check::Encryption,
    ),
    rule(
        (ENCRYPTION, "EncryptedData"),
        &[((ENCRYPTION, "EncryptionMethod"), One), ((SIGNATURE, "KeyInfo"), Maybe), ((ENCRYPTION, "CipherData"), One)],
        Check::Encryption,
    ),
    rule(
        (ENCRYPTION, "EncryptedKey"),
        &[
            ((ENCRYPTION, "EncryptionMethod"), One),
            ((SIGNATURE, "KeyInfo"), Maybe),
            ((ENCRYPTION, "CipherData"), One),
            ((ENCRYPTION, "ReferenceList"), Maybe),
            ((ENCRYPTION, "CarriedKeyName"), Maybe),
        ],
        Check::Encryption,
    ),
    rule(
        (ENCRYPTION, "EncryptionMethod"),
        &[
            ((ENCRYPTION, "KeySize"), Maybe),
            ((ENCRYPTION, "OAEPparams"), Maybe),
            ((SIGNATURE, "DigestMethod"), Maybe),
            ((ENCRYPTION_11, "MGF"), Maybe),
        ],
        Check::Encryption,
    ),
    rule((ENCRYPTION, "CipherData"), &[((ENCRYPTION, "CipherValue"), One)], Check::Encryption),
    rule((ENCRYPTION, "ReferenceList"), &[((ENCRYPTION, "DataReference"), Any)], Check::Encryption),
];

/// What is in these is not read: a `KeyInfo` names keys, which are the connection's alone; advice may be ignored.
const OPAQUE: &[Name] = &[(SIGNATURE, "KeyInfo"), (ASSERTION, "Advice"), (PROTOCOL, "StatusDetail")];

const fn rule(parent: Name, children: &'static [(Name, Times)], check: Check) -> Rule {
    Rule { parent, children, check }
}

/// Looks at an element and at all in it.
pub(super) fn hold(top: Node<'_, '_>) -> Result<(), Failure> {
    // The document has been found to be not deep, and this does not call itself either.
    let mut waiting = vec![top];
    while let Some(node) = waiting.pop() {
        hold_children(node)?;
        let is_opaque = OPAQUE.iter().any(|name| tree::is(node, *name));
        if is_opaque {
            // Keys that come with what they encrypt are read.
            waiting.extend(node.children().filter(|child| tree::is(*child, (ENCRYPTION, "EncryptedKey"))));
        } else {
            waiting.extend(node.children().filter(Node::is_element));
        }
    }
    Ok(())
}

fn hold_children(node: Node<'_, '_>) -> Result<(), Failure> {
    if OPAQUE.iter().any(|name| tree::is(node, *name)) {
        return Ok(());
    }
    let Some(rule) = RULES.iter().find(|rule| tree::is(node, rule.parent)) else {
        return match node.children().find(Node::is_element) {
            None => Ok(()),
            Some(child) => Err((check_above(node), Mismatch::new(stands_in(child, node), "no elements in it"))),
        };
    };
    let fail = |seen: String, expected: String| Err((rule.check, Mismatch::new(seen, expected)));
    for child in node.children().filter(Node::is_element) {
        if !rule.children.iter().any(|(name, _)| tree::is(child, *name)) {
            return fail(stands_in(child, node), expected(rule));
        }
    }
    for (name, times) in rule.children {
        let count = tree::children(node, *name).count();
        let is_right = match times {
            One => count == 1,
            Maybe => count <= 1,
            Several => count >= 1,
            Any => true,
        };
        if !is_right {
            return fail(format!("{count} of {} in {}", name.1, node.tag_name().name()), expected(rule));
        }
    }
    let has_text = node.children().any(|child| child.is_text() && !child.text().unwrap_or_default().trim().is_empty());
    if has_text && !rule.children.is_empty() {
        return fail(format!("text in {}", node.tag_name().name()), expected(rule));
    }
    Ok(())
}

/// The check that speaks for an element with no rule of its own: that of the nearest one around it that has one.
fn check_above(node: Node<'_, '_>) -> Check {
    let ruled = |around: Node<'_, '_>| RULES.iter().find(|rule| tree::is(around, rule.parent));
    node.ancestors().find_map(ruled).map_or(Check::Children, |rule| rule.check)
}

fn stands_in(child: Node<'_, '_>, node: Node<'_, '_>) -> String {
    format!("{} in {}", tree::described(child), node.tag_name().name())
}

fn expected(rule: &Rule) -> String {
    let counted = |((_, local), times): &(Name, Times)| match times {
        One => (*local).to_owned(),
        Maybe => format!("{local} or none"),
        Several => format!("{local} once or more"),
        Any => format!("any number of {local}"),
    };
    let names: Vec<String> = rule.children.iter().map(counted).collect();
    if names.is_empty() { "text alone".to_owned() } else { format!("in {}: {}", rule.parent.1, names.join(", ")) }
}
