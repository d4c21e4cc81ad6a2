//! What somebody else's server says, fit to be kept and shown.

/// One line of at most `longest` characters, without addresses and links. Servers like to repeat the recipient, filters
/// the link that they took offence at, and receivers of webhooks what they were sent.
pub fn quote(said: &str, longest: usize) -> String {
    let words: Vec<String> = said.split(|c: char| c.is_whitespace() || c.is_control()).filter_map(quote_word).collect();
    let line = words.join(" ");
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

fn quote_word(word: &str) -> Option<String> {
    // A token has 43 characters.
    const LONGEST_WORD: usize = 40;
    // An address may be written in the manner of a URL, of JSON or of HTML.
    const ENCODED: [&str; 4] = ["%40", "\\u0040", "&#", "&commat"];
    if word.is_empty() {
        return None;
    }
    if word.contains("://") || word.len() > LONGEST_WORD || ENCODED.iter().any(|at| word.contains(at)) {
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
            (r#"no: {"to": "ann%40x.test", "cc": "ann\u0040x.test"} ann&#64;x.test"#, r#"no: {"to": … "cc": … …"#),
        ];
        for (said, kept) in said {
            assert_eq!(quote(said, 240), kept);
        }
        assert!(quote(&"word ".repeat(1000), 240).chars().count() <= 241);
    }
}
