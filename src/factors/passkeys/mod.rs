//! Passkeys (WebAuthn, level 3): keys on people's devices that answer to this service's own name and to no other.
//!
//! - A key is **registered** by somebody signed in ([`start`], [`finish`]): it can be found by its authenticator without
//!   our help (resident), and verifies its holder by a touch, a face or a PIN.
//! - It **proves** who somebody is ([`ask`], [`check`]), for one of the three things of [`Use`]. The holder is verified
//!   each time, so that a key is two factors in one. What it says of its counter is compared with what it said before.
//! - It is given another name, and removed.
//!
//! Each question is a row of ours (a *ceremony*) that the first answer uses up, whatever that is: a refusal is an `Ok`,
//! and the transaction must commit. Five minutes later nobody can answer it.
//!
//! How to prove with one: the transaction of the question calls [`ask`] and sends [`Asked`] as
//! `{"ceremony": …, "publicKey": …}`; that of the answer locks the person (`accounts::lock_credentials`; who it may be
//! says [`holder_of`], where that is not known), sees to it that the account is open, and calls [`check`]. Counting
//! attempts, opening sessions and writing down who has failed is for the caller.

mod ceremony;
mod party;
mod prove;
mod register;
mod store;
mod sweep;

use chrono::{DateTime, Utc};
use serde_json::Value;
use webauthn_rs::prelude::Passkey as Credential;

pub use prove::{Answer, Use, Used, Verdict, ask, check, holder_of};
pub use register::{Added, Finished, Registration, Started, finish, start};
pub use sweep::sweep;

use super::{Error, Holder, letters};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Label, PasskeyId, Token, UserId};
use crate::mail::FactorChange;
use crate::sessions::Opened;

/// How many one person may have.
pub const MOST: u32 = 20;

/// A key as its holder sees it.
#[derive(Clone, Debug)]
pub struct Passkey {
    pub id: PasskeyId,
    pub name: String,
    /// Whether its device keeps it in other places too, by what it said last.
    pub is_backed_up: bool,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What a browser is to put to an authenticator.
#[derive(Debug)]
pub struct Asked {
    /// Comes back with the answer.
    pub ceremony: Token,
    /// What `navigator.credentials` takes, with its bytes in base64url.
    pub public_key: Value,
}

#[derive(Debug)]
pub enum Removal {
    /// With the session of whoever did it, as it goes on.
    Removed(Option<Opened>),
    NotTheirs,
    /// It is their last factor, and an organization of theirs asks for one.
    Required,
}

/// Whether there can be any: see `server.public_url`.
pub fn are_possible(app: &App) -> bool {
    party::relying_party(app).is_some()
}

/// The oldest first.
pub fn list(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Passkey>, db::Error> {
    store::list(tx, user)
}

/// `None` when this person has no such key.
pub fn find(tx: &mut ReadTx<'_>, user: UserId, id: PasskeyId) -> Result<Option<Passkey>, db::Error> {
    store::find(tx, user, id)
}

/// `None` when this person has no such key.
pub fn rename(tx: &mut Tx<'_>, user: UserId, id: PasskeyId, name: &Label) -> Result<Option<Passkey>, db::Error> {
    let Some(renamed) = store::set_name(tx, user, id, name)? else { return Ok(None) };
    audit::record(tx, Event::about(user, "passkey.renamed").with("passkey", id.to_string()))?;
    Ok(Some(renamed))
}

/// Takes one away, and with the last factor the recovery codes.
pub fn remove(tx: &mut Tx<'_>, app: &App, holder: &Holder, id: PasskeyId) -> Result<Removal, Error> {
    super::store::lock_person(tx, holder.user)?;
    if store::find(tx, holder.user, id)?.is_none() {
        return Ok(Removal::NotTheirs);
    }
    let theirs = super::list(tx, holder.user)?;
    if super::has_to_stay(tx, &theirs, holder.user)? {
        return Ok(Removal::Required);
    }
    let Some(name) = store::delete(tx, holder.user, id)? else { return Ok(Removal::NotTheirs) };
    let protection = super::let_codes_go_with_the_last(tx, holder.user)?;
    audit::record(tx, Event::about(holder.user, "passkey.removed").with("passkey", id.to_string()))?;
    letters::tell(tx, &app.sealer, holder, FactorChange::PasskeyRemoved(name, protection))?;
    Ok(Removal::Removed(super::go_on(tx, app, holder)?))
}

/// Of all people.
pub(super) fn count_all(tx: &mut ReadTx<'_>) -> Result<i64, db::Error> {
    store::count_all(tx)
}

pub(super) fn count(tx: &mut ReadTx<'_>, user: UserId) -> Result<u32, db::Error> {
    store::count(tx, user)
}

/// Whether there were any.
pub(super) fn forget(tx: &mut Tx<'_>, user: UserId) -> Result<bool, db::Error> {
    store::delete_ceremonies(tx, user)?;
    Ok(store::delete_all(tx, user)? > 0)
}

/// The same for those made at that instant or later, and for those that are being made.
pub(super) fn forget_since(tx: &mut Tx<'_>, user: UserId, since: DateTime<Utc>) -> Result<bool, db::Error> {
    store::delete_ceremonies(tx, user)?;
    Ok(store::delete_since(tx, user, since)? > 0)
}

/// What its authenticator has said when it was last asked. The library shows it in its stored form only.
fn is_backed_up(credential: &Value) -> bool {
    credential.pointer("/cred/backup_state").and_then(Value::as_bool).unwrap_or(false)
}

fn stored(credential: &Credential) -> Result<Value, Error> {
    serde_json::to_value(credential).map_err(Error::unusable)
}
