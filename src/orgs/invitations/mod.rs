//! Invitations: how somebody who is no member becomes one, by a letter to their address.
//!
//! Table: `invitations`, one row an organization and address; of the secret in the letter only the digest.
//!
//! - An admin **invites** ([`invite`]) an address, to a role up to their own. What they are told, and see in their list, is
//!   the same whether or not the address has an account. The letter can be **sent again** ([`resend`]), which makes another
//!   link and ends the one before; the invitation can be **withdrawn** ([`withdraw`]). So many letters are sent to one
//!   mailbox, by one person and for one organization, and then they have to wait.
//! - It is bound to its address: whoever **accepts** ([`take`]) has an account with this very address, proved. The link
//!   alone proves it; what to do with an account that nobody had proved, and with strangers, is for
//!   [`crate::accounts`] to say. Whoever holds the link may **decline** ([`decline`]). Either uses it up.
//! - It holds for [`INVITATION_TTL`] and belongs to the organization, whatever becomes of who sent it: the others see it and
//!   can withdraw it. Only one that makes an admin or an owner holds for no longer than its sender could send it: whoever
//!   has lost such a role must not find a way back to it in a second mailbox of theirs.
//! - One that has run out is still listed for a while, so that nobody wonders, and then goes ([`sweep`]).

mod store;
mod words;

use chrono::{DateTime, TimeDelta, Utc};

use super::members::{self, Confirmation, Joined};
use super::{Organization, Permission, Role, act, groups, lock, lock_people};
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings::Limit;
use crate::crypto::Unsealable;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{Digest, EmailAddress, InvitationId, OrganizationId, Token, UserId};
use crate::mail::{self, INVITATION_TTL, Letter};
use crate::throttle::{self, Admission, Key};
pub use words::Inviter;

/// How many one organization can have at a time.
pub const MOST: i64 = 200;

/// How many letters one organization sends before it has to wait, and one person for all of theirs.
const LETTERS: Limit = Limit { count: 100, period: TimeDelta::days(1) };

/// How long one that has run out is still listed.
const LISTED_AFTER_ITS_END: TimeDelta = TimeDelta::days(7);

/// As the admins of the organization see it.
#[derive(Clone, Debug)]
pub struct Invitation {
    pub id: InvitationId,
    pub email: EmailAddress,
    pub role: Role,
    /// `None` when they are gone.
    pub inviter: Option<Inviter>,
    pub created_at: DateTime<Utc>,
    /// When the last letter was written.
    pub sent_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl Invitation {
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now
    }
}

/// As whoever is invited sees it. It holds.
#[derive(Clone, Debug)]
pub struct Offer {
    pub id: InvitationId,
    pub organization: Organization,
    pub email: EmailAddress,
    pub role: Role,
    pub inviter: Option<Inviter>,
    pub expires_at: DateTime<Utc>,
}

/// By what somebody who is invited names an invitation.
#[derive(Clone, Copy, Debug)]
pub enum Named {
    /// By the link of the letter.
    Link(Digest),
    /// As one to their own address, which they have proved.
    Listed(InvitationId),
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Organization(#[from] super::Error),
    /// For the admins of the organization.
    #[error("no such invitation")]
    NoSuchInvitation,
    /// For whoever is invited: unknown, used, withdrawn or expired.
    #[error("the invitation does not hold")]
    Gone,
    #[error("they are a member already")]
    AlreadyMember,
    #[error("there is an invitation to this address that holds")]
    AlreadyInvited,
    #[error("there are {MOST} invitations already")]
    TooMany,
    #[error("enough letters for now")]
    Wait(TimeDelta),
    /// It is for another address than theirs, or theirs is not proved.
    #[error("the invitation is not for them")]
    NotTheirs,
    /// They have asked to be forgotten.
    #[error("they are about to go")]
    Leaving,
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
}

impl From<mail::Error> for Error {
    fn from(error: mail::Error) -> Self {
        match error {
            mail::Error::Db(error) => Self::Db(error),
            mail::Error::Unsealable(error) => Self::Unsealable(error),
        }
    }
}

/// The newest first. Those that have run out are among them for a while.
pub fn list(tx: &mut ReadTx<'_>, organization: OrganizationId) -> Result<Vec<Invitation>, db::Error> {
    store::list(tx, organization)
}

/// One that holds.
pub fn find(tx: &mut ReadTx<'_>, named: Named) -> Result<Option<Offer>, db::Error> {
    store::find_offer(tx, named)
}

/// Those that hold and were sent to the address of a person, if they have proved it.
pub fn list_of(tx: &mut ReadTx<'_>, user: UserId) -> Result<Vec<Offer>, db::Error> {
    match store::find_inviter(tx, user)? {
        Some(person) if person.is_verified => store::list_offers(tx, &person.email.key()),
        Some(_) | None => Ok(Vec::new()),
    }
}

/// Writes to somebody who is to become a member. To make an owner takes a confirmation.
pub fn invite(
    tx: &mut Tx<'_>,
    app: &App,
    (caller, confirmation): (UserId, Confirmation),
    organization: OrganizationId,
    (email, role): (&EmailAddress, Role),
) -> Result<Invitation, Error> {
    // Before anything else is held, as wherever letters are counted.
    require_letters(tx, app, (caller, organization), email)?;
    let acting = act(tx, caller, organization, Permission::Invite(role))?;
    if role == Role::Owner && confirmation == Confirmation::Missing {
        return Err(super::Error::NotConfirmed.into());
    }
    if groups::find_member_by_address(tx, organization, email)?.is_some() {
        return Err(Error::AlreadyMember);
    }
    match store::find_by_key(tx, organization, &email.key())? {
        Some(before) if !before.is_expired(tx.now) => return Err(Error::AlreadyInvited),
        Some(before) => drop(store::delete(tx, before.id)?),
        None => {}
    }
    if store::count(tx, organization)? >= MOST {
        return Err(Error::TooMany);
    }
    let token = Token::generate();
    let (now, expires_at) = (tx.now, tx.now + INVITATION_TTL);
    let inviter = store::find_inviter(tx, caller)?;
    let (id, email) = (InvitationId::new(now), email.clone());
    let invitation = Invitation { id, email, role, inviter, created_at: now, sent_at: now, expires_at };
    store::insert(tx, organization, &invitation, &token.digest())?;
    record(tx, "invitation.sent", organization, &invitation)?;
    write(tx, app, &acting.organization, &invitation, token)?;
    Ok(invitation)
}

/// Another letter with another link, from whoever asks for it; the one before leads nowhere from now on.
pub fn resend(
    tx: &mut Tx<'_>,
    app: &App,
    caller: UserId,
    (organization, id): (OrganizationId, InvitationId),
) -> Result<Invitation, Error> {
    if let Some(seen) = store::find(tx, organization, id)? {
        require_letters(tx, app, (caller, organization), &seen.email)?;
    }
    let acting = act(tx, caller, organization, Permission::Invite(Role::Member))?;
    let before = store::find(tx, organization, id)?.ok_or(Error::NoSuchInvitation)?;
    acting.require(Permission::Invite(before.role))?;
    if groups::find_member_by_address(tx, organization, &before.email)?.is_some() {
        return Err(Error::AlreadyMember);
    }
    let token = Token::generate();
    let (sent_at, expires_at) = (tx.now, tx.now + INVITATION_TTL);
    let inviter = store::find_inviter(tx, caller)?;
    let invitation = Invitation { inviter, sent_at, expires_at, ..before };
    store::renew(tx, &invitation, &token.digest())?;
    record(tx, "invitation.resent", organization, &invitation)?;
    write(tx, app, &acting.organization, &invitation, token)?;
    Ok(invitation)
}

pub fn withdraw(
    tx: &mut Tx<'_>,
    caller: UserId,
    (organization, id): (OrganizationId, InvitationId),
) -> Result<(), Error> {
    let acting = act(tx, caller, organization, Permission::Invite(Role::Member))?;
    let invitation = store::find(tx, organization, id)?.ok_or(Error::NoSuchInvitation)?;
    acting.require(Permission::Invite(invitation.role))?;
    store::delete(tx, id)?;
    Ok(record(tx, "invitation.withdrawn", organization, &invitation)?)
}

/// Makes a member of somebody who has proved the address it was sent to. Somebody who is one by now stays what they are.
pub fn take(tx: &mut Tx<'_>, named: Named, user: UserId) -> Result<Offer, Error> {
    let person = lock_people(tx, &[user])?.into_iter().next().ok_or(super::Error::Ended)?;
    let offer = hold(tx, named)?;
    if person.is_disabled {
        return Err(super::Error::Ended.into());
    }
    if !person.is_verified || person.email.key() != offer.email.key() {
        return Err(Error::NotTheirs);
    }
    if person.is_leaving {
        return Err(Error::Leaving);
    }
    store::delete(tx, offer.id)?;
    members::add(tx, offer.organization.id, user, offer.role, Joined::Invited)?;
    let event = Event::about(user, "invitation.accepted").within(offer.organization.id);
    audit::record(tx, event.with("invitation", offer.id.to_string()).with("role", offer.role.as_str()))?;
    Ok(offer)
}

/// Whoever has the letter can, signed in or not. Nobody is told but those who look.
pub fn decline(tx: &mut Tx<'_>, named: Named) -> Result<Offer, Error> {
    let offer = hold(tx, named)?;
    store::delete(tx, offer.id)?;
    let event = Event::about_nobody("invitation.declined").within(offer.organization.id);
    audit::record(tx, event.with("invitation", offer.id.to_string()).with("role", offer.role.as_str()))?;
    Ok(offer)
}

/// The same for somebody who is signed in and has this address. [`Error::Gone`] for one to another.
pub fn require_own(tx: &mut ReadTx<'_>, id: InvitationId, email: &EmailAddress) -> Result<(), Error> {
    let offer = store::find_offer(tx, Named::Listed(id))?;
    offer.filter(|offer| offer.email.key() == email.key()).map(drop).ok_or(Error::Gone)
}

/// Removes some that ran out a while ago. How many; `batch` of them if there may be more.
pub fn sweep(tx: &mut Tx<'_>, batch: usize) -> Result<usize, db::Error> {
    let before = tx.now - LISTED_AFTER_ITS_END;
    store::delete_expired(tx, before, i64::try_from(batch).unwrap_or(i64::MAX))
}

/// Of two who take or decline it at once, the second waits for the organization and then finds nothing.
fn hold(tx: &mut Tx<'_>, named: Named) -> Result<Offer, Error> {
    let seen = store::find_offer(tx, named)?.ok_or(Error::Gone)?;
    lock(tx, seen.organization.id)?.ok_or(Error::Gone)?;
    store::find_offer(tx, named)?.ok_or(Error::Gone)
}

/// Counted for the mailbox apart from other letters: strangers who invite somebody must not use up what its owner asks for.
fn require_letters(
    tx: &mut Tx<'_>,
    app: &App,
    (caller, organization): (UserId, OrganizationId),
    email: &EmailAddress,
) -> Result<(), Error> {
    let keys = [
        Key::invitations_by(caller, LETTERS),
        Key::invitations_of(organization, LETTERS),
        Key::invitation_to(email, app.settings.limits.mail_per_account),
    ];
    match throttle::admit(tx, &keys)? {
        Admission::Admitted => Ok(()),
        Admission::Wait(wait) => Err(Error::Wait(wait)),
    }
}

fn write(
    tx: &mut Tx<'_>,
    app: &App,
    organization: &Organization,
    invitation: &Invitation,
    token: Token,
) -> Result<(), Error> {
    // A letter to somebody with an account goes when they go.
    let holder = store::find_holder(tx, &invitation.email.key())?;
    let letter = Letter::Invitation {
        token,
        organization: words::sayable(&organization.name, organization.slug.as_str()).to_owned(),
        inviter: invitation.inviter.as_ref().map(Inviter::in_letters).unwrap_or_default(),
        role: invitation.role.as_str(),
    };
    mail::enqueue(tx, &app.sealer, &invitation.email, holder, letter)?;
    Ok(())
}

/// Nothing of the address: the event outlives whoever it names.
fn record(
    tx: &mut Tx<'_>,
    kind: &'static str,
    organization: OrganizationId,
    invitation: &Invitation,
) -> Result<(), db::Error> {
    let event = Event::about_nobody(kind).within(organization).with("invitation", invitation.id.to_string());
    audit::record(tx, event.with("role", invitation.role.as_str()))
}
