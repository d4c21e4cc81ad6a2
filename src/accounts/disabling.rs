//! Shutting somebody out, and letting them in again. The operator does it.
//!
//! Whoever is disabled is signed out at once and everywhere, and signs in by no way: each answers as it does for wrong
//! credentials. Their API keys are refused, at every node, as soon as it has heard; they get no letters that lead in, and
//! those that were sent lead nowhere. What they have (password, factors, API keys) stays, and works again for whoever is
//! enabled.

use super::{magic_link, reset, store};
use crate::audit::{self, Event};
use crate::db::{self, Tx};
use crate::kernel::UserId;
use crate::sessions::{self, EndReason};

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disabling {
    Disabled {
        sessions_ended: usize,
    },
    WasDisabled,
    /// There is no such person.
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enabling {
    Enabled,
    WasEnabled,
    /// There is no such person.
    Unknown,
}

pub fn disable(tx: &mut Tx<'_>, user: UserId) -> Result<Disabling, db::Error> {
    // Whoever is about to sign in holds the person, or finds them disabled.
    let Some(user) = store::lock(tx, user)? else { return Ok(Disabling::Unknown) };
    if !store::set_disabled(tx, user.id)? {
        return Ok(Disabling::WasDisabled);
    }
    magic_link::end_links(tx, user.id)?;
    reset::end_links(tx, user.id)?;
    let sessions_ended = sessions::revoke_all(tx, user.id, None, EndReason::ByOperator)?;
    audit::record(tx, Event::about(user.id, "user.disabled").with("by", "operator"))?;
    Ok(Disabling::Disabled { sessions_ended })
}

pub fn enable(tx: &mut Tx<'_>, user: UserId) -> Result<Enabling, db::Error> {
    let Some(user) = store::lock(tx, user)? else { return Ok(Enabling::Unknown) };
    if !store::set_enabled(tx, user.id)? {
        return Ok(Enabling::WasEnabled);
    }
    audit::record(tx, Event::about(user.id, "user.enabled").with("by", "operator"))?;
    Ok(Enabling::Enabled)
}
