//! Proving once more who one is, before something that a stolen session must not be able to do.
//!
//! Signing in does not count (unless `step_up.login_counts` says so): whoever finds a browser that is signed in can do
//! everyday things and nothing that alters how its owner gets in. A confirmation ([`confirm`]) is kept on the session and
//! counts for a while, for every such action alike ([`is_fresh`]); it survives a rotation and ends with the session.

mod confirm;
mod rule;

pub use confirm::{Error, Proof, ask, confirm};
pub use rule::{is_fresh, remaining, window};

use crate::accounts;
use crate::db::{self, ReadTx};
use crate::domains::{self, Provider};
use crate::factors;
use crate::kernel::UserId;

/// How somebody can confirm that it is them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    Password,
    /// A code of their authenticator app. Recovery codes are for signing in without it, and for nothing else.
    Totp,
    /// A key on one of their devices.
    Passkey,
}

impl Way {
    /// The stable word for the API and the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp => "totp",
            Self::Passkey => "passkey",
        }
    }
}

/// What this person has to confirm with, the most usual first. None for a person who does not exist.
pub fn methods(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Way>, db::Error> {
    let is_by_provider = provider_of(tx, user)?.is_some();
    let credentials = accounts::find_credentials_of(tx, user)?.filter(|_| !is_by_provider);
    let password = credentials.and_then(|credentials| credentials.password).map(|_| Way::Password);
    let factors = factors::list(tx, user)?;
    let totp = factors.totp.then_some(Way::Totp);
    let passkey = (factors.passkeys > 0).then_some(Way::Passkey);
    Ok(password.into_iter().chain(totp).chain(passkey).collect())
}

/// By whom this person signs in, where their password counts for nothing.
fn provider_of(tx: &mut ReadTx<'_>, user: UserId) -> Result<Option<Provider>, db::Error> {
    let Some(person) = accounts::find(tx, user)? else { return Ok(None) };
    domains::enforced_on(tx, &person.email, user)
}
