use super::{Proved, finish};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, Tx};
use crate::factors::{self, Factors};
use crate::kernel::{SessionId, Token, UserId};
use crate::meters::Outcome;
use crate::sessions::{self, EndReason, Method, Opened, Pending, Provided, Remember};

/// What a browser that signs in holds already; all of it ends when it gets something new.
#[derive(Debug, Default)]
pub struct Held {
    /// The portal token of its session.
    pub session: Option<Token>,
    /// The token by which it is half signed in.
    pub pending: Option<Token>,
    /// Its session, for whoever knows it by its id.
    pub replaces: Option<SessionId>,
}

/// How far the first proof leads.
#[derive(Debug)]
pub enum Entered {
    In(Opened),
    /// The account asks for a second proof.
    HalfIn(HalfIn),
}

/// What only the browser will know, and what it may prove next.
#[derive(Debug)]
pub struct HalfIn {
    pub token: Token,
    pub methods: Vec<Method>,
}

/// The first proof, and whose.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    pub user: UserId,
    pub by: Method,
    /// By which provider, where it was one.
    pub provided: Option<Provided>,
    pub rest: Rest,
}

/// Whether there is more to prove.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rest {
    /// Where the account asks for it.
    AsUsual,
    /// A provider vouches for several proofs at once.
    DoneElsewhere,
}

impl First {
    pub(super) fn new(user: UserId, by: Method) -> Self {
        Self { user, by, provided: None, rest: Rest::AsUsual }
    }
}

/// Somebody has given the first proof. Opens a session, or waits for the second.
pub(super) fn enter(
    tx: &mut Tx<'_>,
    app: &App,
    first: First,
    remember: Remember,
    held: &Held,
) -> Result<Entered, db::Error> {
    if let Some(pending) = &held.pending {
        sessions::end_pending(tx, pending)?;
    }
    let First { user, by, provided, rest } = first;
    let factors = factors::list(tx, user)?;
    if rest == Rest::DoneElsewhere || !factors.are_asked_for() {
        if let Some(replaced) = held.replaces {
            sessions::revoke(tx, replaced, EndReason::SignedOut)?;
        }
        let proved = Proved { user, by: &[by], provided };
        return finish(tx, app, proved, remember, held.session.as_ref()).map(Entered::In);
    }
    app.db.meters().attempted(by.as_str(), Outcome::SecondFactorAsked);
    let token = sessions::begin_pending(tx, &Pending { user, by, provided, remember })?;
    audit::record(tx, Event::about(user, "signin.second_factor_asked").with("method", by.as_str()))?;
    Ok(Entered::HalfIn(HalfIn { token, methods: methods_after_the_first(&factors) }))
}

/// What somebody with these factors may prove next, the most usual first.
pub(super) fn methods_after_the_first(factors: &Factors) -> Vec<Method> {
    let totp = factors.totp.then_some(Method::Totp);
    let passkey = (factors.passkeys > 0).then_some(Method::Passkey);
    let recovery = (factors.recovery_codes_left > 0).then_some(Method::RecoveryCode);
    totp.into_iter().chain(passkey).chain(recovery).collect()
}
