use super::scheme::Scheme;

/// The hash of a password: ours, as an argon2id PHC string, or one of another system until its person has signed in. Not
/// secret, but nobody's business: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub(super) String);

/// Why a hash of another system is not taken. The sentence is for the operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unusable {
    #[error("this is not a hash of bcrypt, argon2, scrypt or PBKDF2 in a form that is taken here")]
    Unknown,
    #[error("this hash of {0} is not written as it should be, or was cut off")]
    Malformed(&'static str),
    #[error("to check a password against this hash of {scheme} would take too much: {most} is the most there can be")]
    TooCostly { scheme: &'static str, most: &'static str },
}

impl PasswordHash {
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// A hash that another system has made, in one of the forms that [`super`] names, if passwords can be checked
    /// against it at a bearable cost.
    pub fn from_elsewhere(text: &str) -> Result<Self, Unusable> {
        Scheme::parse(text)?.require_bearable()?;
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
