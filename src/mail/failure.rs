/// Why a letter was not taken, in a sentence for the operator that says what to change where that is known.
///
/// The sentence may be logged and stored: it holds no secret and no whole address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    pub(super) lasts: Lasts,
    pub(super) reason: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lasts {
    /// Another attempt may do better.
    ForNow,
    /// The same letter would be refused again.
    ForGood,
}

impl Failure {
    pub(super) fn for_now(reason: impl Into<String>) -> Self {
        Self { lasts: Lasts::ForNow, reason: reason.into() }
    }

    pub(super) fn for_good(reason: impl Into<String>) -> Self {
        Self { lasts: Lasts::ForGood, reason: reason.into() }
    }
}

/// What somebody else's server said, fit to be kept: one line, not long, without addresses and links. Servers
/// like to repeat the recipient, and filters the link that they took offence at.
pub(super) fn quote(said: &str) -> String {
    const LONGEST: usize = 240;
    let words: Vec<String> = said.split(|c: char| c.is_whitespace() || c.is_control()).filter_map(quote_word).collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

fn quote_word(word: &str) -> Option<String> {
    // A token has 43 characters.
    const LONGEST_WORD: usize = 40;
    if word.is_empty() {
        return None;
    }
    if word.contains("://") || word.len() > LONGEST_WORD {
        return Some("…".to_owned());
    }
    match word.rsplit_once('@') {
        Some((_, domain)) => Some(format!("…@{domain}")),
        None => Some(word.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_kept_without_addresses_and_links() {
        let said = [
            ("5.1.1 <ann@example.com>: no\r\nsuch user", "5.1.1 …@example.com>: no such user"),
            ("5.7.1 spam: http://a.test/verify-email?token=abc seen", "5.7.1 spam: … seen"),
            ("bad words: \"Pm9q0bXIYlT7fUoZ1dGkVn3w8sEhRcJxA2uKytMB4Lg\"", "bad words: …"),
            ("\u{1b}[31mred", "[31mred"),
        ];
        for (said, kept) in said {
            assert_eq!(quote(said), kept);
        }
        assert!(quote(&"word ".repeat(1000)).chars().count() <= 241);
    }
}
