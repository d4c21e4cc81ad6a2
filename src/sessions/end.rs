//! How sessions end before their time, and what is kept to tell the browser why.

use serde::{Deserialize, Serialize};

use super::find::{RanOut, ran_out};
use super::{Remember, known_devices, pending, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, Tx};
use crate::kernel::{ConnectionId, DeviceId, ProviderSessionId, SessionId, Token, UserId};

/// Rows in one statement, which takes 65,535 values at most: whoever knows a password can sign in more often than that.
const BATCH: usize = 5_000;

/// Why a session is not live any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum EndReason {
    /// Its own browser signed out, or signed in again. Nobody needs to be told.
    SignedOut,
    /// Signed out by its holder, from elsewhere.
    SignedOutElsewhere,
    /// Whoever did not know the new password is out.
    PasswordChanged,
    /// Somebody has taken a change of the account's address back.
    EmailRestored,
    /// Its holder wants to be deleted, and is still signed in elsewhere; or they are.
    AccountLeft,
    ByOperator,
    /// Their organization's identity provider has signed them out.
    ByProvider,
    /// It came by a provider that has no say about its holder any more.
    ProviderGone,
    /// From now on its holder signs in by their organization's provider, and it was not of that.
    ProviderRequired,
    /// No visit for too long; how long that is depends on whether it was to be kept.
    Idle(Remember),
    /// It has reached its absolute end.
    TooOld(Remember),
}

impl EndReason {
    const ALL: [Self; 13] = [
        Self::SignedOut,
        Self::SignedOutElsewhere,
        Self::PasswordChanged,
        Self::EmailRestored,
        Self::AccountLeft,
        Self::ByOperator,
        Self::ByProvider,
        Self::ProviderGone,
        Self::ProviderRequired,
        Self::Idle(Remember::No),
        Self::Idle(Remember::Yes),
        Self::TooOld(Remember::No),
        Self::TooOld(Remember::Yes),
    ];

    /// The stable word for the table and the audit.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::SignedOutElsewhere => "signed_out_elsewhere",
            Self::PasswordChanged => "password_changed",
            Self::EmailRestored => "email_restored",
            Self::AccountLeft => "account_left",
            Self::ByOperator => "by_operator",
            Self::ByProvider => "by_provider",
            Self::ProviderGone => "provider_gone",
            Self::ProviderRequired => "provider_required",
            Self::Idle(Remember::No) => "idle",
            Self::Idle(Remember::Yes) => "idle_remembered",
            Self::TooOld(Remember::No) => "too_old",
            Self::TooOld(Remember::Yes) => "too_old_remembered",
        }
    }

    /// Whether somebody meant this browser to be out, who was not sitting at it.
    fn is_from_elsewhere(self) -> bool {
        match self {
            Self::SignedOutElsewhere
            | Self::PasswordChanged
            | Self::EmailRestored
            | Self::AccountLeft
            | Self::ByOperator
            | Self::ProviderGone => true,
            // Whoever signs out there sits at it.
            Self::SignedOut | Self::ByProvider | Self::ProviderRequired | Self::Idle(_) | Self::TooOld(_) => false,
        }
    }

    pub(super) fn from_stored(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// Ends whatever session a portal token belongs to; nothing happens when there is none.
pub fn revoke_by_token(tx: &mut Tx<'_>, token: &Token, reason: EndReason) -> Result<(), db::Error> {
    let ended = store::delete_by_digest(tx, &token.digest())?;
    write_down(tx, ended, reason).map(drop)
}

/// The same by its id.
pub fn revoke(tx: &mut Tx<'_>, session: SessionId, reason: EndReason) -> Result<(), db::Error> {
    let ended = store::delete(tx, session)?;
    write_down(tx, ended, reason).map(drop)
}

/// Ends every session that came of these sign-ins by a provider. How many.
pub fn revoke_of_providers(
    tx: &mut Tx<'_>,
    providers: &[ProviderSessionId],
    reason: EndReason,
) -> Result<usize, db::Error> {
    let ended = store::delete_of_providers(tx, providers)?;
    let count = ended.len();
    for one in ended {
        write_down(tx, Some(one), reason)?;
    }
    Ok(count)
}

/// Ends every session of a person, except that of one device if it is named, and all that is half signed in; their
/// other browsers are strangers' again. How many sessions ended.
pub fn revoke_all(
    tx: &mut Tx<'_>,
    user: UserId,
    except: Option<DeviceId>,
    reason: EndReason,
) -> Result<usize, db::Error> {
    let ended = store::delete_all(tx, user, except)?;
    pending::end_pending_of(tx, user)?;
    known_devices::forget_all(tx, user, except)?;
    if !ended.is_empty() {
        remember_why(tx, &ended, reason)?;
        let event = Event::about(user, "sessions.revoked").with("count", ended.len()).with("reason", reason.as_str());
        audit::record(tx, event)?;
    }
    Ok(ended.len())
}

/// Ends every session of a person that does not come of a sign-in by this connection, and all that is half signed in. How
/// many sessions ended.
pub fn revoke_others_than_of(tx: &mut Tx<'_>, user: UserId, connection: ConnectionId) -> Result<usize, db::Error> {
    let ended = store::delete_others_than_of(tx, user, connection)?;
    pending::end_pending_of(tx, user)?;
    if !ended.is_empty() {
        let reason = EndReason::ProviderRequired;
        remember_why(tx, &ended, reason)?;
        let event = Event::about(user, "sessions.revoked").with("count", ended.len()).with("reason", reason.as_str());
        audit::record(tx, event)?;
    }
    Ok(ended.len())
}

/// Whether there was anything to end.
pub(super) fn write_down(tx: &mut Tx<'_>, ended: Option<store::Ended>, reason: EndReason) -> Result<bool, db::Error> {
    let Some(ended) = ended else { return Ok(false) };
    let (id, user) = (ended.id.to_string(), ended.user);
    if reason.is_from_elsewhere() {
        known_devices::forget(tx, user, ended.device)?;
    }
    remember_why(tx, &[ended], reason)?;
    let event = Event::about(user, "session.revoked").with("session", id).with("reason", reason.as_str());
    audit::record(tx, event)?;
    Ok(true)
}

fn remember_why(tx: &mut Tx<'_>, ended: &[store::Ended], reason: EndReason) -> Result<(), db::Error> {
    match reason {
        EndReason::SignedOut => Ok(()),
        _ => ended.chunks(BATCH).try_for_each(|batch| store::insert_ended(tx, batch, reason)),
    }
}

/// Why a browser that holds this portal token is not signed in. `None` for a token that was never ours, or whose
/// session ended too long ago.
pub async fn why_ended(app: &App, token: &Token) -> Result<Option<EndReason>, db::Error> {
    let digest = token.digest();
    let (rules, now) = (app.settings.session.clone(), app.clock.now());
    app.db
        .look_up(move |tx| match store::find_by_digest(tx, &digest)? {
            Some(found) => Ok(ran_out(&found.live, found.live.last_active_at, &rules, now).map(|end| match end {
                RanOut::Idle => EndReason::Idle(found.live.remember()),
                RanOut::TooOld => EndReason::TooOld(found.live.remember()),
            })),
            None => store::find_end(tx, &digest),
        })
        .await
}
