//! People: how they sign up, prove their address, choose a password and a name.
//!
//! An account exists from the sign-up on, unverified. Whoever first proves the address (see
//! [`verify_email`]) owns it, and nothing put on the account by somebody who had not proved it survives.

pub mod activity;
pub mod by_provider;
pub mod change_email;
pub mod change_password;
pub mod deletion;
pub mod disabling;
pub mod export;
pub mod import;
pub mod invited;
pub mod magic_link;
pub mod making;
pub mod mfa_reset;
pub mod password;
pub mod passwordless;
pub mod profile;
pub mod promotion;
pub mod requests;
pub mod reset;
pub mod roster;
pub mod setup;
pub mod signup;
mod store;
pub mod unverified;
pub mod verify_email;

use chrono::{DateTime, Utc};

use crate::crypto::PasswordHash;
use crate::db::{self, ReadTx, Tx};
use crate::factors::Holder;
use crate::kernel::{EmailAddress, UserId};

pub use deletion::{Cause, erase};
pub use profile::Name;

/// Links that no longer work are removed so many a statement.
pub const OLD_LINKS: usize = 1_000;

/// A person's account.
#[derive(Clone, Debug)]
pub struct User {
    pub id: UserId,
    pub email: EmailAddress,
    pub email_verified_at: Option<DateTime<Utc>>,
    pub name: String,
    pub created_at: DateTime<Utc>,
    /// Until when they can come back; `None` for somebody who stays.
    pub deletes_at: Option<DateTime<Utc>>,
}

impl From<&User> for Holder {
    fn from(user: &User) -> Self {
        Self { user: user.id, email: user.email.clone(), is_verified: user.is_verified(), session: None }
    }
}

impl User {
    pub fn is_verified(&self) -> bool {
        self.email_verified_at.is_some()
    }
}

/// What a password is checked against.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub user: UserId,
    pub password: Option<PasswordHash>,
    /// Nothing opens it any more: it is disabled, or its person has left and is about to be erased.
    pub is_disabled: bool,
}

pub fn find(tx: &mut ReadTx<'_>, id: UserId) -> Result<Option<User>, db::Error> {
    store::find(tx, id)
}

/// `None` for an address without an account.
pub fn find_credentials(tx: &mut ReadTx<'_>, email: &EmailAddress) -> Result<Option<Credentials>, db::Error> {
    store::find_credentials(tx, &email.key())
}

/// The same for somebody who is known by now.
pub fn find_credentials_of(tx: &mut ReadTx<'_>, id: UserId) -> Result<Option<Credentials>, db::Error> {
    store::find_credentials_of(tx, id)
}

/// The same, held until the transaction ends: the person may have been changed since they were read.
pub fn lock_credentials(tx: &mut Tx<'_>, id: UserId) -> Result<Option<Credentials>, db::Error> {
    store::lock_credentials(tx, id)
}

/// Replaces a hash by one of the same password as passwords are hashed now.
pub fn renew_hash(tx: &mut Tx<'_>, id: UserId, hash: &PasswordHash) -> Result<(), db::Error> {
    store::set_password(tx, id, hash)
}
