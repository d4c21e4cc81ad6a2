use chrono::{DateTime, Utc};

use super::{Missing, list_break_glass, missing, store};
use crate::db::{self, ReadTx};
use crate::kernel::UserId;
use crate::sso::connections::Connection;

/// People that are named at once; all of them are counted.
pub const MOST_SHOWN: usize = 200;

/// What it would mean for a connection to be the only way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Preflight {
    /// Why it cannot be yet; nothing when it can.
    pub missing: Vec<Missing>,
    /// Accounts with addresses in its proved domains.
    pub affected: i64,
    /// Of these, how many have signed in by it.
    pub have_signed_in: i64,
    /// Of these, how many are no members of the organization.
    pub strangers: i64,
    /// Those who have never signed in by it come first; [`MOST_SHOWN`] of them.
    pub people: Vec<Affected>,
    /// Addresses of the owners who may sign in without it, whatever domain they are in.
    pub break_glass: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and shown as one")]
pub struct Affected {
    pub user: UserId,
    pub email: String,
    /// May be empty.
    pub name: String,
    pub is_member: bool,
    /// How they can sign in now.
    pub has_password: bool,
    pub has_passkey: bool,
    /// When they last signed in by this connection.
    pub last_by_provider: Option<DateTime<Utc>>,
    /// May still sign in with the password.
    pub is_break_glass: bool,
}

/// Of a connection as it is now.
pub fn preflight(tx: &mut ReadTx<'_>, connection: &Connection) -> Result<Preflight, db::Error> {
    let missing = missing(tx, connection)?;
    let (affected, have_signed_in, strangers) = store::count_affected(tx, connection.id)?;
    let most = i64::try_from(MOST_SHOWN).unwrap_or(i64::MAX);
    let people = store::list_affected(tx, connection.id, most)?;
    let named = list_break_glass(tx, connection)?;
    let break_glass = named.iter().map(|owner| owner.email.to_string()).collect();
    Ok(Preflight { missing, affected, have_signed_in, strangers, people, break_glass })
}
