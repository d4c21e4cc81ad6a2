//! People brought over from another system, many at a time.
//!
//! The operator vouches for what they bring: whose address was proved there counts as proved here. Nobody who has an
//! account is touched, so the same people may be brought again, and an import that broke off is begun anew. Nobody is
//! written to.

mod read;
mod store;

use chrono::{DateTime, Utc};

pub use read::{Field, Value, Wrong};

use super::{Name, change_email};
use crate::audit;
use crate::crypto::PasswordHash;
use crate::db::{self, ReadTx, Tx};
use crate::kernel::{EmailAddress, UserId};

/// Somebody who is to have an account.
#[derive(Clone, Debug)]
pub struct Newcomer {
    pub email: EmailAddress,
    pub name: Name,
    /// Of any system; without one, "Forgot your password?" leads to a first one.
    pub password: Option<PasswordHash>,
    pub is_verified: bool,
    /// Since when they have had their account; from now on, where nobody knows.
    pub created_at: Option<DateTime<Utc>>,
    pub is_disabled: bool,
}

/// What becomes of somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    Imported,
    /// The address has an account, which stays as it is.
    AlreadyThere,
    /// Somebody has left the address and may come back to it.
    Kept,
}

/// Makes accounts, all in this transaction. No two of the people have one address. One [`Fate`] each, in their order.
pub fn import(tx: &mut Tx<'_>, people: &[Newcomer]) -> Result<Vec<Fate>, db::Error> {
    let ids: Vec<UserId> = people.iter().map(|_| UserId::new(tx.now)).collect();
    let keys: Vec<String> = people.iter().map(|person| person.email.key()).collect();
    let made = store::insert(tx, &ids, &keys, people)?;
    // After the insertion, which waits for whoever is just leaving an address.
    let kept = change_email::list_kept(tx, &keys)?;
    let fate = |(id, key)| match (made.contains(id), kept.contains(key)) {
        (true, false) => Fate::Imported,
        (true, true) => Fate::Kept,
        (false, _) => Fate::AlreadyThere,
    };
    let fates: Vec<Fate> = ids.iter().zip(&keys).map(fate).collect();
    let whose = |fate| ids.iter().zip(&fates).filter(move |(_, own)| **own == fate).map(|(id, _)| *id).collect();
    let (imported, taken_back): (Vec<UserId>, Vec<UserId>) = (whose(Fate::Imported), whose(Fate::Kept));
    store::delete(tx, &taken_back)?;
    audit::record_of_each(tx, &imported, "user.imported")?;
    Ok(fates)
}

/// What [`import`] would come to just now.
pub fn foresee(tx: &mut ReadTx<'_>, people: &[Newcomer]) -> Result<Vec<Fate>, db::Error> {
    let keys: Vec<String> = people.iter().map(|person| person.email.key()).collect();
    let (taken, kept) = (store::list_taken(tx, &keys)?, change_email::list_kept(tx, &keys)?);
    let fate = |key| match (taken.contains(key), kept.contains(key)) {
        (true, _) => Fate::AlreadyThere,
        (false, true) => Fate::Kept,
        (false, false) => Fate::Imported,
    };
    Ok(keys.iter().map(fate).collect())
}
