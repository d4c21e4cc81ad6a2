//! A new id and new cookies for a session that goes on.
//!
//! Whoever got hold of a cookie before its holder's powers grew must not share in them. So a change of privilege makes
//! the cookies of before worthless: at once where the browser is there to be given new ones, else at its next visit to
//! the portal, and until then the old portal cookie is good for that exchange alone and the gate cookies for nothing.

use super::hand_overs::forget_hand_overs;
use super::open::issue_gate_cookies;
use super::{Opened, store};
use crate::audit::{self, Event};
use crate::config::settings;
use crate::db::{self, Tx};
use crate::kernel::{SessionId, Token, UserId};

/// Exchanges the id and all cookies of the session behind a portal token. When it was opened, when it will end, and the
/// device stay what they were. `None` when the session has ended, or was rotated by somebody else a moment before.
pub fn rotate(tx: &mut Tx<'_>, rules: &settings::Session, token: &Token) -> Result<Option<Opened>, db::Error> {
    let Some(held) = store::lock_by_digest(tx, &token.digest())? else { return Ok(None) };
    let (id, token) = (SessionId::new(tx.now), Token::generate());
    store::delete_gate_tokens(tx, held.id)?;
    forget_hand_overs(tx, held.id)?;
    store::rename(tx, held.id, id, &token.digest())?;
    let gate = issue_gate_cookies(tx, rules, id)?;
    tx.origin = tx.origin.clone().acting_as(held.user, id);
    audit::record(tx, Event::about(held.user, "session.rotated").with("before", held.id.to_string()))?;
    let store::Held { user, device, remember, expires_at, .. } = held;
    Ok(Some(Opened { id, device, user, token, known_by: None, gate, remember, expires_at }))
}

/// Every session of a person is rotated when its browser next comes to the portal. Nobody is signed out.
pub fn rotate_all_at_next_visit(tx: &mut Tx<'_>, user: UserId) -> Result<(), db::Error> {
    store::make_rotation_due(tx, user)?;
    store::delete_all_gate_tokens(tx, user)
}
