//! Signing in with address and password.
//!
//! An unknown address, a wrong password and a disabled account are one answer after the same work. The attempt
//! is counted before the hash is computed, for the account and for the network it comes from.

use chrono::TimeDelta;

use super::enter::{Entered, Held, enter};
use crate::accounts::{self, Credentials};
use crate::app::App;
use crate::audit::{self, Event};
use crate::crypto::{Busy, PasswordHash, Verdict};
use crate::db::{self, Tx};
use crate::kernel::{EmailAddress, Origin, Redacted};
use crate::sessions::{Method, Remember};
use crate::throttle::{self, Admission, Key};

#[derive(Debug)]
pub struct Attempt {
    pub email: EmailAddress,
    pub password: Redacted,
    pub remember: Remember,
    pub held: Held,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the address or the password is not right")]
    WrongCredentials,
    /// Too many attempts; the next one is looked at after this long.
    #[error("too many attempts")]
    TooMany(TimeDelta),
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Checks the password, and opens a session where nothing more is asked for.
pub async fn try_password(app: &App, origin: &Origin, attempt: Attempt) -> Result<Entered, Error> {
    let keys = Keys::of(app, origin, &attempt.email);
    let known = require_admission(app, origin, &attempt.email, keys).await?;
    let stored = known.as_ref().and_then(|credentials| credentials.password.clone());
    let checked = app.hasher.verify(attempt.password.clone(), stored).await;
    if checked.is_err() {
        // Nobody has looked at this guess: a crowd must not make the owner wait.
        app.db.write::<_, db::Error, _>(origin, move |tx| keys.take_back(tx)).await?;
    }
    let verdict = checked?;
    let stronger = match verdict {
        Verdict::RightButWeak => Some(app.hasher.hash(attempt.password.clone()).await?),
        Verdict::Right | Verdict::Wrong => None,
    };
    match known {
        Some(credentials) if verdict != Verdict::Wrong => {
            let app2 = app.clone();
            let accepted = Accepted { credentials, stronger, keys };
            let entered = app.db.write(origin, move |tx| let_in(tx, &app2, &attempt, &accepted)).await?;
            entered.ok_or(Error::WrongCredentials)
        }
        known => {
            app.db.write(origin, move |tx| remember_failure(tx, known.as_ref())).await?;
            Err(Error::WrongCredentials)
        }
    }
}

/// What this attempt is counted under.
#[derive(Clone, Copy)]
struct Keys {
    account: Key,
    network: Option<Key>,
}

impl Keys {
    fn of(app: &App, origin: &Origin, email: &EmailAddress) -> Self {
        let limits = &app.settings.limits;
        Self {
            account: Key::sign_in_to(email, limits.login_per_account),
            network: origin.address.map(|address| Key::sign_in_from(address, limits.login_per_network)),
        }
    }

    /// In the order of `require_admission`, here and below: two sign-ins at once must not wait for each other.
    fn take_back(&self, tx: &mut Tx<'_>) -> Result<(), db::Error> {
        self.network.iter().chain([&self.account]).try_for_each(|key| throttle::take_back(tx, key))
    }
}

/// A right password, before what was read is checked again under a lock.
struct Accepted {
    credentials: Credentials,
    stronger: Option<PasswordHash>,
    keys: Keys,
}

async fn require_admission(
    app: &App,
    origin: &Origin,
    email: &EmailAddress,
    keys: Keys,
) -> Result<Option<Credentials>, Error> {
    let email = email.clone();
    let admitted = app.db.write(origin, move |tx| {
        let counted: Vec<Key> = keys.network.into_iter().chain([keys.account]).collect();
        match throttle::admit(tx, &counted)? {
            Admission::Admitted => Ok::<_, db::Error>(Ok(accounts::find_credentials(tx, &email)?)),
            Admission::Wait(wait) => Ok(Err(wait)),
        }
    });
    admitted.await?.map_err(Error::TooMany)
}

/// `None` when the password was changed or the account disabled while the hash was computed.
fn let_in(tx: &mut Tx<'_>, app: &App, attempt: &Attempt, accepted: &Accepted) -> Result<Option<Entered>, db::Error> {
    let user = accepted.credentials.user;
    let now = accounts::lock_credentials(tx, user)?;
    let still_holds = now.is_some_and(|now| now.password == accepted.credentials.password && !now.is_disabled);
    if !still_holds {
        remember_failure(tx, Some(&accepted.credentials))?;
        return Ok(None);
    }
    if let Some(network) = &accepted.keys.network {
        throttle::take_back(tx, network)?;
    }
    if let Some(stronger) = &accepted.stronger {
        accounts::strengthen_hash(tx, user, stronger)?;
    }
    let entered = enter(tx, app, (user, Method::Password), attempt.remember, &attempt.held)?;
    match &entered {
        Entered::In(_) => throttle::forget(tx, &accepted.keys.account)?,
        // Until the second step is done, whoever knows the password may begin this often and no more.
        Entered::HalfIn(_) => {}
    }
    Ok(Some(entered))
}

/// Who it was that failed is only written down when it is somebody.
fn remember_failure(tx: &mut Tx<'_>, known: Option<&Credentials>) -> Result<(), db::Error> {
    let kind = "signin.failed";
    let event = known.map_or_else(|| Event::about_nobody(kind), |credentials| Event::about(credentials.user, kind));
    audit::record(tx, event)
}
