//! What people call things of theirs.

/// The most characters a label may have.
const LONGEST: usize = 64;

/// A short name that somebody has given to a thing of theirs: 1 to 64 characters on one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label(String);

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidLabel {
    #[error("Give it a name.")]
    Empty,
    #[error("This name is too long: 64 characters is the most there can be.")]
    TooLong,
    #[error("A name cannot hold control characters or line breaks.")]
    ControlCharacters,
}

impl Label {
    /// Spaces around it are dropped.
    pub fn parse(text: &str) -> Result<Self, InvalidLabel> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidLabel::Empty);
        }
        if text.chars().count() > LONGEST {
            return Err(InvalidLabel::TooLong);
        }
        if text.chars().any(breaks_its_line) {
            return Err(InvalidLabel::ControlCharacters);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a terminal or a header would act on it, or the line it is shown in could be reordered by it (overrides and
/// isolates; Unicode UAX #9).
pub fn breaks_its_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_short_and_stays_on_its_line() {
        assert_eq!(Label::parse("  Ann's phone ").unwrap().as_str(), "Ann's phone");
        assert!(Label::parse(&"é".repeat(64)).is_ok());
        for (text, wrong) in [
            (" \t", InvalidLabel::Empty),
            (&"x".repeat(65), InvalidLabel::TooLong),
            ("a\nb", InvalidLabel::ControlCharacters),
            ("a\0", InvalidLabel::ControlCharacters),
            ("a\u{202e}b", InvalidLabel::ControlCharacters),
        ] {
            assert_eq!(Label::parse(text), Err(wrong), "{text:?}");
        }
    }
}
