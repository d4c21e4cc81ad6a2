//! Signing in, the second step: a code of the authenticator app, a passkey, or a recovery code.
//!
//! Only a browser that is half signed in gets here, so whoever tries knows the password or reads the letters. Wrong codes of an app wait
//! longer and longer for the account as a whole; they are six digits. Recovery codes are sixty bits and passkeys are
//! more, which nobody guesses: they are counted by network only, so that a stranger who has the password and keeps
//! guessing cannot keep the owner out. In a browser that is known for the account all are counted for that browser
//! alone.

use chrono::TimeDelta;

use super::enter::methods_after_the_first;
use super::provider_only::{another_provider, provider_instead};
use super::{Proved, finish};
use crate::accounts::{self, User};
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings::Limits;
use crate::db::{self, Tx};
use crate::domains::Provider;
use crate::factors::passkeys::{self, Answer, Asked, Use};
use crate::factors::{self, Holder, recovery, totp};
use crate::kernel::{EmailAddress, KnownDeviceId, Origin, Redacted, Token, UserId};
use crate::meters::Outcome;
use crate::sessions::{self, Method, Opened, Pending};
use crate::throttle::{self, Admission, Key};

/// What somebody shows after the first proof.
#[derive(Debug)]
pub enum Proof {
    /// A code of their authenticator app.
    Totp(Redacted),
    RecoveryCode(Redacted),
    /// The answer to what [`ask`] has put to their browser.
    Passkey(Answer),
}

impl Proof {
    fn method(&self) -> Method {
        match self {
            Self::Totp(_) => Method::Totp,
            Self::RecoveryCode(_) => Method::RecoveryCode,
            Self::Passkey(_) => Method::Passkey,
        }
    }
}

#[derive(Debug)]
pub struct Attempt {
    /// By which this browser is half signed in.
    pub pending: Token,
    pub proof: Proof,
    /// The portal token this browser holds already; its session ends when the new one begins.
    pub previous: Option<Token>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first step was too long ago, was used, or has seen too many codes.
    #[error("there is no first step to go on from")]
    Over,
    /// Another one may be.
    #[error("the proof is not right")]
    Wrong(Method),
    /// Right, and taken before.
    #[error("the code was used before")]
    Used,
    /// What a passkey was asked, it was asked too long ago, or has answered before.
    #[error("the question was answered before, or too long ago")]
    TooLate,
    /// Since they gave the first proof.
    #[error("people with this address sign in by their organization's provider")]
    ProviderOnly(Provider),
    #[error("the person has no passkey")]
    NoPasskey,
    /// Too many attempts; the next one is looked at after this long.
    #[error("too many attempts")]
    TooMany(TimeDelta),
    #[error(transparent)]
    Factors(#[from] factors::Error),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// What a browser that is half signed in may go on with; `None` when it is not.
pub async fn find_methods(app: &App, pending: Token) -> Result<Option<Vec<Method>>, db::Error> {
    let found = app.db.read(move |tx| {
        let Some(pending) = sessions::find_pending(tx, &pending)? else { return Ok(None) };
        factors::list(tx, pending.user).map(Some)
    });
    Ok(found.await?.as_ref().map(methods_after_the_first))
}

/// Puts a question to the passkeys of whoever is half signed in.
pub async fn ask(app: &App, origin: &Origin, pending: Token) -> Result<Asked, Error> {
    let app2 = app.clone();
    let work = move |tx: &mut Tx<'_>| {
        let user = sessions::find_pending(tx, &pending)?.ok_or(Error::Over)?.user;
        let purpose = Use::SecondFactor { user, pending: pending.digest() };
        passkeys::ask(tx, &app2, &purpose)?.ok_or(Error::NoPasskey)
    };
    app.db.write(origin, work).await
}

/// Gives up the first step, so that this browser may begin anew as somebody else.
pub async fn leave(app: &App, origin: &Origin, pending: Token) -> Result<(), db::Error> {
    app.db.write(origin, move |tx| sessions::end_pending(tx, &pending)).await
}

/// Checks the proof and opens a session.
pub async fn try_proof(app: &App, origin: &Origin, attempt: Attempt) -> Result<Opened, Error> {
    let (app2, method) = (app.clone(), attempt.proof.method());
    // A refusal is counted and written down, so the transaction commits whatever the outcome is.
    let settled = app.db.write(origin, move |tx| settle(tx, &app2, &attempt)).await;
    let opened = settled.and_then(|settled| {
        settled.map_err(|refusal| match refusal {
            Refusal::Over => Error::Over,
            Refusal::ProviderOnly(provider) => Error::ProviderOnly(provider),
            Refusal::Wrong => Error::Wrong(method),
            Refusal::Used => Error::Used,
            Refusal::TooLate => Error::TooLate,
            Refusal::Wait(wait) => Error::TooMany(wait),
        })
    });
    opened.inspect_err(|error| app.db.meters().attempted(method.as_str(), outcome(error)))
}

fn outcome(error: &Error) -> Outcome {
    match error {
        Error::Over | Error::Wrong(_) | Error::Used | Error::TooLate | Error::NoPasskey | Error::ProviderOnly(_) => {
            Outcome::Failure
        }
        Error::TooMany(_) => Outcome::Waits,
        Error::Factors(_) | Error::Db(_) => Outcome::Error,
    }
}

enum Refusal {
    Over,
    ProviderOnly(Provider),
    Wrong,
    Used,
    TooLate,
    Wait(TimeDelta),
}

fn settle(tx: &mut Tx<'_>, app: &App, attempt: &Attempt) -> Result<Result<Opened, Refusal>, Error> {
    let Some(pending) = sessions::find_pending(tx, &attempt.pending)? else { return Ok(Err(Refusal::Over)) };
    let keys = Keys::of(tx, &app.settings.limits, &attempt.proof, pending.user)?;
    if let Admission::Wait(wait) = throttle::admit(tx, &keys.all())? {
        return Ok(Err(Refusal::Wait(wait)));
    }
    // Two proofs of one browser wait for each other, and a password that is being changed is waited for.
    let Some(user) = lock_enabled(tx, &pending)? else { return Ok(Err(Refusal::Over)) };
    let instead = match pending.provided {
        Some(provided) => another_provider(tx, user.id, provided)?,
        None => provider_instead(tx, user.id, pending.by)?,
    };
    if let Some(provider) = instead {
        sessions::end_pending(tx, &attempt.pending)?;
        return Ok(Err(Refusal::ProviderOnly(provider)));
    }
    if !sessions::count_try(tx, &attempt.pending)? {
        return Ok(Err(Refusal::Over));
    }
    if let Some(refusal) = check(tx, app, attempt, &user)? {
        let event = Event::about(user.id, "signin.failed");
        audit::record(tx, event.with("method", attempt.proof.method().as_str()))?;
        return Ok(Err(refusal));
    }
    keys.forgive(tx)?;
    forgive_first_step(tx, keys, &app.settings.limits, &user.email)?;
    sessions::end_pending(tx, &attempt.pending)?;
    let by = [pending.by, attempt.proof.method()];
    let proved = Proved { user: user.id, by: &by, provided: pending.provided };
    Ok(Ok(finish(tx, app, proved, pending.remember, attempt.previous.as_ref())?))
}

/// `None` when the account is gone or disabled.
fn lock_enabled(tx: &mut Tx<'_>, pending: &Pending) -> Result<Option<User>, db::Error> {
    match accounts::lock_credentials(tx, pending.user)? {
        Some(credentials) if !credentials.is_disabled => accounts::find(tx, pending.user),
        Some(_) | None => Ok(None),
    }
}

/// `None` when it is right.
fn check(tx: &mut Tx<'_>, app: &App, attempt: &Attempt, user: &User) -> Result<Option<Refusal>, factors::Error> {
    Ok(match &attempt.proof {
        Proof::Totp(code) => match totp::use_code(tx, &app.sealer, user.id, code)? {
            totp::Verdict::Right => None,
            totp::Verdict::Wrong => Some(Refusal::Wrong),
            totp::Verdict::Used => Some(Refusal::Used),
        },
        Proof::RecoveryCode(code) => match recovery::use_code(tx, &app.sealer, &Holder::from(user), code)? {
            Some(_) => None,
            None => Some(Refusal::Wrong),
        },
        Proof::Passkey(answer) => {
            let purpose = Use::SecondFactor { user: user.id, pending: attempt.pending.digest() };
            match passkeys::check(tx, app, &purpose, answer)? {
                passkeys::Verdict::Right(_) => None,
                passkeys::Verdict::Wrong => Some(Refusal::Wrong),
                passkeys::Verdict::Over => Some(Refusal::TooLate),
            }
        }
    })
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
    fn of(tx: &mut Tx<'_>, limits: &Limits, proof: &Proof, user: UserId) -> Result<Self, db::Error> {
        let limit = limits.login_per_account;
        if let Some(device) = sessions::recognise_person(tx, user)? {
            let key = match proof {
                Proof::Totp(_) => Key::code_on(device, limit),
                Proof::RecoveryCode(_) => Key::recovery_on(device, limit),
                Proof::Passkey(_) => Key::passkey_on(device, limit),
            };
            return Ok(Self::KnownDevice(device, key));
        }
        Ok(Self::Stranger {
            network: tx.origin.address.map(|address| Key::code_from(address, limits.login_per_network)),
            account: match proof {
                Proof::Totp(_) => Some(Key::code_of(user, limit)),
                Proof::RecoveryCode(_) | Proof::Passkey(_) => None,
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

    /// The proof was right.
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
