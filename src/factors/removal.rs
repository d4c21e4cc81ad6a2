use chrono::{DateTime, Utc};

use super::{list, passkeys, store};
use crate::db::{self, Tx};
use crate::kernel::UserId;

/// What was taken away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Removed {
    AuthenticatorApp,
    Passkeys,
    RecoveryCodes,
}

impl Removed {
    /// The stable word for the audit and the letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthenticatorApp => "authenticator_app",
            Self::Passkeys => "passkeys",
            Self::RecoveryCodes => "recovery_codes",
        }
    }
}

/// Takes away what was added at that instant or later; nobody is told. Recovery codes stay for as long as there is
/// something that could get lost.
pub fn forget_since(tx: &mut Tx<'_>, user: UserId, since: DateTime<Utc>) -> Result<Vec<Removed>, db::Error> {
    let app = store::delete_totp_since(tx, user, since)?.then_some(Removed::AuthenticatorApp);
    let passkeys = passkeys::forget_since(tx, user, since)?.then_some(Removed::Passkeys);
    let oldest_gone = if list(tx, user)?.are_asked_for() { since } else { DateTime::UNIX_EPOCH };
    let codes = store::delete_codes_since(tx, user, oldest_gone)?.then_some(Removed::RecoveryCodes);
    Ok([app, passkeys, codes].into_iter().flatten().collect())
}
