//! A document as administrators may see it: nobody can use it again, and nothing secret stands in it.

use std::ops::Range;

use roxmltree::{Document, Node};

/// The longest document that is kept, in characters.
const LONGEST: usize = 64 * 1024;
/// So many characters of base64 in a row are no words.
const LONGEST_WORD: usize = 60;
const REMOVED: &str = "[removed]";

/// Values of signatures, digests and ciphertexts are taken out of what could be read.
pub(super) fn redacted(document: &str, parsed: &Document<'_>) -> String {
    let is_secret = |name: &str| matches!(name, "SignatureValue" | "CipherValue" | "DigestValue");
    let secret = parsed.descendants().filter(Node::is_text);
    let secret = secret.filter(|text| text.parent_element().is_some_and(|node| is_secret(node.tag_name().name())));
    shortened(without(document, secret.map(|text| text.range())))
}

/// Of what could not, whatever looks like one of them.
pub(super) fn redacted_words(document: &str) -> String {
    shortened(without_long_words(document))
}

fn shortened(mut document: String) -> String {
    if let Some((end, _)) = document.char_indices().nth(LONGEST) {
        document.truncate(end);
        document.push('…');
    }
    document
}

/// `ranges` are in their order.
fn without(document: &str, ranges: impl Iterator<Item = Range<usize>>) -> String {
    let mut clean = String::with_capacity(document.len());
    let mut from = 0;
    for range in ranges {
        clean.push_str(document.get(from..range.start).unwrap_or_default());
        clean.push_str(REMOVED);
        from = range.end;
    }
    clean.push_str(document.get(from..).unwrap_or_default());
    clean
}

fn without_long_words(document: &str) -> String {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let mut clean = String::with_capacity(document.len());
    let mut word = String::new();
    for c in document.chars().chain(['\n']) {
        if is_base64(c) {
            word.push(c);
            continue;
        }
        clean.push_str(if word.len() > LONGEST_WORD { REMOVED } else { &word });
        word.clear();
        clean.push(c);
    }
    clean.pop();
    clean
}
