//! Proving once more who one is, before something that a stolen session must not be able to do.
//!
//! Signing in does not count (unless `step_up.login_counts` says so): whoever finds a browser that is signed in can do
//! everyday things and nothing that alters how its owner gets in. A confirmation ([`confirm`]) is kept on the session and
//! counts for a while, for every such action alike ([`is_fresh`]); it survives a rotation and ends with the session.

mod by_sso;
mod confirm;
mod rule;

pub use by_sso::{Answered, Refused, confirm_by_sso};
pub use confirm::{Error, Proof, ask, confirm};
pub use rule::{is_fresh, remaining, window};

use crate::accounts;
use crate::db::{self, ReadTx};
use crate::domains::{self, Provider};
use crate::factors;
use crate::kernel::{ConnectionId, UserId};
use crate::sessions::{Live, Strength};
use crate::sso::provider_sessions;

/// How somebody can confirm that it is them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    Password,
    /// A code of their authenticator app. Recovery codes are for signing in without it, and for nothing else.
    Totp,
    /// A key on one of their devices.
    Passkey,
    /// The identity provider that they came by.
    Sso,
}

impl Way {
    /// What it shows by itself. What a provider says beyond that stands in its answer.
    pub fn strength(self) -> Strength {
        match self {
            Self::Passkey => Strength::Passkey,
            Self::Totp => Strength::SecondFactor,
            Self::Password | Self::Sso => Strength::OneFactor,
        }
    }

    /// The stable word for the API and the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::Sso => "sso",
        }
    }
}

/// What this person has to confirm with in this session, the most usual first. None for a person who does not exist.
pub fn methods(tx: &mut ReadTx<'_>, live: &Live) -> Result<Vec<Way>, db::Error> {
    let user = live.user;
    let provider = find_provider(tx, live)?.map(|_| Way::Sso);
    let is_by_provider = provider_of(tx, user)?.is_some();
    let credentials = accounts::find_credentials_of(tx, user)?.filter(|_| !is_by_provider);
    let password = credentials.and_then(|credentials| credentials.password).map(|_| Way::Password);
    let factors = factors::list(tx, user)?;
    let totp = factors.totp.then_some(Way::Totp);
    let passkey = (factors.passkeys > 0).then_some(Way::Passkey);
    Ok(provider.into_iter().chain(password).chain(totp).chain(passkey).collect())
}

/// The connection by whose provider they came, and can confirm.
pub fn find_provider(tx: &mut ReadTx<'_>, live: &Live) -> Result<Option<ConnectionId>, db::Error> {
    let Some(session) = live.provider_session else { return Ok(None) };
    Ok(provider_sessions::find(tx, session)?.map(|session| session.connection))
}

/// By whom this person signs in, where their password counts for nothing.
fn provider_of(tx: &mut ReadTx<'_>, user: UserId) -> Result<Option<Provider>, db::Error> {
    let Some(person) = accounts::find(tx, user)? else { return Ok(None) };
    domains::enforced_on(tx, &person.email, user)
}
