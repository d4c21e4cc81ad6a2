//! A document as administrators may see it: nobody can use it again, and nothing secret stands in it.

use std::ops::Range;

use super::tree;

/// The longest document that is kept, in characters.
const LONGEST: usize = 64 * 1024;
/// So many characters of base64 in a row are no words.
const LONGEST_WORD: usize = 60;
const REMOVED: &str = "[removed]";

/// Values of signatures, ciphertexts and keys are taken out; of what is no XML, whatever looks like them.
pub(super) fn redacted(document: &str) -> String {
    let clean = match tree::parse(document) {
        Ok(parsed) => {
            let is_secret = |name: &str| matches!(name, "SignatureValue" | "CipherValue" | "DigestValue");
            let secret = parsed.descendants().filter(|node| node.is_text());
            let secret =
                secret.filter(|text| text.parent_element().is_some_and(|node| is_secret(node.tag_name().name())));
            without(document, secret.map(|text| text.range()))
        }
        Err(_) => without_long_words(document),
    };
    match clean.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", clean.get(..end).unwrap_or_default()),
        None => clean,
    }
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
