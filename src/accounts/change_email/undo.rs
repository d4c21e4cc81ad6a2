use chrono::{DateTime, TimeDelta, Utc};

use super::{Error, end_links, put, store};
use crate::accounts::{User, deletion, reset, store as users};
use crate::api_keys;
use crate::app::App;
use crate::audit::{self, Event};
use crate::crypto::PasswordHash;
use crate::db::{self, ReadTx, Tx};
use crate::factors::{self, Removed};
use crate::kernel::{Digest, EmailAddress, Origin, Redacted, Token, UserId};
use crate::mail::{self, Letter};
use crate::sessions::{self, EndReason};
use crate::throttle::{self, Key};

/// Whoever takes an account may first make a way of their own into it, and then change its address. So what was added
/// this long before the change goes as well.
const DOUBTED_FOR: TimeDelta = TimeDelta::hours(72);

/// Among what was removed: that providers of organizations open the account.
const PROVIDERS: &str = "identity_providers";

/// An address that can be had back, and the change that it was left by.
#[derive(Clone, Debug)]
pub(super) struct WayBack {
    pub user: UserId,
    pub number: i64,
    pub email: EmailAddress,
    pub left_at: DateTime<Utc>,
}

/// What the way back has led to.
#[derive(Debug)]
pub struct Undone {
    pub email: EmailAddress,
    pub next: Next,
}

/// How its owner gets in.
#[derive(Debug)]
pub enum Next {
    /// By a link of [`reset`], which only they have: nobody knows the password of the account any more.
    ChoosePassword(Token),
    /// As before: by the passkeys that they had long before the change, and no password.
    SignIn,
}

/// Which address a link brings back; `None` when it is unknown, used or expired. Looking uses nothing up.
pub fn look_at(tx: &mut ReadTx<'_>, token: &Token) -> Result<Option<EmailAddress>, db::Error> {
    Ok(store::find(tx, &token.digest())?.map(|way_back| way_back.email))
}

/// Uses the link. The account has the old address again, as proved as it was, and everything ends that somebody else may
/// have got hold of: sessions, API keys, links, later ways back, the password, and what was
/// added to sign in with.
pub async fn undo(app: &App, origin: &Origin, token: Token) -> Result<Undone, Error> {
    let digest = token.digest();
    app.db.read(move |tx| store::find(tx, &digest)).await?.ok_or(Error::Gone)?;
    // Not none at all: that is for people who have chosen to do without.
    let unknown = app.hasher.hash(Redacted::new(Token::generate().expose())).await?;
    let app2 = app.clone();
    app.db.write(origin, move |tx| use_up(tx, &app2, &digest, &unknown)).await
}

fn use_up(tx: &mut Tx<'_>, app: &App, digest: &Digest, unknown: &PasswordHash) -> Result<Undone, Error> {
    let known = store::find(tx, digest)?.ok_or(Error::Gone)?;
    // A change waits for this, or is waited for and taken back. One link twice: the second finds nothing left.
    let held = users::lock_credentials(tx, known.user)?.ok_or(Error::Gone)?;
    let way_back = store::find(tx, digest)?.ok_or(Error::Gone)?;
    let (user, now) = (way_back.user, tx.now);
    put(tx, user, &way_back.email, Some(now))?;
    store::delete_from(tx, &way_back)?;
    end_links(tx, user)?;
    if held.password.is_some() {
        users::set_password(tx, user, unknown)?;
    }
    let removed = factors::forget_since(tx, user, way_back.left_at - DOUBTED_FOR)?;
    let was_connected = users::forget_identities(tx, user, Some(way_back.left_at - DOUBTED_FOR))?;
    api_keys::revoke_all(tx, user)?;
    sessions::revoke_all(tx, user, None, EndReason::EmailRestored)?;
    sessions::forget_places(tx, user)?;
    deletion::call_off(tx, user)?;
    throttle::forget(tx, &Key::sign_in_to(&way_back.email, app.settings.limits.login_per_account))?;
    let mut words: Vec<&'static str> = removed.into_iter().map(Removed::as_str).collect();
    words.extend(was_connected.then_some(PROVIDERS));
    audit::record(tx, Event::about(user, "email.restored").with("by", "owner").with("removed", words.clone()))?;
    let owner = users::find(tx, user)?.ok_or(Error::Gone)?;
    tell_owner(tx, app, &owner, words)?;
    let has_chosen_passkeys = held.password.is_none() && factors::list(tx, user)?.passkeys > 0;
    let next =
        if has_chosen_passkeys { Next::SignIn } else { Next::ChoosePassword(reset::issue_link(tx, app, &owner)?) };
    Ok(Undone { next, email: owner.email })
}

fn tell_owner(tx: &mut Tx<'_>, app: &App, owner: &User, removed: Vec<&'static str>) -> Result<(), Error> {
    mail::enqueue(tx, &app.sealer, &owner.email, Some(owner.id), Letter::EmailRestored { removed })?;
    Ok(())
}
