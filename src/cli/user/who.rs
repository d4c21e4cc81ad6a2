//! Whom a command is about, as its caller names them.

use std::fmt;

use anyhow::Context as _;

use crate::accounts::{self, User, roster};
use crate::db::{self, Db, ReadTx, Tx};
use crate::kernel::{EmailAddress, Origin, UserId, email};

/// A person, by their address or by the id of their account.
#[derive(Clone, Debug)]
pub(in crate::cli) enum Who {
    Address(EmailAddress),
    Id(UserId),
}

impl Who {
    /// An address has an `@`, an id has none.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, email::Invalid> {
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => EmailAddress::parse(text).map(Self::Address),
        }
    }

    /// `None` when nobody has this address, or there is no such account.
    pub(in crate::cli) fn find(&self, tx: &mut ReadTx<'_>) -> Result<Option<User>, db::Error> {
        let id = match self {
            Self::Address(email) => roster::find_holder(tx, email)?,
            Self::Id(id) => Some(*id),
        };
        match id {
            Some(id) => accounts::find(tx, id),
            None => Ok(None),
        }
    }

    /// Does something to them on behalf of the operator, in one transaction; an error where there is no such person.
    pub(in crate::cli) async fn change<T: Send + 'static>(
        &self,
        db: &Db,
        command: &str,
        step: fn(&mut Tx<'_>, UserId) -> Result<T, db::Error>,
    ) -> anyhow::Result<(T, User)> {
        let (who, origin) = (self.clone(), Origin::operator(command));
        let done = db.write::<_, db::Error, _>(&origin, move |tx| match who.find(tx)? {
            Some(user) => Ok(Some((step(tx, user.id)?, user))),
            None => Ok(None),
        });
        self.known(done.await?)
    }

    pub(in crate::cli) fn known<T>(&self, found: Option<T>) -> anyhow::Result<T> {
        found.with_context(|| self.unknown())
    }

    /// What to say of nobody.
    pub(in crate::cli) fn unknown(&self) -> String {
        match self {
            Self::Address(email) => format!("{email} has no account"),
            Self::Id(id) => format!("there is no account {id}"),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(email) => email.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_named_by_their_address_or_by_the_id_of_their_account() {
        assert!(matches!(Who::parse("Ann@Example.com"), Ok(Who::Address(_))));
        assert!(matches!(Who::parse("0192f0c1-2f3a-7bcd-8def-0123456789ab"), Ok(Who::Id(_))));
        for neither in ["", "ann", "0192f0c1", "ann@", "0192f0c1-2f3a-7bcd-8def-0123456789ab@"] {
            assert!(Who::parse(neither).is_err(), "{neither}");
        }
    }
}
