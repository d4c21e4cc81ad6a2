//! Signing in by a mailed link, or by the code that it shows elsewhere.
//!
//! Only the browser that asked is signed in, by its cookie. Whoever has the link reads the letters to the address: that
//! proves it, if nobody had, and of what was put on the account before nothing stays unless the link is followed in the
//! very browser of whoever did ([`verify_email`]). A second factor is asked for as after a password.
//!
//! Wrong codes wait by network together with all other codes, and by account once there is one that could be guessed:
//! before its owner has had it shown, trying is pointless and must not keep the owner out.

use chrono::TimeDelta;

use super::enter::{Entered, First, Held, enter};
use super::provider_only::provider_instead;
use crate::accounts::magic_link::{self, Asked};
use crate::accounts::verify_email::{self, Password, Prover};
use crate::accounts::{self, User};
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings::Limits;
use crate::db::{self, Tx};
use crate::domains::Provider;
use crate::kernel::{KnownDeviceId, Origin, Redacted, Token, UserId};
use crate::meters::Outcome;
use crate::sessions::{self, Method};
use crate::throttle::{self, Admission, Key};

/// What somebody brings from the letter.
#[derive(Debug)]
pub enum Proof {
    Link(Token),
    Code(Redacted),
}

#[derive(Debug)]
pub struct Attempt {
    pub proof: Proof,
    /// The cookie of the browser that asked.
    pub browser: Option<Token>,
    /// Whether this browser is that of whoever has signed up.
    pub prover: Prover,
    pub held: Held,
}

impl Attempt {
    /// Who proves an address that nobody has proved. A code says that its owner reads the letters elsewhere, and not that
    /// this browser is theirs: they may have been talked into telling it.
    fn prover(&self) -> Option<&Prover> {
        match self.proof {
            Proof::Link(_) => Some(&self.prover),
            Proof::Code(_) => None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, used, too old, or tried too often.
    #[error("there is no link that holds")]
    Gone,
    /// The link holds, in the browser that has asked for it.
    #[error("the link was asked for in another browser")]
    AnotherBrowser,
    #[error("the code is not right")]
    Wrong,
    /// Since the letter was written.
    #[error("people with this address sign in by their organization's provider")]
    ProviderOnly(Provider),
    /// Too many attempts; the next one is looked at after this long.
    #[error("too many attempts")]
    TooMany(TimeDelta),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Uses the link up, and opens a session where nothing more is asked for.
pub async fn sign_in(app: &App, origin: &Origin, attempt: Attempt) -> Result<(Entered, Password), Error> {
    let app2 = app.clone();
    // A wrong code is counted and written down, so the transaction commits whatever the outcome is.
    let settled: Result<_, db::Error> = app
        .db
        .write(origin, move |tx| match &attempt.proof {
            Proof::Link(token) => by_link(tx, &app2, &attempt, token),
            Proof::Code(code) => by_code(tx, &app2, &attempt, code),
        })
        .await;
    let entered = settled.map_err(Error::from).and_then(|settled| {
        settled.map_err(|refusal| match refusal {
            Refusal::Gone => Error::Gone,
            Refusal::AnotherBrowser => Error::AnotherBrowser,
            Refusal::Wrong => Error::Wrong,
            Refusal::ProviderOnly(provider) => Error::ProviderOnly(provider),
            Refusal::Wait(wait) => Error::TooMany(wait),
        })
    });
    entered.inspect_err(|error| app.db.meters().attempted(Method::MagicLink.as_str(), outcome(error)))
}

fn outcome(error: &Error) -> Outcome {
    match error {
        Error::Gone | Error::AnotherBrowser | Error::Wrong | Error::ProviderOnly(_) => Outcome::Failure,
        Error::TooMany(_) => Outcome::Waits,
        Error::Db(_) => Outcome::Error,
    }
}

enum Refusal {
    Gone,
    AnotherBrowser,
    Wrong,
    ProviderOnly(Provider),
    Wait(TimeDelta),
}

type Settled = Result<Result<(Entered, Password), Refusal>, db::Error>;

fn by_link(tx: &mut Tx<'_>, app: &App, attempt: &Attempt, token: &Token) -> Settled {
    let Some(asked) = magic_link::find_by_link(tx, token)? else { return Ok(Err(Refusal::Gone)) };
    if !asked.is_by(attempt.browser.as_ref()) {
        return Ok(Err(Refusal::AnotherBrowser));
    }
    // Link and code, or one of them twice, wait for each other here; the second finds nothing left.
    let user = lock_enabled(tx, asked.user())?;
    match (user, magic_link::find_by_link(tx, token)?) {
        (Some(user), Some(asked)) => let_in(tx, app, attempt, (&user, &asked)),
        (None, _) | (_, None) => Ok(Err(Refusal::Gone)),
    }
}

fn by_code(tx: &mut Tx<'_>, app: &App, attempt: &Attempt, code: &Redacted) -> Settled {
    let Some(browser) = &attempt.browser else { return Ok(Err(Refusal::Gone)) };
    let Some(asked) = magic_link::find_by_browser(tx, browser)? else { return Ok(Err(Refusal::Gone)) };
    let keys = Keys::of(tx, &app.settings.limits, &asked)?;
    if let Admission::Wait(wait) = throttle::admit(tx, &keys.all())? {
        return Ok(Err(Refusal::Wait(wait)));
    }
    // As little is done for an address that we know as for any other, until its owner has had the code shown.
    let user = lock_enabled(tx, asked.user().filter(|_| asked.has_code()))?;
    let Some(asked) = magic_link::lock_by_browser(tx, browser)? else { return Ok(Err(Refusal::Gone)) };
    let Some(user) = user.filter(|user| asked.is_for(user) && asked.is_right(&app.sealer, code)) else {
        magic_link::count_try(tx, &asked)?;
        remember_failure(tx, asked.user())?;
        return Ok(Err(Refusal::Wrong));
    };
    keys.forgive(tx)?;
    let_in(tx, app, attempt, (&user, &asked))
}

fn let_in(tx: &mut Tx<'_>, app: &App, attempt: &Attempt, (user, asked): (&User, &Asked)) -> Settled {
    if !magic_link::take(tx, asked)? {
        return Ok(Err(Refusal::Gone));
    }
    if let Some(provider) = provider_instead(tx, user.id, Method::MagicLink)? {
        return Ok(Err(Refusal::ProviderOnly(provider)));
    }
    let password = verify_email::prove_by_signing_in(tx, user, attempt.prover())?;
    // Before a sign-in makes this a known browser.
    let known = sessions::recognise_person(tx, user.id)?;
    let entered = enter(tx, app, First::new(user.id, Method::MagicLink), asked.remember, &attempt.held)?;
    match &entered {
        Entered::In(_) => forgive_wrong_passwords(tx, &app.settings.limits, user, known)?,
        Entered::HalfIn(_) => {}
    }
    Ok(Ok((entered, password)))
}

/// `None` when there is no account, or it is disabled.
fn lock_enabled(tx: &mut Tx<'_>, user: Option<UserId>) -> Result<Option<User>, db::Error> {
    let Some(user) = user else { return Ok(None) };
    match accounts::lock_credentials(tx, user)? {
        Some(credentials) if !credentials.is_disabled => accounts::find(tx, user),
        Some(_) | None => Ok(None),
    }
}

/// Who it was that failed is only written down when it is somebody.
fn remember_failure(tx: &mut Tx<'_>, user: Option<UserId>) -> Result<(), db::Error> {
    let kind = "signin.failed";
    let event = user.map_or_else(|| Event::about_nobody(kind), |user| Event::about(user, kind));
    audit::record(tx, event.with("method", Method::MagicLink.as_str()))
}

/// Whoever has got in need not wait for what strangers have guessed.
fn forgive_wrong_passwords(
    tx: &mut Tx<'_>,
    limits: &Limits,
    user: &User,
    known: Option<KnownDeviceId>,
) -> Result<(), db::Error> {
    let limit = limits.login_per_account;
    match known {
        Some(device) => throttle::forget(tx, &Key::sign_in_on(device, limit)),
        None => throttle::forget_sign_ins(tx, &user.email, limit),
    }
}

/// What a code is counted under.
#[derive(Clone, Copy)]
enum Keys {
    /// The browser is known for the account.
    KnownDevice(Key),
    Stranger {
        network: Option<Key>,
        account: Option<Key>,
    },
}

impl Keys {
    fn of(tx: &mut Tx<'_>, limits: &Limits, asked: &Asked) -> Result<Self, db::Error> {
        let user = asked.user().filter(|_| asked.has_code());
        if let Some(user) = user
            && let Some(device) = sessions::recognise_person(tx, user)?
        {
            return Ok(Self::KnownDevice(Key::magic_code_on(device, limits.login_per_account)));
        }
        Ok(Self::Stranger {
            network: tx.origin.address.map(|address| Key::code_from(address, limits.login_per_network)),
            account: user.map(|user| Key::magic_code_of(user, limits.login_per_account)),
        })
    }

    /// In this order everywhere: two attempts at once must not wait for each other.
    fn all(self) -> Vec<Key> {
        match self {
            Self::KnownDevice(key) => vec![key],
            Self::Stranger { network, account } => network.into_iter().chain(account).collect(),
        }
    }

    /// The code was right.
    fn forgive(self, tx: &mut Tx<'_>) -> Result<(), db::Error> {
        match self {
            Self::KnownDevice(key) => throttle::forget(tx, &key),
            Self::Stranger { network, account } => {
                network.iter().try_for_each(|network| throttle::take_back(tx, network))?;
                account.iter().try_for_each(|account| throttle::forget(tx, account))
            }
        }
    }
}
