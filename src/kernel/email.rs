//! Addresses of people.

use std::fmt;

/// An email address that can be written to.
///
/// The local part is kept as typed (ASCII, at most 64 bytes), the domain is lower case and, where it is
/// Unicode, in its ASCII form (RFC 5891). Two addresses are the same account when their [`key`] is equal:
/// the case of the local part does not make another person.
///
/// [`key`]: EmailAddress::key
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    text: String,
    at: usize,
}

/// Why a text is not an address. The sentence is for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("Enter an email address.")]
    Empty,
    #[error("This address is too long: 254 characters is the most there can be.")]
    TooLong,
    #[error("An email address has the form name@example.com.")]
    Shape,
    #[error("The part before the @ may only hold letters a to z, digits and the signs that mail allows.")]
    LocalPart,
    #[error("The part after the @ is not a domain name.")]
    Domain,
}

impl EmailAddress {
    /// Spaces around the address are forgiven; anything else that does not belong is an error.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Err(Invalid::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(Invalid::Shape);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(Invalid::Shape)?;
        if local.is_empty() || domain.is_empty() {
            return Err(Invalid::Shape);
        }
        require_local_part(local)?;
        let domain = ascii_domain(domain)?;
        let text = format!("{local}@{domain}");
        // RFC 5321, section 4.5.3.1.3, less the two angle brackets.
        if text.len() > 254 {
            return Err(Invalid::TooLong);
        }
        Ok(Self { at: local.len(), text })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What must be unique: the whole address in lower case.
    pub fn key(&self) -> String {
        self.text.to_ascii_lowercase()
    }

    /// Whether it is the same person's, however the two are written.
    pub fn is_same(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }

    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }
}

/// RFC 5321, section 4.1.2: a dot-string. Quoted strings are legal and nobody has one.
fn require_local_part(local: &str) -> Result<(), Invalid> {
    if local.len() > 64 {
        return Err(Invalid::TooLong);
    }
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let is_dot_string = local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom));
    if is_dot_string { Ok(()) } else { Err(Invalid::LocalPart) }
}

fn ascii_domain(domain: &str) -> Result<String, Invalid> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| Invalid::Domain)?;
    let labels_fit = ascii.split('.').all(|label| !label.is_empty() && label.len() <= 63);
    let is_name = ascii.parse::<std::net::IpAddr>().is_err();
    if labels_fit && is_name && ascii.len() <= 253 { Ok(ascii) } else { Err(Invalid::Domain) }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for EmailAddress {
    /// A whole address does not belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…@{}", self.domain())
    }
}

impl serde::Serialize for EmailAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for EmailAddress {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_one_person_have_one_key() {
        let same = ["ann@example.com", "Ann@Example.COM", " ANN@example.com "];
        for text in same {
            assert_eq!(EmailAddress::parse(text).unwrap().key(), "ann@example.com");
        }
    }

    #[test]
    fn a_unicode_domain_is_kept_as_punycode() {
        let address = EmailAddress::parse("ann@Bücher.example").unwrap();
        assert_eq!(address.as_str(), "ann@xn--bcher-kva.example");
        assert_eq!(address.domain(), "xn--bcher-kva.example");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let wrong = [
            "",
            "@",
            "ann",
            "ann@",
            "@example.com",
            "a b@example.com",
            "ann@exa mple.com",
            "ann@@example.com",
            "ann\n@example.com",
            "ann@example.com\r\nBcc: x@y.z",
            "ann\0@example.com",
            "a..b@example.com",
            ".a@example.com",
            "ann@192.0.2.1",
            "ann@-x.example",
            "änn@example.com",
            "ann@example..com",
            "<ann@example.com>",
            "ann@x\u{202e}.com",
        ];
        for text in wrong {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(EmailAddress::parse(&format!("{}@example.com", "a".repeat(65))), Err(Invalid::TooLong));
    }

    #[test]
    fn debug_hides_the_person() {
        let shown = format!("{:?}", EmailAddress::parse("ann@example.com").unwrap());
        assert!(!shown.contains("ann"));
    }
}
