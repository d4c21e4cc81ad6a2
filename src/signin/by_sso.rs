//! Signing in by an identity provider, whose answer was found good.
//!
//! The assertion is used up whatever comes of it. A second factor of the account is asked for as after a password, unless
//! the provider has asked for several itself.

use super::enter::{Entered, First, Held, Rest, enter};
use super::provider_only::another_provider;
use crate::accounts;
use crate::app::App;
use crate::db::{self, Tx};
use crate::domains::Provider;
use crate::factors;
use crate::kernel::{ConnectionId, Digest, Origin, UserId};
use crate::meters::Outcome;
use crate::sessions::{Method, Remember, Strength};
use crate::sso::arrival::{self, Who};
use crate::sso::connections::Ready;
use crate::sso::identities::{self, Pending};
use crate::sso::provider_sessions;
use crate::sso::saml::{Answer, Report};

/// A good answer, and to whom it came.
#[derive(Debug)]
pub struct Attempt {
    pub ready: Ready,
    pub answer: Answer,
    pub report: Report,
    /// The flow cookie of the browser that brought it.
    pub browser: Digest,
    pub held: Held,
}

/// How far it leads.
#[derive(Debug)]
pub enum SignedIn {
    In(Entered),
    /// Nobody knows whose account is meant; that is kept for its owner to say, in this browser.
    Unknown,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The report says why.
    #[error("a check failed")]
    Refused(Box<Report>),
    /// They had connected their account with this one before. It is right, and not the one that their address has now.
    #[error("people with this address sign in by another provider")]
    ProviderOnly(Provider),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Opens a session where nothing more is asked for.
pub async fn sign_in(app: &App, origin: &Origin, attempt: Attempt) -> Result<SignedIn, Error> {
    let app2 = app.clone();
    let signed_in = app.db.write(origin, move |tx| let_in(tx, &app2, attempt)).await;
    signed_in.inspect_err(|error| app.db.meters().attempted(Method::Sso.as_str(), outcome(error)))
}

fn outcome(error: &Error) -> Outcome {
    match error {
        Error::Refused(_) | Error::ProviderOnly(_) => Outcome::Failure,
        Error::Db(_) => Outcome::Error,
    }
}

fn let_in(tx: &mut Tx<'_>, app: &App, attempt: Attempt) -> Result<SignedIn, Error> {
    let Attempt { ready, answer, mut report, browser, held } = attempt;
    let (guest, user) = match arrival::admit(tx, &app.sealer, &ready, &answer, &mut report) {
        Ok(admitted) => admitted,
        Err(arrival::Error::Refused) => return Err(Error::Refused(Box::new(report))),
        Err(arrival::Error::Db(error)) => return Err(error.into()),
    };
    let connection = ready.connection.id;
    let Some(user) = user else {
        let email = match guest.who {
            Who::Stranger(email) => Some(email),
            Who::Known(_) | Who::Holder(..) => None,
        };
        identities::keep_pending(tx, &browser, &Pending { connection, name: answer.name_id, email })?;
        return Ok(SignedIn::Unknown);
    };
    let provided = provider_sessions::open(tx, connection, user, &answer)?;
    if let Some(provider) = another_provider(tx, user, provided)? {
        return Err(Error::ProviderOnly(provider));
    }
    let rest = match provided.strength {
        Strength::OneFactor => Rest::AsUsual,
        Strength::SecondFactor | Strength::Passkey => Rest::DoneElsewhere,
    };
    let first = First { user, by: Method::Sso, provided: Some(provided), rest };
    Ok(SignedIn::In(enter(tx, app, first, Remember::No, &held)?))
}

/// What became of the wish to come by a connection no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unlinking {
    Done,
    NotLinked,
    /// Neither a password nor a passkey would let them in.
    OnlyWayIn,
}

/// Takes a connection off an account that something else opens, and ends what came by it. That its holder has just proved
/// who they are is for the caller to see to.
pub fn unlink(tx: &mut Tx<'_>, user: UserId, connection: ConnectionId) -> Result<Unlinking, db::Error> {
    let linked = identities::list_of(tx, user)?;
    if linked.iter().all(|linked| linked.connection != connection) {
        return Ok(Unlinking::NotLinked);
    }
    let has_password = accounts::lock_credentials(tx, user)?.is_some_and(|held| held.password.is_some());
    if !has_password && factors::list(tx, user)?.passkeys == 0 && linked.len() == 1 {
        return Ok(Unlinking::OnlyWayIn);
    }
    identities::forget(tx, user, connection)?;
    Ok(Unlinking::Done)
}
