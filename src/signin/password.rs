//! Signing in with address and password.
//!
//! An unknown address, a wrong password and a disabled account are one answer after the same work. The attempt
//! is counted before the hash is computed: for the account and for the network it comes from, or, in a browser that is
//! known for the account, for that browser alone.

use chrono::TimeDelta;

use super::enter::{Entered, Held, enter};
use crate::accounts::{self, Credentials};
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings::Limits;
use crate::crypto::{Busy, PasswordHash, Verdict};
use crate::db::{self, Tx};
use crate::kernel::{EmailAddress, Origin, Redacted};
use crate::sessions::{self, Method, Remember};
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
    let (known, keys) = require_admission(app, origin, &attempt.email).await?;
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
enum Keys {
    /// The browser is known for the account: others' failures do not count here, nor do these elsewhere.
    KnownDevice(Key),
    Stranger {
        network: Option<Key>,
        account: Key,
    },
}

impl Keys {
    fn of(tx: &mut Tx<'_>, limits: &Limits, email: &EmailAddress) -> Result<Self, db::Error> {
        if let Some(device) = sessions::recognise(tx, email)? {
            return Ok(Self::KnownDevice(Key::sign_in_on(device, limits.login_per_account)));
        }
        let network = tx.origin.address.map(|address| Key::sign_in_from(address, limits.login_per_network));
        Ok(Self::Stranger { network, account: Key::sign_in_to(email, limits.login_per_account) })
    }

    /// In this order everywhere: two sign-ins at once must not wait for each other.
    fn all(self) -> Vec<Key> {
        match self {
            Self::KnownDevice(device) => vec![device],
            Self::Stranger { network, account } => network.into_iter().chain([account]).collect(),
        }
    }

    fn take_back(self, tx: &mut Tx<'_>) -> Result<(), db::Error> {
        self.all().iter().try_for_each(|key| throttle::take_back(tx, key))
    }

    /// The password was right. The network may have failed for others as well.
    fn forgive_network(self, tx: &mut Tx<'_>) -> Result<(), db::Error> {
        match self {
            Self::KnownDevice(_) | Self::Stranger { network: None, .. } => Ok(()),
            Self::Stranger { network: Some(network), .. } => throttle::take_back(tx, &network),
        }
    }

    /// Nothing more was asked for.
    fn forgive(self, tx: &mut Tx<'_>) -> Result<(), db::Error> {
        match self {
            Self::KnownDevice(key) | Self::Stranger { account: key, .. } => throttle::forget(tx, &key),
        }
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
) -> Result<(Option<Credentials>, Keys), Error> {
    let (email, limits) = (email.clone(), app.settings.limits.clone());
    let admitted = app.db.write(origin, move |tx| {
        let keys = Keys::of(tx, &limits, &email)?;
        match throttle::admit(tx, &keys.all())? {
            Admission::Admitted => Ok::<_, db::Error>(Ok((accounts::find_credentials(tx, &email)?, keys))),
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
    accepted.keys.forgive_network(tx)?;
    if let Some(stronger) = &accepted.stronger {
        accounts::strengthen_hash(tx, user, stronger)?;
    }
    let entered = enter(tx, app, (user, Method::Password), attempt.remember, &attempt.held)?;
    match &entered {
        Entered::In(_) => accepted.keys.forgive(tx)?,
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
