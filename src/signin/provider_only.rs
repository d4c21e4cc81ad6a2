//! Who may come in by a provider alone.
//!
//! Every way in asks before it lets anybody in, to say it well ([`provider_instead`]); and [`super::finish`] asks once
//! more, so that a way that forgets to is closed.

use super::Proved;
use crate::accounts;
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, ReadTx, Tx};
use crate::domains::{self, Provider};
use crate::kernel::UserId;
use crate::mail;
use crate::sessions::{Method, Provided};

/// By whom this person has to sign in instead, whose first proof was this one. For [`Method::Sso`] see
/// [`another_provider`].
pub(super) fn provider_instead(
    tx: &mut ReadTx<'_>,
    user: UserId,
    first: Method,
) -> Result<Option<Provider>, db::Error> {
    let Some(person) = accounts::find(tx, user)? else { return Ok(None) };
    match first {
        Method::Password => domains::enforced_on(tx, &person.email, user),
        Method::MagicLink | Method::Passkey | Method::Totp | Method::RecoveryCode => {
            domains::enforced(tx, &person.email)
        }
        // Whoever has the link runs the service.
        Method::SetupLink | Method::Sso => Ok(None),
    }
}

/// By whom this person has to sign in, who has come by the provider of another connection: one that they had connected
/// their account with before.
pub(super) fn another_provider(tx: &mut ReadTx<'_>, user: UserId, by: Provided) -> Result<Option<Provider>, db::Error> {
    let Some(person) = accounts::find(tx, user)? else { return Ok(None) };
    match domains::enforced(tx, &person.email)? {
        Some(provider) if domains::is_of(tx, by.session, provider.connection)? => Ok(None),
        provider => Ok(provider),
    }
}

/// Nobody gets in past the rule; who gets in by its exception is written down, and all owners are told.
pub(super) fn require_way(tx: &mut Tx<'_>, app: &App, proved: &Proved<'_>) -> Result<(), db::Error> {
    let Some(first) = proved.by.first().copied() else {
        return Err(db::Error::Internal("a session was about to be opened for nothing".to_owned()));
    };
    let instead = match proved.provided {
        Some(provided) => another_provider(tx, proved.user, provided)?,
        None => provider_instead(tx, proved.user, first)?,
    };
    if instead.is_some() {
        return Err(db::Error::Internal(format!("a way in by {} does not ask for the provider", first.as_str())));
    }
    if first == Method::Password { note_break_glass(tx, app, proved.user) } else { Ok(()) }
}

fn note_break_glass(tx: &mut Tx<'_>, app: &App, user: UserId) -> Result<(), db::Error> {
    let Some(person) = accounts::find(tx, user)? else { return Ok(()) };
    let Some(provider) = domains::enforced(tx, &person.email)? else { return Ok(()) };
    let event = Event::about(user, "sso.break_glass_used").within(provider.organization);
    audit::record(tx, event.with("connection", provider.connection.to_string()))?;
    match domains::tell_of_break_glass(tx, &app.sealer, &provider) {
        Ok(()) => Ok(()),
        Err(mail::Error::Db(error)) => Err(error),
        // No reason to keep them out.
        Err(mail::Error::Unsealable(error)) => {
            log::error!("letters about a sign-in without the provider could not be written: {error}");
            Ok(())
        }
    }
}
