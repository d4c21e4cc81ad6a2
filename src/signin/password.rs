//! Signing in with address and password.
//!
//! An unknown address, a wrong password and a disabled account are one answer after the same work. The attempt
//! is counted before the hash is computed: for the account, for the network it comes from, and for both together; or, in
//! a browser that is known for the account, for that browser alone.
//!
//! **Strangers' failures** make the account wait, and yet somebody with a second factor is not stopped by them. While it
//! waits, an attempt from a network that does not wait itself is looked at if the account has a second factor: a right
//! password leads to the second step, and anything else gets the answer that everybody gets, after the same work. So
//! those without the password learn neither that there is a second factor nor that there is an account. The price: with
//! many networks the password of such an account can be tried more often, as often as each of them may. It is not enough
//! to get in.
//!
//! **Where a provider is the only way** everybody is told so after the same work, whatever the password is and whether or
//! not there is an account; but for those who were named for the case that it is out of order, with the right password.

mod keys;

use std::sync::Arc;

use chrono::TimeDelta;

use super::enter::{Entered, First, Held, enter};
use super::provider_only::provider_instead;
use crate::accounts::{self, Credentials};
use crate::app::App;
use crate::audit::{self, Event};
use crate::crypto::{Busy, PasswordHash, Verdict};
use crate::db::{self, Tx};
use crate::domains::{self, Provider};
use crate::factors;
use crate::kernel::{EmailAddress, Origin, Redacted, UserId};
use crate::meters::Outcome;
use crate::sessions::{Method, Remember};
use keys::Counted;

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
    /// Whatever the password is, and whether or not there is an account.
    #[error("people with this address sign in by their organization's provider")]
    ProviderOnly(Provider),
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Checks the password, and opens a session where nothing more is asked for.
pub async fn try_password(app: &App, origin: &Origin, attempt: Attempt) -> Result<Entered, Error> {
    let entered = look_at(app, origin, attempt).await;
    entered.inspect_err(|error| app.db.meters().attempted(Method::Password.as_str(), outcome(error)))
}

fn outcome(error: &Error) -> Outcome {
    match error {
        Error::WrongCredentials | Error::ProviderOnly(_) => Outcome::Failure,
        Error::TooMany(_) => Outcome::Waits,
        Error::Busy(_) | Error::Db(_) => Outcome::Error,
    }
}

async fn look_at(app: &App, origin: &Origin, attempt: Attempt) -> Result<Entered, Error> {
    let Admitted { known, counted, provider } = require_admission(app, origin, &attempt.email).await?;
    let attempt = Arc::new(attempt);
    let looked = look_once(app, origin, (&attempt, counted), known).await?;
    let looked = match looked {
        // Once more, against what is there now; who changed the password meanwhile is not let in by the old one.
        Looked::HashedAnew(now) => look_once(app, origin, (&attempt, counted), Some(now)).await?,
        Looked::LetIn(_) | Looked::Refused | Looked::ProviderOnly(_) => looked,
    };
    match looked {
        Looked::LetIn(entered) => Ok(entered),
        Looked::ProviderOnly(provider) => Err(Error::ProviderOnly(provider)),
        Looked::Refused | Looked::HashedAnew(_) => Err(provider.map_or_else(|| refusal(counted), Error::ProviderOnly)),
    }
}

enum Looked {
    LetIn(Entered),
    Refused,
    /// Since a moment ago.
    ProviderOnly(Provider),
    /// The same person has signed in elsewhere in this very moment, and their hash was replaced by one of today.
    HashedAnew(Credentials),
}

async fn look_once(
    app: &App,
    origin: &Origin,
    (attempt, counted): (&Arc<Attempt>, Counted),
    known: Option<Credentials>,
) -> Result<Looked, Error> {
    let stored = known.as_ref().and_then(|credentials| credentials.password.clone());
    let checked = app.hasher.verify(attempt.password.clone(), stored).await;
    if checked.is_err() {
        // Nobody has looked at this guess: a crowd must not make the owner wait.
        app.db.write::<_, db::Error, _>(origin, move |tx| counted.take_back(tx)).await?;
    }
    let verdict = checked?;
    let renewed = match verdict {
        Verdict::RightButDated => Some(app.hasher.hash(attempt.password.clone()).await?),
        Verdict::Right | Verdict::Wrong => None,
    };
    match known {
        Some(credentials) if verdict != Verdict::Wrong => {
            let (app2, attempt) = (app.clone(), Arc::clone(attempt));
            let accepted = Accepted { credentials, renewed, counted };
            app.db.write(origin, move |tx| let_in(tx, &app2, &attempt, &accepted)).await
        }
        known => {
            app.db.write(origin, move |tx| remember_failure(tx, known.as_ref())).await?;
            Ok(Looked::Refused)
        }
    }
}

/// Whoever may come in with a second factor only is told what everybody else is told.
fn refusal(counted: Counted) -> Error {
    match counted {
        Counted::KnownDevice(_) | Counted::Stranger { .. } => Error::WrongCredentials,
        Counted::OnlyWithSecondFactor { wait, .. } => Error::TooMany(wait),
    }
}

/// A right password, before what was read is checked again under a lock.
struct Accepted {
    credentials: Credentials,
    /// In place of one of another system, or of ours with other parameters.
    renewed: Option<PasswordHash>,
    counted: Counted,
}

struct Admitted {
    known: Option<Credentials>,
    counted: Counted,
    /// By whom people with this address sign in, where there is no other way for them.
    provider: Option<Provider>,
}

/// With what the password is to be checked against, which is nothing where it would be of no use.
async fn require_admission(app: &App, origin: &Origin, email: &EmailAddress) -> Result<Admitted, Error> {
    let (email, limits) = (email.clone(), app.settings.limits.clone());
    let admitted = app.db.write(origin, move |tx| {
        let counted = match keys::count(tx, &limits, &email)? {
            Ok(counted) => counted,
            Err(wait) => return Ok(Err(wait)),
        };
        let known = accounts::find_credentials(tx, &email)?;
        let known = match counted {
            Counted::KnownDevice(_) | Counted::Stranger { .. } => known,
            Counted::OnlyWithSecondFactor { .. } => only_if_protected(tx, known)?,
        };
        let provider = domains::enforced(tx, &email)?;
        let known = if provider.is_some() { only_if_exempt(tx, &email, known)? } else { known };
        Ok::<_, db::Error>(Ok(Admitted { known, counted, provider }))
    });
    admitted.await?.map_err(Error::TooMany)
}

fn only_if_protected(tx: &mut Tx<'_>, known: Option<Credentials>) -> Result<Option<Credentials>, db::Error> {
    // Asked for nobody as well, so that it takes as long.
    let user = known.as_ref().map_or_else(|| UserId::new(tx.now), |known| known.user);
    let is_protected = factors::list(tx, user)?.are_asked_for();
    Ok(known.filter(|_| is_protected))
}

/// Of the people of a domain that has a provider and nothing else, those who were named for when it is out of order.
fn only_if_exempt(
    tx: &mut Tx<'_>,
    email: &EmailAddress,
    known: Option<Credentials>,
) -> Result<Option<Credentials>, db::Error> {
    // Asked for nobody as well, so that it takes as long.
    let user = known.as_ref().map_or_else(|| UserId::new(tx.now), |known| known.user);
    let is_exempt = domains::enforced_on(tx, email, user)?.is_none();
    Ok(known.filter(|_| is_exempt))
}

/// Nobody is let in when the password was changed or the account disabled while the hash was computed.
fn let_in(tx: &mut Tx<'_>, app: &App, attempt: &Attempt, accepted: &Accepted) -> Result<Looked, Error> {
    let user = accepted.credentials.user;
    accepted.counted.hold_network(tx)?;
    let now = accounts::lock_credentials(tx, user)?.filter(|now| !now.is_disabled);
    match now {
        Some(now) if now.password == accepted.credentials.password => {}
        Some(now) if accepted.renewed.is_some() => return Ok(Looked::HashedAnew(now)),
        Some(_) | None => {
            remember_failure(tx, Some(&accepted.credentials))?;
            return Ok(Looked::Refused);
        }
    }
    if let Some(provider) = provider_instead(tx, user, Method::Password)? {
        return Ok(Looked::ProviderOnly(provider));
    }
    accepted.counted.forgive_network(tx)?;
    if let Some(renewed) = &accepted.renewed {
        accounts::renew_hash(tx, user, renewed)?;
    }
    let entered = enter(tx, app, First::new(user, Method::Password), attempt.remember, &attempt.held)?;
    match (&entered, accepted.counted) {
        // The second factor was taken away a moment ago; what was written is rolled back.
        (Entered::In(_), Counted::OnlyWithSecondFactor { wait, .. }) => return Err(Error::TooMany(wait)),
        (Entered::In(_), counted) => counted.forgive(tx)?,
        // Until the second step is done, whoever knows the password may begin this often and no more.
        (Entered::HalfIn(_), _) => {}
    }
    Ok(Looked::LetIn(entered))
}

/// Who it was that failed is only written down when it is somebody.
fn remember_failure(tx: &mut Tx<'_>, known: Option<&Credentials>) -> Result<(), db::Error> {
    let kind = "signin.failed";
    let event = known.map_or_else(|| Event::about_nobody(kind), |credentials| Event::about(credentials.user, kind));
    audit::record(tx, event)
}
