use super::{Error, find_mailbox, store};
use crate::accounts::User;
use crate::accounts::store as users;
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{EmailAddress, UserId};
use crate::mail::{self, Letter};
use crate::orgs::{self, succession};
use crate::sessions::{self, EndReason};
use crate::throttle;

/// Events of one person that are anonymised in one statement: a fraction of a second's work.
const BATCH: i32 = 2_000;

/// Why somebody is erased.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// They have asked for it, and not come back.
    Asked,
    ByOperator,
    /// Nobody ever proved the address.
    NeverVerified,
}

impl Cause {
    /// The stable word for the audit.
    fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "owner",
            Self::ByOperator => "operator",
            Self::NeverVerified => "never_verified",
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Erased {
    /// Nothing names them any more, but for the receipt that is on its way to a proved address.
    Gone,
    /// There is no such person, or somebody else is erasing them.
    NotThere,
}

/// Erases a person at once and for good, whether or not they have asked for it. Everything happens in this one
/// transaction, and the person is locked first: lock nothing of theirs before.
///
/// For whoever has more to do than a few: a transaction each, and [`forget_some_events`] before it.
pub fn erase(tx: &mut Tx<'_>, app: &App, user: UserId, cause: Cause) -> Result<Erased, Error> {
    let heirs = succession::foresee(tx, user)?.into_iter().filter_map(|foreseen| foreseen.heir);
    let people: Vec<UserId> = heirs.map(|heir| heir.person.id).chain([user]).collect();
    orgs::lock_people(tx, &people)?;
    let Some(user) = users::lock(tx, user)? else { return Ok(Erased::NotThere) };
    let receipt = find_mailbox(tx, &user)?;
    let addresses = store::list_addresses(tx, user.id)?;
    // Before the person: whoever holds a session of theirs just now may still write what refers to them.
    sessions::revoke_all(tx, user.id, None, EndReason::AccountLeft)?;
    succession::pass_on(tx, &app.sealer, user.id)?;
    forget_addresses(tx, &user, &addresses)?;
    store::delete(tx, user.id)?;
    // Before their events are anonymised, and this one with them: whoever was told of them has to hear who has gone.
    audit::record(tx, Event::about(user.id, "user.deleted").with("by", cause.as_str()))?;
    while audit::anonymise(tx, &app.sealer, user.id, BATCH)? > 0 {}
    if let Some(to) = receipt {
        mail::enqueue(tx, &app.sealer, &to, None, Letter::AccountDeleted)?;
    }
    Ok(Erased::Gone)
}

/// What names them and no foreign key leads to. An address that they have not proved may be a stranger's, whom nobody else
/// must keep from what they are invited to.
fn forget_addresses(tx: &mut Tx<'_>, user: &User, addresses: &[EmailAddress]) -> Result<(), db::Error> {
    let keys: Vec<String> = addresses.iter().map(EmailAddress::key).collect();
    let unproved = (!user.is_verified()).then(|| user.email.key());
    let proved: Vec<String> = keys.iter().filter(|key| Some(*key) != unproved.as_ref()).cloned().collect();
    store::delete_invitations_to(tx, &proved)?;
    store::delete_requests_of(tx, &keys)?;
    mail::forget_letters_to(tx, addresses)?;
    throttle::forget_person(tx, user.id, addresses)
}

/// The same for somebody who is gone, unless another node is at it.
pub fn erase_if_due(tx: &mut Tx<'_>, app: &App, user: UserId) -> Result<Erased, Error> {
    if store::claim_due(tx, user)? { erase(tx, app, user, Cause::Asked) } else { Ok(Erased::NotThere) }
}

/// Some of those who are gone, at most so many.
pub fn find_due(tx: &mut ReadTx<'_>, most: i64) -> Result<Vec<UserId>, db::Error> {
    store::list_due(tx, most)
}

/// Anonymises some events of somebody who is gone and has a great many of them, so that erasing them takes no longer than
/// it takes with most people. `Ok(false)` when there is nothing to be done before.
pub fn forget_some_events(tx: &mut Tx<'_>, app: &App, user: UserId) -> Result<bool, db::Error> {
    if !audit::has_more_than(tx, user, BATCH)? || !store::claim_due(tx, user)? {
        return Ok(false);
    }
    Ok(audit::anonymise(tx, &app.sealer, user, BATCH)? > 0)
}
