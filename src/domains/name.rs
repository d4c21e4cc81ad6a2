use std::fmt;
use std::net::IpAddr;

/// A domain that one organization can have for itself, in lower case and ASCII (RFC 5891), as it stands in addresses.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

/// Why a text is no such domain. The sentence is for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("Enter a domain.")]
    Empty,
    #[error("This is an address of a machine. Enter what stands behind the @, as in example.com.")]
    IpAddress,
    #[error("Leave out the dot at its end.")]
    TrailingDot,
    #[error("Enter what stands behind the @, as in example.com.")]
    Shape,
    #[error("This name is shared by many, like com or co.uk: nobody has it alone.")]
    Shared,
}

impl Name {
    /// Spaces around the name are forgiven. What two spellings have in common by IDNA is one name, exactly as with the
    /// domains of addresses: whatever is claimed is what is compared.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Err(InvalidName::Empty);
        }
        if text.ends_with('.') {
            return Err(InvalidName::TrailingDot);
        }
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| InvalidName::Shape)?;
        // After it: digits of other scripts have become ours.
        if ascii.trim_matches(['[', ']', '.']).parse::<IpAddr>().is_ok() {
            return Err(InvalidName::IpAddress);
        }
        let has_letters = |label: &str| label.bytes().any(|b| !b.is_ascii_digit());
        // A last label of digits is for what is read as an address (RFC 3696, section 2).
        if ascii.len() > 253 || !ascii.contains('.') || !ascii.rsplit('.').next().is_some_and(has_letters) {
            return Err(InvalidName::Shape);
        }
        if psl::domain_str(&ascii).is_none() {
            return Err(InvalidName::Shared);
        }
        Ok(Self(ascii))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::EmailAddress;

    #[test]
    fn a_name_is_compared_as_it_stands_in_addresses() {
        let same = [
            ("example.com", "example.com"),
            (" Example.COM ", "example.com"),
            ("mail.example.com", "mail.example.com"),
            ("Bücher.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("ｅｘａｍｐｌｅ。ｃｏｍ", "example.com"),
            ("example\u{3002}com", "example.com"),
            ("corp.internal", "corp.internal"),
        ];
        for (typed, name) in same {
            assert_eq!(Name::parse(typed).unwrap().as_str(), name, "{typed}");
            let address = EmailAddress::parse(&format!("ann@{}", typed.trim())).unwrap();
            assert_eq!(address.domain(), name, "{typed}");
        }
    }

    #[test]
    fn letters_that_look_alike_are_other_names() {
        let cyrillic = Name::parse("ex\u{430}mple.com").unwrap();
        assert_ne!(cyrillic.as_str(), "example.com");
        assert!(cyrillic.as_str().starts_with("xn--"));
    }

    #[test]
    fn what_nobody_has_for_themselves_is_refused() {
        use InvalidName as Why;
        let long = format!("{}.com", vec!["a".repeat(60); 5].join("."));
        let refused = [
            ("", Why::Empty),
            ("  ", Why::Empty),
            ("localhost", Why::Shape),
            ("com", Why::Shape),
            ("co.uk", Why::Shared),
            ("github.io", Why::Shared),
            ("example.com.", Why::TrailingDot),
            (".", Why::TrailingDot),
            ("192.0.2.1", Why::IpAddress),
            ("１９２.0.2.1", Why::IpAddress),
            ("1.2.3.4.5", Why::Shape),
            ("[::1]", Why::Shape),
            ("2001:db8::1", Why::Shape),
            ("example..com", Why::Shape),
            (".example.com", Why::Shape),
            ("ann@example.com", Why::Shape),
            ("https://example.com", Why::Shape),
            ("example.com/path", Why::Shape),
            ("*.example.com", Why::Shape),
            ("_vestibule.example.com", Why::Shape),
            ("-x.example.com", Why::Shape),
            ("exa mple.com", Why::Shape),
            ("example.com\n", Why::Shape),
            ("example\0.com", Why::Shape),
            ("x\u{202e}.com", Why::Shape),
            ("xn--a.example", Why::Shape),
            (&long, Why::Shape),
        ];
        for (text, why) in refused {
            assert_eq!(Name::parse(text), Err(why), "{text:?}");
        }
    }
}
