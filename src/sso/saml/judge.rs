use chrono::{DateTime, Utc};
use roxmltree::{Document, Node};

use super::assertion::{Measure, Names};
use super::report::{Mismatch, Report, Stop, Trail};
use super::screen::Enclosed;
use super::signature::Keys;
use super::tree::{self, ASSERTION, PROTOCOL, SIGNATURE};
use super::{Answer, Asked, Check, Provider, assertion, decrypt, message, redact, screen, signature, text};

/// Holds a posted `SAMLResponse` against the strict profile. Takes up to some tens of milliseconds, so it has no place
/// on an asynchronous thread.
pub fn judge(form_value: &str, provider: &Provider<'_>, asked: Asked<'_>, now: DateTime<Utc>) -> Report {
    let mut hearing = Hearing { trail: Trail::new(), provider, asked, now, shown: None };
    let decoded = text::decode(&mut hearing.trail, form_value);
    let answer = decoded.as_ref().map_err(|stop| *stop).and_then(|text| hearing.weigh(text));
    let document = hearing.shown.take().or_else(|| decoded.ok().map(|text| redact::redacted_words(&text)));
    hearing.trail.into_report(answer, document)
}

struct Hearing<'a> {
    trail: Trail,
    provider: &'a Provider<'a>,
    asked: Asked<'a>,
    now: DateTime<Utc>,
    /// The document without its secrets, with its assertion in the clear if that was encrypted.
    shown: Option<String>,
}

/// What is read in the end, and what its signature covers.
struct Signed {
    text: String,
    names: Names,
    seen_as: Seen,
}

/// The element that the screen has seen where the signature stands.
struct Seen {
    name: String,
    id: Option<String>,
}

impl Seen {
    fn of(node: Option<Node<'_, '_>>) -> Self {
        let id = node.and_then(|node| tree::attribute(node, "ID")).map(str::to_owned);
        Self { name: node.map(tree::described).unwrap_or_default(), id }
    }

    /// By its name and ID.
    fn is_what_is_signed(&self, root: Node<'_, '_>) -> Result<(), Mismatch> {
        let id = tree::attribute(root, "ID");
        if self.name == tree::described(root) && id.is_some() && id == self.id.as_deref() {
            return Ok(());
        }
        Err(Mismatch::new(tree::described(root), self.name.as_str()))
    }
}

impl Hearing<'_> {
    fn weigh(&mut self, text: &str) -> Result<Answer, Stop> {
        let document = self.parse(Check::WellFormed, text)?;
        self.shown = Some(redact::redacted(text, &document));
        let parts = screen::response(&mut self.trail, document.root_element())?;
        message::judge(&mut self.trail, parts.response, self.provider, (self.asked, self.now))?;
        let keys = self.trail.require(Check::Certificates, Keys::of(self.provider.certificates))?;
        let signed = match parts.assertion {
            Enclosed::Clear(node) => self.verify_clear(text, node, &keys)?,
            Enclosed::Encrypted(node) => self.verify_encrypted(text, node, &keys)?,
        };
        self.read(&signed)
    }

    /// One call verifies all signatures there are.
    fn verify_clear(&mut self, text: &str, assertion: Node<'_, '_>, keys: &Keys) -> Result<Signed, Stop> {
        let names = names_signed(assertion);
        let is_signed = names == Names::SignedRequest || has_signature(assertion);
        self.trail.require(Check::Signed, one_signature(is_signed))?;
        let part = self.trail.require(Check::Signature, signature::signed_part(text, keys))?;
        let top = if names == Names::SignedRequest { assertion.parent_element() } else { Some(assertion) };
        Ok(Signed { text: part, names, seen_as: Seen::of(top) })
    }

    /// Where the response is signed, nothing is decrypted before that signature is found good.
    fn verify_encrypted(&mut self, text: &str, encrypted: Node<'_, '_>, keys: &Keys) -> Result<Signed, Stop> {
        let names = names_signed(encrypted);
        if names == Names::SignedRequest {
            let part = self.trail.require(Check::Signature, signature::signed_part(text, keys))?;
            let covered = self.parse(Check::Covered, &part)?;
            let top = Seen::of(encrypted.parent_element());
            self.trail.require(Check::Covered, top.is_what_is_signed(covered.root_element()))?;
            message::judge(&mut self.trail, covered.root_element(), self.provider, (self.asked, self.now))?;
            let same = tree::child(covered.root_element(), (ASSERTION, "EncryptedAssertion"));
            let same =
                self.trail.require(Check::Covered, same.ok_or_else(|| Mismatch::new("nothing", "the assertion")))?;
            self.open(&part, same, (keys, names))
        } else {
            self.open(text, encrypted, (keys, names))
        }
    }

    /// Decrypts an assertion and screens it as if it had come in the clear.
    fn open(&mut self, text: &str, encrypted: Node<'_, '_>, (keys, names): (&Keys, Names)) -> Result<Signed, Stop> {
        let opened = decrypt::open(encrypted, self.provider.keys);
        let clear = self.trail.require_all(&[Check::Encryption, Check::Decryption], opened)?;
        let shown = spliced(text, encrypted, &clear);
        self.shown = Some(redact::redacted_words(&shown));
        // Not parsed before it is approved: whoever has our public key can have written it.
        let document = self.parse(Check::WellFormed, &clear)?;
        if let Ok(parsed) = tree::parse(&shown) {
            self.shown = Some(redact::redacted(&shown, &parsed));
        }
        let root = document.root_element();
        screen::assertion(&mut self.trail, root)?;
        let is_signed = has_signature(root);
        self.trail.require(Check::Signed, one_signature(is_signed || names == Names::SignedRequest))?;
        let seen_as = Seen::of(Some(root));
        if !is_signed {
            return Ok(Signed { text: clear, names, seen_as });
        }
        let text = self.trail.require(Check::Signature, signature::signed_part(&clear, keys))?;
        Ok(Signed { text, names, seen_as })
    }

    /// Reads the assertion of what was signed, as if nothing had been looked at before.
    fn read(&mut self, signed: &Signed) -> Result<Answer, Stop> {
        let document = self.parse(Check::Covered, &signed.text)?;
        let root = document.root_element();
        self.trail.require(Check::Covered, signed.seen_as.is_what_is_signed(root))?;
        let assertion = if tree::is(root, (PROTOCOL, "Response")) {
            let parts = screen::response(&mut self.trail, root)?;
            message::judge(&mut self.trail, root, self.provider, (self.asked, self.now))?;
            match parts.assertion {
                Enclosed::Clear(node) => node,
                Enclosed::Encrypted(_) => {
                    return self.trail.require(Check::Covered, Err(Mismatch::new("a secret", "text")));
                }
            }
        } else {
            screen::assertion(&mut self.trail, root)?;
            root
        };
        let measure = Measure { provider: self.provider, asked: self.asked, names: signed.names, now: self.now };
        assertion::judge(&mut self.trail, assertion, &measure)
    }

    fn parse<'t>(&mut self, check: Check, text: &'t str) -> Result<Document<'t>, Stop> {
        text::approve(&mut self.trail, text)?;
        self.trail.require(check, tree::parse(text))
    }
}

/// Whether the response around an assertion is signed.
fn names_signed(enclosed: Node<'_, '_>) -> Names {
    let is_signed = enclosed.parent_element().is_some_and(has_signature);
    if is_signed { Names::SignedRequest } else { Names::UnsignedRequest }
}

fn has_signature(node: Node<'_, '_>) -> bool {
    tree::child(node, (SIGNATURE, "Signature")).is_some()
}

fn one_signature(is_signed: bool) -> Result<(), Mismatch> {
    if is_signed {
        Ok(())
    } else {
        Err(Mismatch::new("no signature", "a signature of the response or of the assertion"))
    }
}

/// The document with the assertion where the encrypted one was.
fn spliced(text: &str, encrypted: Node<'_, '_>, clear: &str) -> String {
    let range = encrypted.range();
    let before = text.get(..range.start).unwrap_or_default();
    format!("{before}{clear}{}", text.get(range.end..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No document is known with which the two differ while all checks before hold.
    #[test]
    fn another_element_than_was_seen_is_not_what_was_signed() {
        let assertion = |name: &str, id: &str| format!(r#"<{name} xmlns="{ASSERTION}"{id}/>"#);
        let text = assertion("Assertion", r#" ID="_a""#);
        let document = tree::parse(&text).unwrap();
        let seen = Seen::of(Some(document.root_element()));
        let is_it = |text: &str| seen.is_what_is_signed(tree::parse(text).unwrap().root_element()).is_ok();
        assert!(is_it(&text));
        let others = [
            assertion("Assertion", r#" ID="_b""#),
            assertion("Assertion", ""),
            assertion("Advice", r#" ID="_a""#),
            text.replace(ASSERTION, PROTOCOL),
        ];
        for other in others {
            assert!(!is_it(&other), "{other}");
        }
        let nameless = assertion("Assertion", "");
        let document = tree::parse(&nameless).unwrap();
        let seen = Seen::of(Some(document.root_element()));
        assert!(seen.is_what_is_signed(document.root_element()).is_err(), "without an ID nothing is the same");
    }
}
