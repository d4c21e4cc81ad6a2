//! Signing in with a passkey and nothing else.
//!
//! The key has looked at who holds it, so it is two factors in one, and no other is asked for. Whose it is, it says
//! itself. A key that nobody knows, one that proves nothing and the key of a disabled account are one answer after the
//! same work. Nobody guesses a key: attempts are counted for the network they come from and not for the account, so a
//! stranger's failures make no owner wait; and in a browser that is known for the key's holder, for that browser alone.

use chrono::TimeDelta;

use super::enter::Held;
use super::provider_only::provider_instead;
use super::{Proved, finish};
use crate::accounts::{self, User};
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings::Limits;
use crate::db::{self, Tx};
use crate::domains::Provider;
use crate::factors;
use crate::factors::passkeys::{self, Answer, Asked, Use, Verdict};
use crate::kernel::{KnownDeviceId, Origin, UserId};
use crate::meters::Outcome;
use crate::sessions::{self, Method, Opened, Remember};
use crate::throttle::{self, Admission, Key};

#[derive(Debug)]
pub struct Attempt {
    pub answer: Answer,
    pub remember: Remember,
    pub held: Held,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there can be no passkeys here")]
    Impossible,
    #[error("the passkey is unknown, or has proved nothing")]
    Wrong,
    /// It is theirs, and it is right.
    #[error("people with this address sign in by their organization's provider")]
    ProviderOnly(Provider),
    #[error("the question was answered before, or too long ago")]
    Over,
    /// Too many attempts; the next one is looked at after this long.
    #[error("too many attempts")]
    TooMany(TimeDelta),
    #[error(transparent)]
    Factors(#[from] factors::Error),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// What any passkey of this service can answer.
pub async fn ask(app: &App, origin: &Origin) -> Result<Asked, Error> {
    let app2 = app.clone();
    let asked = app.db.write(origin, move |tx| passkeys::ask(tx, &app2, &Use::SignIn)).await?;
    asked.ok_or(Error::Impossible)
}

/// Checks the answer and opens a session.
pub async fn try_passkey(app: &App, origin: &Origin, attempt: Attempt) -> Result<Opened, Error> {
    let app2 = app.clone();
    // A refusal is counted and written down, and uses the question up: the transaction commits whatever comes of it.
    let settled = app.db.write(origin, move |tx| settle(tx, &app2, &attempt)).await;
    let opened = settled.and_then(|settled| {
        settled.map_err(|refusal| match refusal {
            Refusal::Wrong => Error::Wrong,
            Refusal::ProviderOnly(provider) => Error::ProviderOnly(provider),
            Refusal::Over => Error::Over,
            Refusal::Wait(wait) => Error::TooMany(wait),
        })
    });
    opened.inspect_err(|error| app.db.meters().attempted(Method::Passkey.as_str(), outcome(error)))
}

fn outcome(error: &Error) -> Outcome {
    match error {
        Error::Wrong | Error::ProviderOnly(_) | Error::Over | Error::Impossible => Outcome::Failure,
        Error::TooMany(_) => Outcome::Waits,
        Error::Factors(_) | Error::Db(_) => Outcome::Error,
    }
}

enum Refusal {
    Wrong,
    ProviderOnly(Provider),
    Over,
    Wait(TimeDelta),
}

fn settle(tx: &mut Tx<'_>, app: &App, attempt: &Attempt) -> Result<Result<Opened, Refusal>, Error> {
    let named = passkeys::holder_of(tx, &attempt.answer)?;
    let keys = Keys::of(tx, &app.settings.limits, named)?;
    if let Some(Admission::Wait(wait)) = keys.one().map(|key| throttle::admit(tx, &[key])).transpose()? {
        return Ok(Err(Refusal::Wait(wait)));
    }
    let holder = lock_holder(tx, named)?;
    match (passkeys::check(tx, app, &Use::SignIn, &attempt.answer)?, holder) {
        (Verdict::Right(proof), Holder::Open(user)) if proof.user == user.id => {
            if let Some(provider) = provider_instead(tx, user.id, Method::Passkey)? {
                remember_failure(tx, &Holder::Open(user))?;
                return Ok(Err(Refusal::ProviderOnly(provider)));
            }
            keys.forgive(tx, &app.settings.limits, &user)?;
            let_in(tx, app, attempt, &user).map(Ok)
        }
        (Verdict::Right(_) | Verdict::Wrong, holder) => {
            remember_failure(tx, &holder)?;
            Ok(Err(Refusal::Wrong))
        }
        (Verdict::Over, _) => Ok(Err(Refusal::Over)),
    }
}

/// What an attempt is counted under.
#[derive(Clone, Copy)]
enum Keys {
    /// The browser is known for whoever has the key that is named.
    KnownDevice(KnownDeviceId, Key),
    Stranger(Option<Key>),
}

impl Keys {
    fn of(tx: &mut Tx<'_>, limits: &Limits, named: Option<UserId>) -> Result<Self, db::Error> {
        let device = named.map(|user| sessions::recognise_person(tx, user)).transpose()?.flatten();
        if let Some(device) = device {
            return Ok(Self::KnownDevice(device, Key::passkey_on(device, limits.login_per_account)));
        }
        let network = tx.origin.address.map(|address| Key::sign_in_from(address, limits.login_per_network));
        Ok(Self::Stranger(network))
    }

    fn one(self) -> Option<Key> {
        match self {
            Self::KnownDevice(_, key) => Some(key),
            Self::Stranger(network) => network,
        }
    }

    /// Whoever has shown who they are starts afresh, with a password as well. The network may have failed for others.
    fn forgive(self, tx: &mut Tx<'_>, limits: &Limits, user: &User) -> Result<(), db::Error> {
        match self {
            Self::KnownDevice(device, key) => {
                throttle::forget(tx, &key)?;
                throttle::forget(tx, &Key::sign_in_on(device, limits.login_per_account))
            }
            Self::Stranger(network) => {
                network.iter().try_for_each(|key| throttle::take_back(tx, key))?;
                throttle::forget_sign_ins(tx, &user.email, limits.login_per_account)
            }
        }
    }
}

/// Whose key it may be.
enum Holder {
    Open(User),
    /// Nothing of theirs opens anything.
    Disabled(UserId),
    Unknown,
}

/// Before anything of theirs is looked at.
fn lock_holder(tx: &mut Tx<'_>, named: Option<UserId>) -> Result<Holder, db::Error> {
    let Some(user) = named else { return Ok(Holder::Unknown) };
    match accounts::lock_credentials(tx, user)? {
        Some(credentials) if credentials.is_disabled => Ok(Holder::Disabled(user)),
        Some(_) => Ok(accounts::find(tx, user)?.map_or(Holder::Unknown, Holder::Open)),
        None => Ok(Holder::Unknown),
    }
}

fn let_in(tx: &mut Tx<'_>, app: &App, attempt: &Attempt, user: &User) -> Result<Opened, Error> {
    if let Some(pending) = &attempt.held.pending {
        sessions::end_pending(tx, pending)?;
    }
    let proved = Proved { user: user.id, by: &[Method::Passkey], provided: None };
    Ok(finish(tx, app, proved, attempt.remember, attempt.held.session.as_ref())?)
}

/// Who it was that failed is only written down when it is somebody.
fn remember_failure(tx: &mut Tx<'_>, holder: &Holder) -> Result<(), db::Error> {
    let kind = "signin.failed";
    let event = match holder {
        Holder::Open(user) => Event::about(user.id, kind),
        Holder::Disabled(user) => Event::about(*user, kind),
        Holder::Unknown => Event::about_nobody(kind),
    };
    audit::record(tx, event.with("method", Method::Passkey.as_str()))
}
