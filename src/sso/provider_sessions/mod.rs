//! Sign-ins by a provider, each as long as a session of ours comes of it; and the assertions they came with, which are
//! good once.
//!
//! Tables: `provider_sessions`, `saml_answers`.

mod store;

use chrono::{DateTime, Utc};

use super::mapping;
use super::saml::{Answer, NameId};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{ConnectionId, Digest, ProviderSessionId, UserId};
use crate::sessions::{self, EndReason, Provided};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProviderSession {
    pub id: ProviderSessionId,
    pub connection: ConnectionId,
    pub user: UserId,
    pub name: NameId,
    /// What the provider calls it.
    pub index: Option<String>,
    pub ends_at: Option<DateTime<Utc>>,
}

/// Uses an assertion up. `Ok(false)` when it was used before; of several at once, one is the first.
pub fn use_once(tx: &mut Tx<'_>, connection: ConnectionId, answer: &Answer) -> Result<bool, db::Error> {
    store::insert_answer(tx, connection, &Digest::of(answer.assertion_id.as_bytes()), answer.good_until)
}

pub fn open(tx: &mut Tx<'_>, connection: ConnectionId, user: UserId, answer: &Answer) -> Result<Provided, db::Error> {
    let session = ProviderSessionId::new(tx.now);
    store::insert(tx, session, (connection, user), answer)?;
    Ok(Provided { session, ends_at: answer.session_ends_at, strength: mapping::strength(answer) })
}

pub fn find(tx: &mut ReadTx<'_>, id: ProviderSessionId) -> Result<Option<ProviderSession>, db::Error> {
    store::find(tx, id)
}

/// All that came by a connection.
pub fn list_of(tx: &mut ReadTx<'_>, connection: ConnectionId) -> Result<Vec<ProviderSessionId>, db::Error> {
    store::list_of(tx, connection)
}

/// Ends all that came of somebody's sign-ins by a connection, and what is half signed in. How many sessions.
pub fn end_all_of(tx: &mut Tx<'_>, connection: ConnectionId, user: UserId) -> Result<usize, db::Error> {
    let sign_ins = store::lock_all_of(tx, connection, user)?;
    let ended = sessions::revoke_of_providers(tx, &sign_ins, EndReason::ProviderGone)?;
    store::delete(tx, &sign_ins)?;
    Ok(ended)
}

/// They have proved to the provider once more who they are, and it may call the session something else from now on, and
/// want it to end earlier.
pub fn renew(tx: &mut Tx<'_>, id: ProviderSessionId, answer: &Answer) -> Result<(), db::Error> {
    store::renew(tx, id, answer)
}
