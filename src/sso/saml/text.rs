//! From a form field to text that is safe to parse: whatever costs time or trust to read is refused before it is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Check;
use super::report::{Mismatch, Stop, Trail};

/// The longest form field, in bytes; the service takes no larger body either.
pub const LONGEST_FORM_VALUE: usize = 512 * 1024;

/// The longest tag, in bytes. Attributes of attributes are short; names and namespaces are what takes room.
const LONGEST_TAG: usize = 8 * 1024;
/// As deep as elements may nest; an encrypted assertion's key nests eight deep.
const DEEPEST: usize = 16;
/// A person in some thousand groups has as many values.
const MOST_ELEMENTS: usize = 10_000;
const MOST_ATTRIBUTES_OF_A_TAG: usize = 32;
/// Canonicalisation compares the namespaces that an element is in with each other.
const MOST_NAMESPACES_IN_SCOPE: usize = 40;

/// The document of a form field.
pub(super) fn decode(trail: &mut Trail, form_value: &str) -> Result<String, Stop> {
    trail.require(Check::Size, within_size(form_value))?;
    let bytes = trail.require(Check::Base64, from_base64(form_value))?;
    trail.require(Check::Utf8, from_utf8(bytes))
}

/// That a text, the whole document or what an encrypted assertion was, is safe to parse.
pub(super) fn approve(trail: &mut Trail, text: &str) -> Result<(), Stop> {
    trail.require(Check::Characters, no_control_characters(text).and_then(|()| no_strange_references(text)))?;
    let body = trail.require(Check::Markup, after_declaration(text))?;
    trail.require(Check::Markup, no_markup_but_tags(body))?;
    trail.require(Check::Bounds, within_bounds(body))
}

fn within_size(form_value: &str) -> Result<(), Mismatch> {
    if form_value.len() <= LONGEST_FORM_VALUE {
        return Ok(());
    }
    Err(Mismatch::new(format!("{} bytes", form_value.len()), format!("{LONGEST_FORM_VALUE} bytes at most")))
}

/// RFC 4648 section 4, with the line breaks and blanks that providers wrap it by.
fn from_base64(form_value: &str) -> Result<Vec<u8>, Mismatch> {
    let compact: Vec<u8> = form_value.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(compact).map_err(|error| Mismatch::new(error.to_string(), "base64"))
}

fn from_utf8(bytes: Vec<u8>) -> Result<String, Mismatch> {
    let text = String::from_utf8(bytes).map_err(|error| Mismatch::new(error.utf8_error().to_string(), "UTF-8"))?;
    if text.starts_with('\u{feff}') {
        return Err(Mismatch::new("a byte order mark", "no byte order mark"));
    }
    Ok(text)
}

fn no_control_characters(text: &str) -> Result<(), Mismatch> {
    match text.chars().find(|c| is_foreign(*c)) {
        None => Ok(()),
        Some(c) => Err(Mismatch::new(format!("U+{:04X}", u32::from(c)), "printable characters, tabs and line breaks")),
    }
}

/// References to characters that could not stand there themselves; some parsers put another character in their place.
fn no_strange_references(text: &str) -> Result<(), Mismatch> {
    for reference in text.split("&#").skip(1) {
        let number = reference.split(';').next().unwrap_or_default();
        let code = match number.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        let named = code.ok().and_then(char::from_u32);
        if named.is_none_or(is_foreign) {
            let seen = format!("&#{}", number.chars().take(12).collect::<String>());
            return Err(Mismatch::new(seen, "references to printable characters"));
        }
    }
    Ok(())
}

fn is_foreign(c: char) -> bool {
    (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// What follows the XML declaration, which says nothing but version 1.0, UTF-8 and whether it stands alone.
fn after_declaration(text: &str) -> Result<&str, Mismatch> {
    let Some(rest) = text.strip_prefix("<?xml") else { return Ok(text) };
    let refused =
        || Mismatch::new(text.chars().take(100).collect::<String>(), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    let (declaration, body) = rest.split_once("?>").ok_or_else(refused)?;
    for part in declaration.split_ascii_whitespace() {
        let plain = part.replace('\'', "\"").to_ascii_lowercase();
        let is_known = matches!(
            plain.as_str(),
            "version=\"1.0\"" | "encoding=\"utf-8\"" | "standalone=\"yes\"" | "standalone=\"no\""
        );
        if !is_known {
            return Err(refused());
        }
    }
    Ok(body)
}

fn no_markup_but_tags(body: &str) -> Result<(), Mismatch> {
    let found = body.match_indices('<').map(|(at, _)| body.get(at..).unwrap_or_default());
    match found.into_iter().find(|rest| rest.starts_with("<!") || rest.starts_with("<?")) {
        None => Ok(()),
        Some(rest) => Err(Mismatch::new(rest.chars().take(40).collect::<String>(), "elements and text")),
    }
}

/// Counts tags without building anything. Whether they match is for the parser to say.
pub(super) fn within_bounds(body: &str) -> Result<(), Mismatch> {
    // How many namespaces each open element declares.
    let mut open: Vec<usize> = Vec::new();
    let mut in_scope = 0;
    let mut elements = 0;
    for rest in body.split('<').skip(1) {
        if rest.starts_with(['!', '?']) {
            continue;
        }
        if rest.starts_with('/') {
            in_scope -= open.pop().unwrap_or_default();
            continue;
        }
        let tag = Tag::at_start_of(rest)?;
        elements += 1;
        if elements > MOST_ELEMENTS {
            return Err(Mismatch::new("more elements", format!("{MOST_ELEMENTS} elements at most")));
        }
        if in_scope + tag.namespaces > MOST_NAMESPACES_IN_SCOPE {
            return Err(Mismatch::new("more namespaces", format!("{MOST_NAMESPACES_IN_SCOPE} at once at most")));
        }
        if open.len() >= DEEPEST {
            return Err(Mismatch::new("deeper nesting", format!("{DEEPEST} elements in each other at most")));
        }
        if !tag.is_closed {
            in_scope += tag.namespaces;
            open.push(tag.namespaces);
        }
    }
    Ok(())
}

struct Tag {
    namespaces: usize,
    is_closed: bool,
}

impl Tag {
    /// `rest` follows a `<`. XML allows no `<` in the value of an attribute, so the tag ends before the next one.
    fn at_start_of(rest: &str) -> Result<Self, Mismatch> {
        let mut quote = None;
        let mut attributes = 0;
        for (at, byte) in rest.bytes().enumerate() {
            if at > LONGEST_TAG {
                return Err(Mismatch::new("a longer tag", format!("tags of {LONGEST_TAG} bytes at most")));
            }
            match (quote, byte) {
                (None, b'"' | b'\'') => {
                    quote = Some(byte);
                    attributes += 1;
                }
                (Some(open), _) if open == byte => quote = None,
                (None, b'>') => return Self::of(rest.get(..at).unwrap_or_default(), attributes),
                (None | Some(_), _) => {}
            }
        }
        // A tag that does not end, as the parser will find.
        Ok(Self { namespaces: 0, is_closed: true })
    }

    fn of(text: &str, attributes: usize) -> Result<Self, Mismatch> {
        if attributes > MOST_ATTRIBUTES_OF_A_TAG {
            let expected = format!("{MOST_ATTRIBUTES_OF_A_TAG} attributes of an element at most");
            return Err(Mismatch::new(format!("{attributes} attributes"), expected));
        }
        Ok(Self { namespaces: text.matches("xmlns").count(), is_closed: text.ends_with('/') })
    }
}
