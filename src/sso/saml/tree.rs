//! Looking at a parsed document, by names with their namespaces.

use roxmltree::{Document, Node, ParsingOptions};

use super::report::Mismatch;

pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(super) const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(super) const ENCRYPTION: &str = "http://www.w3.org/2001/04/xmlenc#";
pub(super) const ENCRYPTION_11: &str = "http://www.w3.org/2009/xmlenc11#";
pub(super) const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// Elements and the texts between them.
const MOST_NODES: u32 = 40_000;

/// What XML calls white space; others are part of what is said.
pub(super) const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// A namespace and a local name.
pub(super) type Name = (&'static str, &'static str);

/// Strict, and without a DTD; it does not call itself for elements in elements.
pub(super) fn parse(text: &str) -> Result<Document<'_>, Mismatch> {
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| Mismatch::new(error.to_string(), "well-formed XML"))
}

pub(super) fn is(node: Node<'_, '_>, (namespace, local): Name) -> bool {
    node.is_element() && node.tag_name().name() == local && node.tag_name().namespace() == Some(namespace)
}

pub(super) fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    name: Name,
) -> impl Iterator<Item = Node<'a, 'input>> + 'a {
    node.children().filter(move |child| is(*child, name))
}

pub(super) fn child<'a, 'input: 'a>(node: Node<'a, 'input>, name: Name) -> Option<Node<'a, 'input>> {
    children(node, name).next()
}

/// The text of an element that has no elements, without the blanks around it.
pub(super) fn text<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim_matches(BLANKS)
}

/// An attribute without a namespace.
pub(super) fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes().find(|attribute| attribute.namespace().is_none() && attribute.name() == name).map(|a| a.value())
}

/// How an element is called in a report.
pub(super) fn described(node: Node<'_, '_>) -> String {
    match node.tag_name().namespace() {
        Some(namespace) => format!("{} of {namespace}", node.tag_name().name()),
        None => format!("{} of no namespace", node.tag_name().name()),
    }
}
