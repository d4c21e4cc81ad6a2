//! Letting somebody in again whose second factors are lost. The operator does it, having seen who they are.

use super::{magic_link, store};
use crate::audit::{self, Event};
use crate::crypto::Sealer;
use crate::db::{self, Tx};
use crate::factors::{self, Holder};
use crate::kernel::UserId;
use crate::sessions::{self, EndReason};

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MfaReset {
    /// The password alone lets them in again. They are told by a letter, and signed out everywhere.
    Removed { sessions_ended: usize },
    /// There was nothing to remove, and nothing was done.
    HadNone,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such account")]
    Unknown,
    #[error(transparent)]
    Factors(#[from] factors::Error),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Takes away all second factors of a person.
pub fn reset_mfa(tx: &mut Tx<'_>, sealer: &Sealer, user: UserId) -> Result<MfaReset, Error> {
    let user = store::lock(tx, user)?.ok_or(Error::Unknown)?;
    if !factors::take_away(tx, sealer, &Holder::from(&user))? {
        return Ok(MfaReset::HadNone);
    }
    magic_link::end_links(tx, user.id)?;
    let sessions_ended = sessions::revoke_all(tx, user.id, None, EndReason::ByOperator)?;
    audit::record(tx, Event::about(user.id, "factors.removed").with("by", "operator"))?;
    Ok(MfaReset::Removed { sessions_ended })
}
