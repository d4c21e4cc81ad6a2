//! What a browser is called by people: "Firefox on Linux".

use woothee::parser::Parser;
use woothee::woothee::VALUE_UNKNOWN;

/// A short name out of fixed lists: nothing of what a stranger wrote into the header comes through, so the
/// name may stand in a letter to somebody else. `None` when the header names no browser that we know.
pub fn name(user_agent: &str) -> Option<String> {
    let seen = Parser::new().parse(user_agent)?;
    match (known(seen.name), known(seen.os)) {
        (Some("HTTP Library"), _) => Some("A program".to_owned()),
        (Some(browser), Some(system)) => Some(format!("{browser} on {}", system_name(system))),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    }
}

/// What somebody would look for when asked for their device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Laptop,
    /// Tablets too.
    Phone,
    Unknown,
}

pub fn kind(user_agent: &str) -> Kind {
    match Parser::new().parse(user_agent).map(|seen| seen.category) {
        Some("pc") => Kind::Laptop,
        Some("smartphone" | "mobilephone") => Kind::Phone,
        _ => Kind::Unknown,
    }
}

fn known(name: &str) -> Option<&str> {
    (name != VALUE_UNKNOWN).then_some(name)
}

/// `Windows 10` is also what Windows 11 says of itself.
fn system_name(system: &str) -> &str {
    match system {
        _ if system.starts_with("Windows") => "Windows",
        "Mac OSX" => "macOS",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_have_the_names_that_people_use() {
        let named = [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 \
                 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/26.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            ("curl/8.14.1", "A program"),
        ];
        for (user_agent, name) in named {
            assert_eq!(super::name(user_agent).as_deref(), Some(name));
        }
    }

    #[test]
    fn phones_are_told_from_laptops() {
        let kinds = [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", Kind::Laptop),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/26.0 Mobile/15E148 Safari/604.1",
                Kind::Phone,
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile \
                 Safari/537.36",
                Kind::Phone,
            ),
            ("curl/8.14.1", Kind::Unknown),
            ("", Kind::Unknown),
        ];
        for (user_agent, kind) in kinds {
            assert_eq!(super::kind(user_agent), kind, "{user_agent}");
        }
    }

    #[test]
    fn a_stranger_cannot_put_words_into_the_name() {
        for user_agent in ["", "You won! https://evil.test/", "Mozilla/5.0 (You won! https://evil.test/) Gecko"] {
            assert!(!name(user_agent).unwrap_or_default().contains("evil"), "{user_agent}");
        }
    }
}
