//! The words that are kept.

/// What kind of visitor it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Who {
    Stranger,
    InvalidKey,
    Leaving,
    Unprotected,
    Person,
    Program,
}

impl Who {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::InvalidKey => "invalid_key",
            Self::Leaving => "leaving",
            Self::Unprotected => "unprotected",
            Self::Person => "person",
            Self::Program => "program",
        }
    }

    pub fn from_stored(word: &str) -> Option<Self> {
        let all = [Self::Stranger, Self::InvalidKey, Self::Leaving, Self::Unprotected, Self::Person, Self::Program];
        all.into_iter().find(|who| who.as_str() == word)
    }
}

/// Whether something that claims to be a key of ours was shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    None,
    /// Rules take none there, so nobody knows whose it is.
    Unread,
    Read,
}

impl Key {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unread => "unread",
            Self::Read => "read",
        }
    }

    pub(super) fn from_stored(word: &str) -> Option<Self> {
        [Self::None, Self::Unread, Self::Read].into_iter().find(|key| key.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_is_kept_is_read_again() {
        for who in [Who::Stranger, Who::InvalidKey, Who::Leaving, Who::Unprotected, Who::Person, Who::Program] {
            assert_eq!(Who::from_stored(who.as_str()), Some(who));
        }
        for key in [Key::None, Key::Unread, Key::Read] {
            assert_eq!(Key::from_stored(key.as_str()), Some(key));
        }
    }
}
