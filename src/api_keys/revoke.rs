use super::{Error, LISTED_AFTER_ITS_END, store, tell_owner};
use crate::audit::{self, Event};
use crate::crypto::Sealer;
use crate::db::{self, Tx};
use crate::kernel::{ApiKeyId, UserId};
use crate::mail::KeyChange;

/// Ends a key for its holder, who is told by a letter. `Ok(false)` when they have none of that id.
pub fn revoke(tx: &mut Tx<'_>, sealer: &Sealer, user: UserId, id: ApiKeyId) -> Result<bool, Error> {
    let owner = store::lock_owner(tx, user)?.ok_or(Error::Ended)?;
    let Some(name) = store::delete_own(tx, user, id)? else { return Ok(false) };
    audit::record(tx, Event::about(user, "api_key.revoked").with("key", id.to_string()).with("name", name.as_str()))?;
    tell_owner(tx, sealer, &owner, KeyChange::Revoked, &name)?;
    Ok(true)
}

/// Ends every key of a person; what they are told of is why. How many there were.
pub fn revoke_all(tx: &mut Tx<'_>, user: UserId) -> Result<usize, db::Error> {
    let count = store::delete_all(tx, user)?;
    if count > 0 {
        audit::record(tx, Event::about(user, "api_keys.revoked").with("count", count))?;
    }
    Ok(count)
}

/// Forgets those whose end came long ago. How many.
pub fn sweep(tx: &mut Tx<'_>) -> Result<usize, db::Error> {
    let before = tx.now - LISTED_AFTER_ITS_END;
    store::delete_expired(tx, before)
}
