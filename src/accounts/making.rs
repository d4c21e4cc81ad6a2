//! Accounts that the operator makes for people, whether or not anybody may sign up.
//!
//! Their holder gets in by a mailed link, which holds for as long as that of a sign-up and proves the address: to choose a
//! password, or only to prove the address where the operator has set one. Such an account is never taken for a sign-up
//! that nobody has claimed.

use super::{Name, change_email, reset, store, verify_email};
use crate::app::App;
use crate::audit::{self, Event};
use crate::crypto::PasswordHash;
use crate::db::{self, Tx};
use crate::kernel::{EmailAddress, UserId};
use crate::mail::{self, Letter};

/// Whether the operator knows that the address is its holder's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Address {
    Vouched,
    Unproved,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rank {
    Person,
    Administrator,
}

/// Who is to have an account.
#[derive(Debug)]
pub struct Newcomer {
    pub email: EmailAddress,
    pub name: Name,
    pub password: Option<PasswordHash>,
    pub address: Address,
    /// An administrator's address must be vouched for.
    pub rank: Rank,
}

/// What the letter to them is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Invited {
    /// To choose a password by its link.
    ToChoosePassword,
    /// To prove the address by its link.
    ToProveAddress,
    /// There is no letter: they have all they need.
    NotAtAll,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// By an account, or by the way back to one.
    #[error("the address is taken")]
    Taken,
    #[error("the address of an administrator must be vouched for")]
    UnprovedAdministrator,
    #[error(transparent)]
    Db(#[from] db::Error),
    #[error(transparent)]
    Mail(#[from] mail::Error),
}

/// Makes the account. That its password is good enough is for the caller to see to.
pub fn make(tx: &mut Tx<'_>, app: &App, newcomer: &Newcomer) -> Result<(UserId, Invited), Error> {
    let Newcomer { email, name, password, address, rank } = newcomer;
    if (*address, *rank) == (Address::Unproved, Rank::Administrator) {
        return Err(Error::UnprovedAdministrator);
    }
    let id = UserId::new(tx.now);
    // Rolled back with the rest.
    if !store::insert(tx, id, email, name, password.as_ref())? || change_email::find_keeper(tx, email)?.is_some() {
        return Err(Error::Taken);
    }
    store::set_made_by_operator(tx, id)?;
    record(tx, id, "user.created")?;
    if *address == Address::Vouched {
        store::set_verified(tx, id)?;
        record(tx, id, "email.verified")?;
    }
    if *rank == Rank::Administrator {
        store::set_admin(tx, id)?;
        store::delete_setup_link(tx)?;
        record(tx, id, "user.promoted")?;
    }
    Ok((id, invite(tx, app, id, newcomer)?))
}

fn invite(tx: &mut Tx<'_>, app: &App, id: UserId, newcomer: &Newcomer) -> Result<Invited, Error> {
    let email = &newcomer.email;
    match (&newcomer.password, newcomer.address) {
        (None, Address::Vouched | Address::Unproved) => {
            let token = reset::issue_first_link(tx, app, id, email)?;
            mail::enqueue(tx, &app.sealer, email, Some(id), Letter::AccountMade { token })?;
            Ok(Invited::ToChoosePassword)
        }
        (Some(_), Address::Unproved) => {
            verify_email::send_link(tx, app, id, email)?;
            Ok(Invited::ToProveAddress)
        }
        (Some(_), Address::Vouched) => Ok(Invited::NotAtAll),
    }
}

fn record(tx: &mut Tx<'_>, user: UserId, kind: &'static str) -> Result<(), db::Error> {
    audit::record(tx, Event::about(user, kind).with("by", "operator"))
}
