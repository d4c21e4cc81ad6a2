use crate::kernel::{Digest, Redacted, Token};

const PURPOSE: &[u8] = b"vestibule magic link code";

/// Six digits to be typed into the browser that has asked.
#[derive(Clone, Debug)]
pub struct Code(Redacted);

impl Code {
    /// Worked out from the link: 64 bits of a digest, modulo a million, which prefers no code by more than 2⁻⁴⁴.
    pub(super) fn of(token: &Token) -> Self {
        let digest = Digest::of(&[PURPOSE, token.as_bytes()].concat());
        let number = digest.as_bytes().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        Self(Redacted::new(format!("{:06}", number % 1_000_000)))
    }

    /// As somebody types it: with the space that a page shows in it, or with a dash. `None` when it cannot be one.
    pub(super) fn parse(typed: &Redacted) -> Option<Self> {
        let digits: String = typed.expose().chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        let is_one = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_one.then(|| Self(Redacted::new(digits)))
    }

    /// To show to whoever has the link.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_link_has_one_code_and_links_have_different_ones() {
        let token = Token::from_bytes([7; 32]);
        assert_eq!(Code::of(&token).expose(), Code::of(&token).expose());
        let codes: BTreeSet<String> =
            (0..100).map(|n| Code::of(&Token::from_bytes([n; 32])).0.expose().into()).collect();
        assert!(codes.len() > 95, "{codes:?}");
        assert!(codes.iter().all(|code| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())));
    }

    #[test]
    fn a_code_is_understood_as_people_type_it() {
        for typed in ["012345", " 012 345 ", "012-345"] {
            assert_eq!(
                Code::parse(&Redacted::new(typed.into())).map(|code| code.0.expose().to_owned()).unwrap(),
                "012345"
            );
        }
        for typed in ["", "12345", "1234567", "o12345", "\u{661}\u{662}\u{663}"] {
            assert!(Code::parse(&Redacted::new(typed.into())).is_none(), "{typed}");
        }
    }
}
