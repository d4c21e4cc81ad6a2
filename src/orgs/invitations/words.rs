//! What a letter to a stranger says in words that somebody else has chosen.

use crate::kernel::{EmailAddress, UserId};

/// Who has sent an invitation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inviter {
    pub user: UserId,
    pub email: EmailAddress,
    /// Otherwise the address may be a stranger's.
    pub is_verified: bool,
    /// May be empty.
    pub name: String,
}

impl Inviter {
    /// As members see them.
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { self.email.as_str() } else { &self.name }
    }

    /// As a letter names them: by name and address, as far as either can be said there; empty if neither can.
    pub(super) fn in_letters(&self) -> String {
        let (name, email) = (sayable(&self.name, ""), self.email.as_str());
        match (name, self.is_verified) {
            ("", true) => email.to_owned(),
            (name, true) => format!("{name} ({email})"),
            (name, false) => name.to_owned(),
        }
    }
}

/// `text`, unless a mail program would make a link of a part of it: whoever founds an organization must not choose where
/// strangers click.
pub(super) fn sayable<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.split_whitespace().any(looks_like_a_link) { otherwise } else { text }
}

/// `evil.test`, `//evil`, `ann@evil`, also within quotation marks and the like.
fn looks_like_a_link(word: &str) -> bool {
    let is_part_of_one = |c: char| c == '@' || c == '/' || c == '\\';
    let has_inner_dot = word.char_indices().any(|(at, c)| {
        let follows = word[at + c.len_utf8()..].chars().next();
        // Every sign that names of hosts are parted by (UTS #46).
        matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}') && follows.is_some_and(char::is_alphanumeric)
    });
    has_inner_dot || word.contains(is_part_of_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_said_in_a_letter_unless_a_part_of_it_would_be_a_link() {
        for name in ["Acme", "Acme, Inc.", "Dr. Ann Lee", "St. Mary's & Co.", "山田", "a - b", "No. 7", ""] {
            assert_eq!(sayable(name, "?"), name);
        }
        let links = [
            "evil.test",
            "Win at evil.test now",
            "(evil.test)",
            "http:evil",
            "see //x",
            "ann@x",
            "evil。test",
            "www.x",
        ];
        for name in links {
            let is_scheme_alone = name == "http:evil";
            assert_eq!(sayable(name, "acme"), if is_scheme_alone { name } else { "acme" }, "{name}");
        }
    }

    #[test]
    fn an_inviter_is_named_by_what_is_known_for_certain() {
        let now = chrono::DateTime::UNIX_EPOCH;
        let email = EmailAddress::parse("ann@example.com").unwrap();
        let ann = |name: &str, is_verified| Inviter {
            user: UserId::new(now),
            email: email.clone(),
            is_verified,
            name: name.to_owned(),
        };
        assert_eq!(ann("Ann Lee", true).in_letters(), "Ann Lee (ann@example.com)");
        assert_eq!(ann("", true).in_letters(), "ann@example.com");
        assert_eq!(ann("evil.test", true).in_letters(), "ann@example.com");
        assert_eq!(ann("Ann Lee", false).in_letters(), "Ann Lee");
        assert_eq!(ann("", false).in_letters(), "");
    }
}
