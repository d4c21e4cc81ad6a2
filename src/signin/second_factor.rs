//! Signing in, the second step: a code of the authenticator app, or a recovery code.
//!
//! Only a browser that is half signed in gets here, so whoever tries knows the password. Wrong codes of an app wait
//! longer and longer for the account as a whole; they are six digits. Recovery codes are sixty bits, which nobody
//! guesses: they are counted by network only, so that a stranger who has the password and keeps guessing cannot keep
//! the owner out. In a browser that is known for the account both are counted for that browser alone.

use chrono::TimeDelta;

use super::{Proved, finish};
use crate::accounts::{self, User};
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings::Limits;
use crate::db::{self, Tx};
use crate::factors::totp::Verdict;
use crate::factors::{self, Holder, recovery, totp};
use crate::kernel::{EmailAddress, KnownDeviceId, Origin, Redacted, Token, UserId};
use crate::meters::Outcome;
use crate::sessions::{self, Method, Opened, Pending};
use crate::throttle::{self, Admission, Key};

/// Which kind of code somebody brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CodeKind {
    Totp,
    Recovery,
}

impl CodeKind {
    fn method(self) -> Method {
        match self {
            Self::Totp => Method::Totp,
            Self::Recovery => Method::RecoveryCode,
        }
    }
}

#[derive(Debug)]
pub struct Attempt {
    /// By which this browser is half signed in.
    pub pending: Token,
    pub kind: CodeKind,
    pub code: Redacted,
    /// The portal token this browser holds already; its session ends when the new one begins.
    pub previous: Option<Token>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first step was too long ago, was used, or has seen too many codes.
    #[error("there is no first step to go on from")]
    Over,
    #[error("the code is not right")]
    Wrong,
    /// Right, and taken before.
    #[error("the code was used before")]
    Used,
    /// Too many attempts; the next one is looked at after this long.
    #[error("too many attempts")]
    TooMany(TimeDelta),
    #[error(transparent)]
    Factors(#[from] factors::Error),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Whether a browser is half signed in, and what it may go on with.
pub async fn is_waiting(app: &App, pending: Token) -> Result<bool, db::Error> {
    Ok(app.db.look_up(move |tx| sessions::find_pending(tx, &pending)).await?.is_some())
}

/// Gives up the first step, so that this browser may begin anew as somebody else.
pub async fn leave(app: &App, origin: &Origin, pending: Token) -> Result<(), db::Error> {
    app.db.write(origin, move |tx| sessions::end_pending(tx, &pending)).await
}

/// Checks the code and opens a session.
pub async fn try_code(app: &App, origin: &Origin, attempt: Attempt) -> Result<Opened, Error> {
    let (app2, method) = (app.clone(), attempt.kind.method());
    // A refusal is counted and written down, so the transaction commits whatever the outcome is.
    let settled = app.db.write(origin, move |tx| settle(tx, &app2, &attempt)).await;
    let opened = settled.and_then(|settled| {
        settled.map_err(|refusal| match refusal {
            Refusal::Over => Error::Over,
            Refusal::Wrong => Error::Wrong,
            Refusal::Used => Error::Used,
            Refusal::Wait(wait) => Error::TooMany(wait),
        })
    });
    opened.inspect_err(|error| app.db.meters().attempted(method.as_str(), outcome(error)))
}

fn outcome(error: &Error) -> Outcome {
    match error {
        Error::Over | Error::Wrong | Error::Used => Outcome::Failure,
        Error::TooMany(_) => Outcome::Waits,
        Error::Factors(_) | Error::Db(_) => Outcome::Error,
    }
}

enum Refusal {
    Over,
    Wrong,
    Used,
    Wait(TimeDelta),
}

fn settle(tx: &mut Tx<'_>, app: &App, attempt: &Attempt) -> Result<Result<Opened, Refusal>, Error> {
    let Some(pending) = sessions::find_pending(tx, &attempt.pending)? else { return Ok(Err(Refusal::Over)) };
    let keys = Keys::of(tx, &app.settings.limits, attempt.kind, pending.user)?;
    if let Admission::Wait(wait) = throttle::admit(tx, &keys.all())? {
        return Ok(Err(Refusal::Wait(wait)));
    }
    // Two codes of one browser wait for each other, and a password that is being changed is waited for.
    let Some(user) = lock_enabled(tx, &pending)? else { return Ok(Err(Refusal::Over)) };
    if !sessions::count_try(tx, &attempt.pending)? {
        return Ok(Err(Refusal::Over));
    }
    match check(tx, app, attempt, &user)? {
        Verdict::Right => {}
        verdict @ (Verdict::Wrong | Verdict::Used) => {
            audit::record(tx, Event::about(user.id, "signin.failed").with("method", attempt.kind.method().as_str()))?;
            return Ok(Err(if verdict == Verdict::Used { Refusal::Used } else { Refusal::Wrong }));
        }
    }
    keys.forgive(tx)?;
    forgive_first_step(tx, keys, &app.settings.limits, &user.email)?;
    sessions::end_pending(tx, &attempt.pending)?;
    let by = [pending.by, attempt.kind.method()];
    let proved = Proved { user: user.id, by: &by };
    Ok(Ok(finish(tx, app, proved, pending.remember, attempt.previous.as_ref())?))
}

/// `None` when the account is gone or disabled.
fn lock_enabled(tx: &mut Tx<'_>, pending: &Pending) -> Result<Option<User>, db::Error> {
    match accounts::lock_credentials(tx, pending.user)? {
        Some(credentials) if !credentials.is_disabled => accounts::find(tx, pending.user),
        Some(_) | None => Ok(None),
    }
}

fn check(tx: &mut Tx<'_>, app: &App, attempt: &Attempt, user: &User) -> Result<Verdict, factors::Error> {
    match attempt.kind {
        CodeKind::Totp => totp::use_code(tx, &app.sealer, user.id, &attempt.code),
        CodeKind::Recovery => {
            let left = recovery::use_code(tx, &app.sealer, &Holder::from(user), &attempt.code)?;
            Ok(if left.is_some() { Verdict::Right } else { Verdict::Wrong })
        }
    }
}

/// What this attempt is counted under.
#[derive(Clone, Copy)]
enum Keys {
    /// The browser is known for the account.
    KnownDevice(KnownDeviceId, Key),
    Stranger {
        network: Option<Key>,
        account: Option<Key>,
    },
}

impl Keys {
    fn of(tx: &mut Tx<'_>, limits: &Limits, kind: CodeKind, user: UserId) -> Result<Self, db::Error> {
        let limit = limits.login_per_account;
        if let Some(device) = sessions::recognise_person(tx, user)? {
            let key = match kind {
                CodeKind::Totp => Key::code_on(device, limit),
                CodeKind::Recovery => Key::recovery_on(device, limit),
            };
            return Ok(Self::KnownDevice(device, key));
        }
        Ok(Self::Stranger {
            network: tx.origin.address.map(|address| Key::code_from(address, limits.login_per_network)),
            account: match kind {
                CodeKind::Totp => Some(Key::code_of(user, limit)),
                CodeKind::Recovery => None,
            },
        })
    }

    /// In this order everywhere: two attempts at once must not wait for each other.
    fn all(self) -> Vec<Key> {
        match self {
            Self::KnownDevice(_, key) => vec![key],
            Self::Stranger { network, account } => network.into_iter().chain(account).collect(),
        }
    }

    /// The code was right.
    fn forgive(self, tx: &mut Tx<'_>) -> Result<(), db::Error> {
        match self {
            Self::KnownDevice(_, key) => throttle::forget(tx, &key),
            Self::Stranger { network, account } => {
                network.iter().try_for_each(|network| throttle::take_back(tx, network))?;
                account.iter().try_for_each(|account| throttle::forget(tx, account))
            }
        }
    }
}

/// What it was counted under, as far as it was for this account.
fn forgive_first_step(tx: &mut Tx<'_>, keys: Keys, limits: &Limits, email: &EmailAddress) -> Result<(), db::Error> {
    let limit = limits.login_per_account;
    match keys {
        Keys::KnownDevice(device, _) => throttle::forget(tx, &Key::sign_in_on(device, limit)),
        Keys::Stranger { .. } => throttle::forget_sign_ins(tx, email, limit),
    }
}
