//! Choosing a new password while signed in.
//!
//! Whoever may have known the old one is out: every other session ends, and with it every link by which a new password
//! could be chosen. The session that it comes from goes on under another id and by other cookies. That its holder has
//! just proved who they are is for the caller to see to.

use super::{Name, magic_link, password, reset, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::crypto::PasswordHash;
use crate::db::{self, Tx};
use crate::factors::totp;
use crate::kernel::{Origin, Redacted, Token};
use crate::mail::{self, Letter};
use crate::sessions::{self, EndReason, Live, Opened};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The session is over, has another id by now, or its holder is disabled.
    #[error("the session has ended")]
    Ended,
    #[error(transparent)]
    Password(#[from] password::Refused),
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Mail(#[from] mail::Error),
}

/// The password is the new one from now on. `token` is the portal token of `session`, whose new cookies come back.
pub async fn change(
    app: &App,
    origin: &Origin,
    session: &Live,
    token: Token,
    new_password: &Redacted,
) -> Result<Opened, Error> {
    let name = Name::parse(&session.name).unwrap_or_default();
    let hash = password::choose(app, origin, new_password, &session.email, &name).await?;
    let (app2, session) = (app.clone(), session.clone());
    app.db.write(origin, move |tx| apply(tx, &app2, &session, &token, &hash)).await
}

fn apply(tx: &mut Tx<'_>, app: &App, session: &Live, token: &Token, hash: &PasswordHash) -> Result<Opened, Error> {
    let held = store::lock_credentials(tx, session.user)?.filter(|held| !held.is_disabled).ok_or(Error::Ended)?;
    totp::forget_set_up(tx, held.user)?;
    let opened = sessions::rotate(tx, &app.settings.session, token)?.ok_or(Error::Ended)?;
    store::set_password(tx, held.user, hash)?;
    if let Some(before) = &held.password {
        // Who signed up with the old one and follows the letter later must not bring it back.
        store::replace_in_links(tx, held.user, before, hash)?;
    }
    reset::end_links(tx, held.user)?;
    magic_link::end_links(tx, held.user)?;
    sessions::revoke_all(tx, held.user, Some(session.device), EndReason::PasswordChanged)?;
    audit::record(tx, Event::about(held.user, "password.changed"))?;
    tell_owner(tx, app, session)?;
    Ok(opened)
}

/// An address that nobody has proved may be a stranger's, who is not to get letters about it.
fn tell_owner(tx: &mut Tx<'_>, app: &App, session: &Live) -> Result<(), Error> {
    if let Some(owner) = store::find(tx, session.user)?.filter(super::User::is_verified) {
        mail::enqueue(tx, &app.sealer, &owner.email, Some(owner.id), Letter::PasswordChanged)?;
    }
    Ok(())
}
