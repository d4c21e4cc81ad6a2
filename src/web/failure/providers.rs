//! What goes wrong with organizations' identity providers, as it looks from outside.

use super::Failure;
use crate::sso;

impl From<sso::identities::Error> for Failure {
    fn from(error: sso::identities::Error) -> Self {
        use sso::identities::Error;
        match error {
            Error::Gone | Error::Another => Self::Gone,
            Error::Unverified => Self::EmailUnverified,
            Error::NotAMember => Self::Forbidden("Your account does not belong to this organization.".to_owned()),
            Error::Taken => Self::Conflict("This sign-in is connected to another account.".to_owned()),
            Error::Ended => Self::Unauthenticated,
            Error::Db(error) => error.into(),
        }
    }
}

impl From<sso::reports::Error> for Failure {
    fn from(error: sso::reports::Error) -> Self {
        use sso::reports::Error;
        match error {
            Error::Db(error) => error.into(),
            Error::Unsealable(_) | Error::Unreadable(_) => Self::internal(error),
        }
    }
}

impl From<sso::connections::Error> for Failure {
    fn from(error: sso::connections::Error) -> Self {
        use sso::connections::{Error, MOST, keys::MOST_KEYS};
        match error {
            Error::Unknown | Error::NoSuchKey => Self::NotFound,
            Error::TooMany => Self::Conflict(format!(
                "There are {MOST} connections, and there cannot be more. Remove one that is not needed."
            )),
            Error::NotReady(missing) => {
                let why: Vec<&str> =
                    missing.into_iter().map(sso::connections::enforcement::Missing::sentence).collect();
                Self::Conflict(why.join(" "))
            }
            Error::TooFarAhead => Self::field("enforced_from", "Choose a day within the next 90 days."),
            Error::NoSuchOwner(given) => {
                Self::field("break_glass", format!("{given} is no owner of this organization who could sign in."))
            }
            Error::KeySigns => Self::Conflict("Requests are signed with this key. Let another one sign first.".into()),
            Error::TooManyKeys => Self::Conflict(format!(
                "There are {MOST_KEYS} keys, and there cannot be more. Remove one that is not needed."
            )),
            Error::NoSuchGroup(group) => {
                Self::field("group_groups", format!("There is no group {group} in this organization."))
            }
            Error::Domains(error) => error.into(),
            Error::Orgs(error) => error.into(),
            Error::Db(error) => error.into(),
            Error::Unsealable(error) => Self::internal(error),
        }
    }
}
