//! The flow: count the attempt, check the proof, and write down that it is them.

use chrono::TimeDelta;

use super::{Way, methods, provider_of};
use crate::accounts::{self, Credentials};
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings::Limits;
use crate::crypto::{Busy, PasswordHash, Verdict};
use crate::db::{self, Tx};
use crate::domains::Provider;
use crate::factors::passkeys::{self, Answer, Asked, Use};
use crate::factors::{self, totp};
use crate::kernel::{Origin, Redacted};
use crate::sessions::{self, Live};
use crate::throttle::{self, Admission, Key};

/// What somebody shows for it.
#[derive(Debug)]
pub enum Proof {
    Password(Redacted),
    /// Of their authenticator app.
    Code(Redacted),
    /// The answer to what [`ask`] has put to their browser.
    Passkey(Answer),
}

impl Proof {
    fn way(&self) -> Way {
        match self {
            Self::Password(_) => Way::Password,
            Self::Code(_) => Way::Totp,
            Self::Passkey(_) => Way::Passkey,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the proof is not right")]
    Wrong(Way),
    /// This person has no such thing; what they do have instead, which may be nothing.
    #[error("the person cannot confirm in this way")]
    NotTheirs(Way, Vec<Way>),
    /// Their password counts for nothing.
    #[error("people with this address sign in by their organization's provider")]
    ProviderOnly(Provider),
    /// What a passkey was asked, it was asked too long ago, or has answered before.
    #[error("the question was answered before, or too long ago")]
    TooLate,
    /// Too many attempts; the next one is looked at after this long.
    #[error("too many attempts")]
    TooMany(TimeDelta),
    /// The session is over, or its holder disabled.
    #[error("the session has ended")]
    Ended,
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Factors(#[from] factors::Error),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Puts a question to the passkeys of somebody who is signed in.
pub async fn ask(app: &App, origin: &Origin, session: &Live) -> Result<Asked, Error> {
    let (app2, live, purpose) = (app.clone(), session.clone(), purpose(session));
    let work = move |tx: &mut Tx<'_>| match passkeys::ask(tx, &app2, &purpose)? {
        Some(asked) => Ok(asked),
        None => Err(Error::NotTheirs(Way::Passkey, methods(tx, &live)?)),
    };
    app.db.write(origin, work).await
}

/// An answer counts in the browser that was asked, also when its session has got another id meanwhile.
fn purpose(session: &Live) -> Use {
    Use::Confirmation { user: session.user, device: session.device }
}

/// Checks the proof; if it is right, the session's confirmation begins now.
pub async fn confirm(app: &App, origin: &Origin, session: &Live, proof: Proof) -> Result<(), Error> {
    let attempt = Attempt { session: session.clone(), way: proof.way(), limits: app.settings.limits.clone() };
    match proof {
        Proof::Password(password) => by_password(app, origin, attempt, password).await,
        Proof::Code(code) => by_code(app, origin, attempt, code).await,
        Proof::Passkey(answer) => by_passkey(app, origin, attempt, answer).await,
    }
}

async fn by_password(app: &App, origin: &Origin, attempt: Attempt, password: Redacted) -> Result<(), Error> {
    let work = move |tx: &mut Tx<'_>| require_admission(tx, &attempt).map(|admitted| (attempt, admitted));
    let (attempt, Admitted { credentials, keys }) = app.db.write(origin, work).await?;
    let checked = app.hasher.verify(password.clone(), credentials.password.clone()).await;
    if checked.is_err() {
        // Nobody has looked at this guess.
        app.db.write::<_, db::Error, _>(origin, move |tx| keys.take_back(tx)).await?;
    }
    let verdict = checked?;
    let renewed = match verdict {
        // For somebody who came in without the password, by a mailed link.
        Verdict::RightButDated => Some(app.hasher.hash(password).await?),
        Verdict::Right | Verdict::Wrong => None,
    };
    let work = move |tx: &mut Tx<'_>| match verdict {
        Verdict::Right | Verdict::RightButDated => {
            accept_password(tx, (&attempt, keys), (&credentials, renewed.as_ref()))
        }
        Verdict::Wrong => refuse(tx, &attempt),
    };
    app.db.write(origin, work).await?.map_err(Error::Wrong)
}

/// All in one transaction: checking a code is quick. What it uses up is not used up when the session has ended.
async fn by_code(app: &App, origin: &Origin, attempt: Attempt, code: Redacted) -> Result<(), Error> {
    let sealer = app.sealer.clone();
    let work = move |tx: &mut Tx<'_>| {
        let Admitted { keys, .. } = require_admission(tx, &attempt)?;
        require_open(tx, &attempt)?;
        match totp::use_code(tx, &sealer, attempt.session.user, &code)? {
            totp::Verdict::Right => accept(tx, &attempt, keys).map(Ok),
            totp::Verdict::Wrong | totp::Verdict::Used => refuse(tx, &attempt),
        }
    };
    app.db.write(origin, work).await?.map_err(Error::Wrong)
}

/// The same. Whatever the answer was, the question is used up.
async fn by_passkey(app: &App, origin: &Origin, attempt: Attempt, answer: Answer) -> Result<(), Error> {
    let app2 = app.clone();
    let work = move |tx: &mut Tx<'_>| {
        let Admitted { keys, .. } = require_admission(tx, &attempt)?;
        require_open(tx, &attempt)?;
        Ok::<_, Error>(match passkeys::check(tx, &app2, &purpose(&attempt.session), &answer)? {
            passkeys::Verdict::Right(_) => Ok(accept(tx, &attempt, keys)?),
            passkeys::Verdict::Wrong => refuse(tx, &attempt)?.map_err(Error::Wrong),
            passkeys::Verdict::Over => Err(Error::TooLate),
        })
    };
    app.db.write(origin, work).await?
}

/// Holds the account, which is not disabled, until the transaction ends.
fn require_open(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<Credentials, Error> {
    let now = accounts::lock_credentials(tx, attempt.session.user)?;
    now.filter(|now| !now.is_disabled).ok_or(Error::Ended)
}

struct Attempt {
    session: Live,
    way: Way,
    limits: Limits,
}

/// An attempt that is counted and may be looked at.
struct Admitted {
    credentials: Credentials,
    keys: Keys,
}

/// What an attempt is counted under.
#[derive(Clone, Copy)]
enum Keys {
    /// The session is in a browser that is known for its holder.
    KnownDevice(Key),
    Stranger {
        network: Option<Key>,
        account: Key,
    },
}

impl Keys {
    fn of(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<Self, db::Error> {
        let (user, limits) = (attempt.session.user, &attempt.limits);
        if let Some(device) = sessions::recognise_person(tx, user)? {
            return Ok(Self::KnownDevice(Key::confirmation_on(device, limits.login_per_account)));
        }
        let network = tx.origin.address.map(|address| Key::confirmation_from(address, limits.login_per_network));
        Ok(Self::Stranger { network, account: Key::confirmation_of(user, limits.login_per_account) })
    }

    /// The network first, here and everywhere: two at once must not wait for each other.
    fn all(self) -> Vec<Key> {
        match self {
            Self::KnownDevice(device) => vec![device],
            Self::Stranger { network, account } => network.into_iter().chain([account]).collect(),
        }
    }

    fn take_back(self, tx: &mut Tx<'_>) -> Result<(), db::Error> {
        self.all().iter().try_for_each(|key| throttle::take_back(tx, key))
    }

    /// Whoever has shown who they are starts afresh. The network may have failed for others as well.
    fn forgive(self, tx: &mut Tx<'_>) -> Result<(), db::Error> {
        match self {
            Self::KnownDevice(device) => throttle::forget(tx, &device),
            Self::Stranger { network, account } => {
                network.iter().try_for_each(|key| throttle::take_back(tx, key))?;
                throttle::forget(tx, &account)
            }
        }
    }
}

fn require_admission(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<Admitted, Error> {
    let user = attempt.session.user;
    let known = accounts::find_credentials_of(tx, user)?.filter(|known| !known.is_disabled);
    let credentials = known.ok_or(Error::Ended)?;
    if attempt.way == Way::Password
        && let Some(provider) = provider_of(tx, user)?
    {
        return Err(Error::ProviderOnly(provider));
    }
    let theirs = methods(tx, &attempt.session)?;
    if !theirs.contains(&attempt.way) {
        return Err(Error::NotTheirs(attempt.way, theirs));
    }
    let keys = Keys::of(tx, attempt)?;
    match throttle::admit(tx, &keys.all())? {
        Admission::Admitted => Ok(Admitted { credentials, keys }),
        Admission::Wait(wait) => Err(Error::TooMany(wait)),
    }
}

/// The account may have changed while the hash was computed.
fn accept_password(
    tx: &mut Tx<'_>,
    (attempt, keys): (&Attempt, Keys),
    (checked, renewed): (&Credentials, Option<&PasswordHash>),
) -> Result<Result<(), Way>, Error> {
    throttle::hold(tx, &keys.all())?;
    let now = require_open(tx, attempt)?;
    if now.password != checked.password {
        return refuse(tx, attempt);
    }
    if let Some(renewed) = renewed {
        accounts::renew_hash(tx, checked.user, renewed)?;
    }
    accept(tx, attempt, keys).map(Ok)
}

/// The session may have ended meanwhile.
fn accept(tx: &mut Tx<'_>, attempt: &Attempt, keys: Keys) -> Result<(), Error> {
    if !sessions::confirm(tx, attempt.session.session, attempt.way.strength())? {
        return Err(Error::Ended);
    }
    keys.forgive(tx)?;
    let event = Event::about(attempt.session.user, "session.confirmed");
    Ok(audit::record(tx, event.with("method", attempt.way.as_str()))?)
}

fn refuse(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<Result<(), Way>, Error> {
    let event = Event::about(attempt.session.user, "session.confirmation_failed");
    audit::record(tx, event.with("method", attempt.way.as_str()))?;
    Ok(Err(attempt.way))
}
