use url::Url;

use crate::outbound::{Outside, Unreachable};

const LONGEST: usize = 2048;

/// Where a webhook is received. It may hold a secret of the receiver's, so it is shown to those who look after it and
/// stands in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why somebody cannot be told there. The sentence is for whoever has typed it.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("This is no URL. Write it as in https://example.com/hooks.")]
    NoUrl,
    #[error("This URL is too long: {LONGEST} bytes is the most there can be.")]
    TooLong,
    #[error("A name or a password in a URL is not sent. The signature says who is asking.")]
    Credentials,
    #[error("What follows a # is not sent. Leave it out.")]
    Fragment,
    #[error("{0}")]
    Unreachable(#[from] Unreachable),
}

impl Address {
    /// Parses it, and looks whether it may be reached: it resolves names, so it is nothing for a transaction.
    pub async fn look_up(outside: &Outside, text: &str) -> Result<Self, Refused> {
        let address = Self::parse(text)?;
        outside.look(&address.0).await?;
        Ok(address)
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let url = Url::parse(text.trim()).ok().filter(Url::has_host).ok_or(Refused::NoUrl)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Refused::Unreachable(Unreachable::NotEncrypted));
        }
        if url.as_str().len() > LONGEST {
            return Err(Refused::TooLong);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        if url.fragment().is_some() {
            return Err(Refused::Fragment);
        }
        Ok(Self(url))
    }

    /// What was looked up before, and will be again when something is sent there.
    pub(super) fn from_stored(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub fn url(&self) -> &Url {
        &self.0
    }

    /// As much of it as may stand in the audit log and in a letter.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({}…)", self.host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_url_of_the_web_without_secrets_of_its_own_kind() {
        let refused = [
            ("", "no URL"),
            ("example.com/hook", "no URL"),
            ("https://", "no URL"),
            ("mailto:ann@example.com", "no URL"),
            ("ftp://example.com/", "Only https"),
            ("file:///etc/passwd", "no URL"),
            ("https://ann:secret@example.com/", "A name or a password"),
            ("https://ann@example.com/", "A name or a password"),
            ("https://example.com/#part", "after a #"),
        ];
        for (text, why) in refused {
            let said = Address::parse(text).unwrap_err().to_string();
            assert!(said.contains(why) || (why == "after a #" && said.contains("follows a #")), "{text}: {said}");
        }
        let long = format!("https://example.com/{}", "x".repeat(LONGEST));
        assert!(matches!(Address::parse(&long), Err(Refused::TooLong)));
        for text in
            ["https://example.com:8443/hook?key=1", " https://example.com ", "http://10.0.0.1/", "https://[::1]/"]
        {
            assert!(Address::parse(text).is_ok(), "{text}");
        }
        let address = Address::parse("https://Example.com/T0ken").unwrap();
        assert_eq!((address.host(), format!("{address:?}").contains("T0ken")), ("example.com", false));
    }
}
