use crate::kernel::{Redacted, Token};

/// What there is to write about, with what only the letter may know.
#[derive(Debug)]
pub enum Letter {
    /// Prove that this address is yours: a link to `/verify-email`.
    VerifyEmail { token: Token },
    /// Somebody tried to sign up with an address that has an account.
    AlreadyRegistered,
    /// The operator asks whether mail arrives.
    Test,
}

/// The same without what it carries: what a stored letter says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    VerifyEmail,
    AlreadyRegistered,
    Test,
}

impl Letter {
    /// What may be written down, and what must be sealed.
    pub(super) fn take_apart(self) -> (Kind, Option<Redacted>) {
        match self {
            Self::VerifyEmail { token } => (Kind::VerifyEmail, Some(Redacted::new(token.expose()))),
            Self::AlreadyRegistered => (Kind::AlreadyRegistered, None),
            Self::Test => (Kind::Test, None),
        }
    }
}

impl Kind {
    const ALL: [Self; 3] = [Self::VerifyEmail, Self::AlreadyRegistered, Self::Test];

    /// The folder of its templates, and its name in the outbox.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::AlreadyRegistered => "already_registered",
            Self::Test => "test",
        }
    }

    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is worthless once its secret is erased.
    pub(super) fn has_secret(self) -> bool {
        match self {
            Self::VerifyEmail => true,
            Self::AlreadyRegistered | Self::Test => false,
        }
    }
}
