//! Signing up.
//!
//! The answer is the same for a fresh and for a taken address, and so are the work, the time and the number
//! of letters: the holder of the mailbox is told which it was, nobody else. What a sign-up wants to set waits
//! on the mailed link, so a later sign-up with the same unverified address takes nothing from the first.

use super::{Name, User, change_email, password, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings::Signup;
use crate::crypto::PasswordHash;
use crate::db::{self, Tx};
use crate::domains::{self, Provider};
use crate::kernel::{EmailAddress, Origin, Redacted, Token, UserId};
use crate::mail::{self, Letter};
use crate::throttle::{self, Admission, Key};

/// What somebody filled in.
#[derive(Debug)]
pub struct SignUp {
    pub email: EmailAddress,
    pub password: Redacted,
    pub name: Name,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("new accounts are not being made here")]
    Closed,
    #[error("people with this address sign in by their organization's provider")]
    ProviderOnly(Provider),
    #[error(transparent)]
    Password(#[from] password::Refused),
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Mail(#[from] mail::Error),
}

/// Makes an account, or tells the holder of the mailbox that there is one.
///
/// Returns the token of a cookie by which this browser is known again when it follows the link.
pub async fn sign_up(app: &App, origin: &Origin, form: SignUp) -> Result<Token, Error> {
    if app.settings.accounts.signup != Signup::Open {
        return Err(Error::Closed);
    }
    let email = form.email.clone();
    // Before the work: whether there is an account makes no difference to it.
    if let Some(provider) = app.db.look_up(move |tx| domains::enforced(tx, &email)).await? {
        return Err(Error::ProviderOnly(provider));
    }
    let hash = password::choose(app, origin, &form.password, &form.email, &form.name).await?;
    let browser = Token::generate();
    let (app2, token) = (app.clone(), browser.clone());
    app.db.write(origin, move |tx| write_down(tx, &app2, &form, (&hash, &token))).await?;
    Ok(browser)
}

fn write_down(
    tx: &mut Tx<'_>,
    app: &App,
    form: &SignUp,
    (hash, browser): (&PasswordHash, &Token),
) -> Result<(), Error> {
    if let Some(provider) = domains::enforced(tx, &form.email)? {
        return Err(Error::ProviderOnly(provider));
    }
    let mail_limit = Key::mail_to(&form.email, app.settings.limits.mail_per_account);
    if throttle::admit(tx, &[mail_limit])? != Admission::Admitted {
        // The mailbox has had enough letters; the answer to the outside stays the same.
        return Ok(());
    }
    let (user, kind, found) = match claim(tx, form, hash)? {
        Claim::Made(user) => (user, "user.created", None),
        Claim::Held(holder) if holder.is_verified() => {
            (holder.id, "signup.repeated", Some((holder.email, Letter::AlreadyRegistered)))
        }
        Claim::Held(holder) => (holder.id, "signup.repeated", None),
        Claim::Kept(keeper) => (keeper, "signup.repeated", Some((form.email.clone(), Letter::AddressKept))),
    };
    audit::record(tx, Event::about(user, kind))?;
    if let Some((to, letter)) = found {
        mail::enqueue(tx, &app.sealer, &to, Some(user), letter)?;
        return Ok(());
    }
    let token = Token::generate();
    let link = store::NewLink {
        digest: token.digest(),
        user,
        email: form.email.clone(),
        expires_at: tx.now + app.settings.accounts.verification_ttl,
        sign_up: Some((browser.digest(), hash.clone(), form.name.clone())),
    };
    store::insert_link(tx, &link)?;
    mail::enqueue(tx, &app.sealer, &form.email, Some(user), Letter::VerifyEmail { token })?;
    Ok(())
}

/// Whose an address is.
enum Claim {
    /// Nobody's: there is an account now.
    Made(UserId),
    Held(User),
    /// Nobody's, but this person may go back to it.
    Kept(UserId),
}

fn claim(tx: &mut Tx<'_>, form: &SignUp, hash: &PasswordHash) -> Result<Claim, db::Error> {
    let new = UserId::new(tx.now);
    loop {
        if store::insert(tx, new, &form.email, &form.name, hash)? {
            let Some(keeper) = change_email::find_keeper(tx, &form.email)? else { return Ok(Claim::Made(new)) };
            store::delete(tx, new)?;
            return Ok(Claim::Kept(keeper));
        }
        // None when its holder has just left it: then it is free, or kept.
        if let Some(holder) = store::lock_by_key(tx, &form.email.key())? {
            return Ok(Claim::Held(holder));
        }
    }
}
