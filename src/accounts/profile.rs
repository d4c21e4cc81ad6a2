//! The little that people tell about themselves.

use super::store;
use crate::audit::{self, Event};
use crate::db::{self, Tx};
use crate::kernel::UserId;
use crate::kernel::label::breaks_its_line;

/// What somebody wants to be called: at most 200 characters, nothing that a terminal or a header would act on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Name(String);

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidName {
    #[error("This name is too long: 200 characters is the most there can be.")]
    TooLong,
    #[error("A name cannot hold control characters or line breaks.")]
    ControlCharacters,
}

impl Name {
    /// Spaces around it are dropped; an empty name is one too.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        if text.chars().count() > 200 {
            return Err(InvalidName::TooLong);
        }
        if text.chars().any(breaks_its_line) {
            return Err(InvalidName::ControlCharacters);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Changes what a person is called.
pub fn rename(tx: &mut Tx<'_>, user: UserId, name: &Name) -> Result<(), db::Error> {
    store::set_name(tx, user, name)?;
    audit::record(tx, Event::about(user, "profile.changed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_kinds_are_names() {
        for text in ["", "Ann", "  Ann Lee ", "Zoë Müller-Łukasz", "山田太郎", "O'Brien \"Bob\" <b>"] {
            assert_eq!(Name::parse(text).unwrap().as_str(), text.trim());
        }
    }

    #[test]
    fn a_name_cannot_break_the_line_it_stands_in() {
        for text in ["a\nb", "a\r\nRemote-User: root", "a\0", "a\u{1b}[31m", "a\u{202e}b", "a\u{2028}b"] {
            assert_eq!(Name::parse(text), Err(InvalidName::ControlCharacters), "{text:?}");
        }
        assert_eq!(Name::parse(&"x".repeat(201)), Err(InvalidName::TooLong));
    }
}
