//! Coming in by an invitation: the link of its letter proves the address, as every mailed link does.
//!
//! - **Somebody signed in** to the account with this address accepts it ([`accept`]); if nobody had proved the address, they
//!   have now, and what they put on the account stays theirs.
//! - **Somebody else's session** counts for nothing: an invitation is for its address.
//! - **A stranger** signs up by it ([`prepare`], [`join`]): the account is made, its address proved, and they are a member,
//!   all in one transaction or nothing of it. If somebody has signed up with the address before and never proved it, the
//!   account passes to the holder of the letter, and of what was put on it before nothing stays
//!   ([`verify_email`](super::verify_email)).
//! - **Who has an account** signs in first. So does who has a second factor: the link opens no session for them.
//!
//! Strangers can sign up by an invitation where `accounts.signup` is `open` or `invite`; where it is `closed`, nobody can.

use super::{Name, User, change_email, password, store, verify_email};
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::settings::Signup;
use crate::crypto::PasswordHash;
use crate::db::{self, ReadTx, Tx};
use crate::domains::{self, Provider};
use crate::kernel::{EmailAddress, Origin, Redacted, Token, UserId};
use crate::orgs;
use crate::orgs::invitations::{self, Named, Offer};
use crate::sessions::{self, Opened};
use verify_email::Prover;

/// What somebody who opens the link can do about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is theirs, and they are signed in.
    Theirs,
    /// They are signed in as somebody else.
    SomebodyElses,
    /// The address has an account, whose holder is to sign in.
    SignInFirst,
    /// They are to sign in by their organization's provider, whether or not there is an account.
    ByProvider,
    /// They are to sign up. Somebody may have done so with this address, and never proved it.
    SignUp,
    /// They would have to sign up, and nobody can.
    Closed,
}

/// What a stranger filled in.
#[derive(Debug)]
pub struct SignUp {
    pub token: Token,
    pub name: Name,
    pub password: Redacted,
}

/// A form that was found good, with the slow work done.
pub struct Prepared {
    named: Named,
    name: Name,
    hash: PasswordHash,
}

/// A new member, who was somebody before.
#[derive(Debug)]
pub struct Accepted {
    pub offer: Offer,
    /// Their session, if it can do by this what it could not do before: under another id, by other cookies.
    pub rotated: Option<Opened>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Invitation(#[from] invitations::Error),
    #[error("the address has an account, whose holder is not signed in")]
    SignInFirst,
    #[error("new accounts are not being made here")]
    Closed,
    #[error("people with this address sign in by their organization's provider")]
    ProviderOnly(Provider),
    /// Somebody has left it lately, and can have it back.
    #[error("the address is kept for an account that has just left it")]
    Kept,
    #[error(transparent)]
    Password(#[from] password::Refused),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Looks at a link without using it; `None` for one that does not hold.
pub fn look_at(
    tx: &mut ReadTx<'_>,
    signup: Signup,
    token: &Token,
    signed_in: Option<UserId>,
) -> Result<Option<(Offer, Standing)>, db::Error> {
    let Some(offer) = invitations::find(tx, Named::Link(token.digest()))? else { return Ok(None) };
    let holder = store::find_by_key(tx, &offer.email.key())?;
    let standing = match (holder, signed_in) {
        (Some(holder), Some(user)) if holder.id == user => Standing::Theirs,
        (_, Some(_)) => Standing::SomebodyElses,
        (_, None) if domains::enforced(tx, &offer.email)?.is_some() => Standing::ByProvider,
        (Some(holder), None) if holder.is_verified() => Standing::SignInFirst,
        (_, None) if signup == Signup::Closed => Standing::Closed,
        (_, None) => Standing::SignUp,
    };
    Ok(Some((offer, standing)))
}

/// Uses the link up for the one who is signed in.
pub async fn accept(app: &App, origin: &Origin, token: Token, prover: Prover) -> Result<Accepted, Error> {
    let rules = app.settings.session.clone();
    let work = move |tx: &mut Tx<'_>| {
        let Some(user) = prover.signed_in else { return Err(Error::SignInFirst) };
        let named = Named::Link(token.digest());
        let user = store::lock(tx, user)?.ok_or(orgs::Error::Ended).map_err(invitations::Error::from)?;
        let is_proof = is_to(tx, named, &user)? && !user.is_verified();
        if is_proof {
            verify_email::prove_by_signing_in(tx, &user, Some(&prover))?;
        }
        let offer = invitations::take(tx, named, user.id)?;
        let own = prover.session.as_ref().filter(|_| is_proof);
        let rotated = own.map(|token| sessions::rotate(tx, &rules, token)).transpose()?.flatten();
        Ok(Accepted { offer, rotated })
    };
    app.db.write(origin, work).await
}

/// Whether it was sent to the address of this account.
fn is_to(tx: &mut ReadTx<'_>, named: Named, user: &User) -> Result<bool, Error> {
    let offer = invitations::find(tx, named)?.ok_or(invitations::Error::Gone)?;
    Ok(offer.email.key() == user.email.key())
}

/// Judges and hashes the password, for nobody without the link. A weak password keeps the link.
pub async fn prepare(app: &App, origin: &Origin, form: SignUp) -> Result<Prepared, Error> {
    let SignUp { token, name, password } = form;
    let (signup, named) = (app.settings.accounts.signup, Named::Link(token.digest()));
    let look = move |tx: &mut ReadTx<'_>| {
        let Some((offer, standing)) = look_at(tx, signup, &token, None)? else { return Ok(None) };
        require_no_provider(tx, &offer.email)?;
        Ok::<_, Error>(Some((offer, standing)))
    };
    let offer = match app.db.read(look).await? {
        None => return Err(invitations::Error::Gone.into()),
        Some((offer, Standing::SignUp)) => offer,
        Some((_, Standing::Closed)) => return Err(Error::Closed),
        Some((_, Standing::SignInFirst | Standing::ByProvider | Standing::Theirs | Standing::SomebodyElses)) => {
            return Err(Error::SignInFirst);
        }
    };
    let hash = password::choose(app, origin, &password, &offer.email, &name).await?;
    Ok(Prepared { named, name, hash })
}

/// Makes the account and the member. Of two at once the second waits for the first, and then finds no invitation.
pub fn join(tx: &mut Tx<'_>, prepared: &Prepared) -> Result<(UserId, Offer), Error> {
    let Prepared { named, name, hash } = prepared;
    let offer = invitations::find(tx, *named)?.ok_or(invitations::Error::Gone)?;
    require_no_provider(tx, &offer.email)?;
    let user = loop {
        let new = UserId::new(tx.now);
        if store::insert(tx, new, &offer.email, name, hash)? {
            if change_email::find_keeper(tx, &offer.email)?.is_some() {
                return Err(Error::Kept);
            }
            store::set_verified(tx, new)?;
            for kind in ["user.created", "email.verified"] {
                audit::record(tx, Event::about(new, kind))?;
            }
            break new;
        }
        // None when its holder has just left it.
        if let Some(holder) = store::lock_by_key(tx, &offer.email.key())? {
            break take_over(tx, &holder, (hash, name))?;
        }
    };
    Ok((user, invitations::take(tx, *named, user)?))
}

/// Whoever has one signs in by it, is known then, and accepts the invitation.
fn require_no_provider(tx: &mut ReadTx<'_>, email: &EmailAddress) -> Result<(), Error> {
    match domains::enforced(tx, email)? {
        Some(provider) => Err(Error::ProviderOnly(provider)),
        None => Ok(()),
    }
}

/// Of an account that nobody has proved.
fn take_over(tx: &mut Tx<'_>, holder: &User, (hash, name): (&PasswordHash, &Name)) -> Result<UserId, Error> {
    let is_disabled = store::find_credentials_of(tx, holder.id)?.is_none_or(|held| held.is_disabled);
    if holder.is_verified() || is_disabled {
        return Err(Error::SignInFirst);
    }
    verify_email::pass_on(tx, holder, (Some(hash), name))?.ok_or(Error::Kept)
}
