//! Documents that nobody may be let in by, and the check that has to say so. They are made systematically: whatever can
//! be wrong with a value, in answers signed in every way; whatever can be moved, to every place.

mod assertion;
mod encryption;
mod message;
mod shape;
mod signatures;
mod texts;
mod wrapping;

use vestibule::sso::saml::{Asked, Check};

use super::stage::{REQUEST, Stage};
use crate::support::idp::{Draft, Encryption, Sign, encode};

#[derive(Clone)]
pub struct Attack {
    pub name: String,
    pub refused_by: Check,
    pub form_value: String,
    pub asked: Asked<'static>,
}

impl Attack {
    fn form(name: impl Into<String>, refused_by: Check, form_value: impl Into<String>) -> Self {
        Self { name: name.into(), refused_by, form_value: form_value.into(), asked: Asked::This(REQUEST) }
    }

    fn text(name: impl Into<String>, refused_by: Check, document: impl AsRef<[u8]>) -> Self {
        Self::form(name, refused_by, encode(document))
    }

    fn draft(stage: &Stage, name: impl Into<String>, refused_by: Check, draft: &Draft) -> Self {
        Self::text(name, refused_by, stage.idp.document(draft))
    }

    fn asked(self, asked: Asked<'static>) -> Self {
        Self { asked, ..self }
    }
}

/// All of them, for [`Stage::new`].
pub fn all(stage: &Stage) -> Vec<Attack> {
    [
        texts::all(stage),
        shape::all(stage),
        wrapping::all(stage),
        signatures::all(stage),
        message::all(stage),
        assertion::all(stage),
        encryption::all(stage),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The same fault in an answer that is signed as a whole, in its assertion, in both, and encrypted.
fn in_every_way(stage: &Stage, name: &str, refused_by: Check, change: &dyn Fn(Draft) -> Draft) -> Vec<Attack> {
    let signed = [Sign::Response, Sign::Assertion, Sign::Both]
        .map(|sign| (format!("{name}, signed {sign:?}"), Draft { sign, ..stage.draft() }));
    let encryption = Some(Encryption::to(stage.own.certificate_der()));
    let encrypted = (format!("{name}, encrypted"), Draft { encryption, ..stage.draft() });
    let drafts = signed.into_iter().chain([encrypted]);
    drafts.map(|(name, draft)| Attack::draft(stage, name, refused_by, &change(draft))).collect()
}

/// The part of a text from `from` to the end of `to`.
fn cut<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let begin = text.find(from).unwrap_or_else(|| panic!("no {from} in {text}"));
    let end = text[begin..].find(to).unwrap_or_else(|| panic!("no {to} in {text}"));
    &text[begin..begin + end + to.len()]
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "no {from} in {text}");
    text.replacen(from, to, 1)
}
