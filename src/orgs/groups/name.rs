use crate::kernel::label::breaks_its_line;

const LONGEST: usize = 64;

/// What a group is called: 1 to 64 characters of any script on one line. Apps are told of it as `acme/name` in a list with
/// commas, so it has no comma, colon or slash; nor anything that is not to be seen, by which two names would look alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupName(String);

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidName {
    #[error("Give it a name.")]
    Empty,
    #[error("This name is too long: {LONGEST} characters is the most there can be.")]
    TooLong,
    #[error("The name of a group has no comma, colon or slash: apps are told of it in a list.")]
    Separator,
    #[error("A name cannot hold control characters, line breaks or signs that cannot be seen.")]
    Invisible,
}

impl GroupName {
    /// Spaces around it are dropped.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidName::Empty);
        }
        if text.chars().count() > LONGEST {
            return Err(InvalidName::TooLong);
        }
        if text.contains([',', ':', '/']) {
            return Err(InvalidName::Separator);
        }
        if text.chars().any(is_invisible) {
            return Err(InvalidName::Invisible);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same for all names that differ in nothing but capitals.
    pub(super) fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

fn is_invisible(c: char) -> bool {
    let is_odd_space = c.is_whitespace() && c != ' ';
    is_odd_space || breaks_its_line(c) || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_script_is_one() {
        for text in ["Engineering", "R&D", "Büro & Küche", "山田", "a", "on-call (EU)", "“all”", &"é".repeat(64)]
        {
            assert_eq!(GroupName::parse(&format!("  {text} ")).unwrap().as_str(), text);
        }
        let keys = ["ÉQUIPE 7", "équipe 7", "Équipe 7"].map(|text| GroupName::parse(text).unwrap().key());
        assert_eq!(keys[0], keys[1]);
        assert_eq!(keys[1], keys[2]);
    }

    #[test]
    fn a_name_that_apps_could_take_for_another_is_none() {
        let wrong = [
            ("", InvalidName::Empty),
            (" \t", InvalidName::Empty),
            (&"x".repeat(65), InvalidName::TooLong),
            ("a,admins", InvalidName::Separator),
            ("a:owner", InvalidName::Separator),
            ("a/b", InvalidName::Separator),
            ("a\r\nRemote-User: root", InvalidName::Separator),
            ("a\nb", InvalidName::Invisible),
            ("a\0", InvalidName::Invisible),
            ("a\u{a0}b", InvalidName::Invisible),
            ("a\u{200b}b", InvalidName::Invisible),
            ("a\u{202e}b", InvalidName::Invisible),
        ];
        for (text, expected) in wrong {
            assert_eq!(GroupName::parse(text), Err(expected), "{text:?}");
        }
    }
}
