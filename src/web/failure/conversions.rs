//! What went wrong below, as it looks from outside.

use super::Failure;
use crate::crypto::Busy;
use crate::sessions::Method;
use crate::stepup::{self, Way};
use crate::{accounts, api_keys, db, domains, factors, mail, orgs, signin, signing_keys, webhooks};

const WRONG_CODE: &str = "This code is not right.";
/// Often it is the one that somebody has just signed in with.
const WRONG_OR_USED_CODE: &str = "This code is not right, or was used already. Enter the next one that your app shows.";
const ANOTHER_BROWSER: &str = "This link signs in the browser that has asked for it, and no other. \
                               POST /auth/magic-link/code shows a code to enter there.";
const WRONG_PASSKEY: &str = "This passkey is not yours, or has not shown that it is you.";
const USED_CODE: &str = "This code was used before. Wait until your app shows the next one.";

impl From<db::Error> for Failure {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Unavailable(cause) => {
                log::error!("the database is not available: {cause}");
                Self::Unavailable
            }
            db::Error::Duplicate(_) | db::Error::Internal(_) => Self::internal(error),
        }
    }
}

impl From<signing_keys::Error> for Failure {
    fn from(error: signing_keys::Error) -> Self {
        match error {
            signing_keys::Error::Db(error) => error.into(),
            error => Self::internal(error),
        }
    }
}

impl From<Busy> for Failure {
    fn from(error: Busy) -> Self {
        log::warn!("{error}");
        Self::Unavailable
    }
}

impl From<mail::Error> for Failure {
    fn from(error: mail::Error) -> Self {
        match error {
            mail::Error::Db(error) => error.into(),
            mail::Error::Unsealable(error) => Self::internal(error),
        }
    }
}

impl From<accounts::signup::Error> for Failure {
    fn from(error: accounts::signup::Error) -> Self {
        use accounts::signup::Error;
        match error {
            Error::ProviderOnly(provider) => Self::SsoRequired(Box::new(provider.into())),
            Error::Closed => Self::Forbidden("New accounts are not being made here.".to_owned()),
            Error::Password(refused) => refused.into(),
            Error::Db(error) => error.into(),
            Error::Mail(error) => error.into(),
        }
    }
}

impl From<accounts::setup::Error> for Failure {
    fn from(error: accounts::setup::Error) -> Self {
        use accounts::setup::Error;
        match error {
            Error::Gone => Self::Gone,
            // Said to the holder of the link only, who is the operator.
            Error::Taken => Self::field(
                "email",
                "This address has an account already. Take another one, or run `vestibule user promote` for it.",
            ),
            Error::Password(refused) => refused.into(),
            Error::Db(error) => error.into(),
        }
    }
}

impl From<accounts::password::Refused> for Failure {
    fn from(error: accounts::password::Refused) -> Self {
        use accounts::password::Refused;
        match error {
            Refused::Weak(weak) => Self::field("password", weak),
            Refused::TooMany(wait) => Self::RateLimited(wait),
            Refused::Busy(busy) => busy.into(),
            Refused::Db(error) => error.into(),
        }
    }
}

impl From<accounts::verify_email::Error> for Failure {
    fn from(error: accounts::verify_email::Error) -> Self {
        use accounts::verify_email::Error;
        match error {
            Error::Gone => Self::Gone,
            Error::PasswordNeeded => Self::field(
                "password",
                "This is not the browser that signed up. Send the password too: the one chosen then, or a new one.",
            ),
            Error::SignInNeeded => Self::Unauthenticated,
            Error::Password(refused) => refused.into(),
            Error::Db(error) => error.into(),
        }
    }
}

impl From<accounts::export::Error> for Failure {
    fn from(error: accounts::export::Error) -> Self {
        use accounts::export::Error;
        match error {
            Error::TooMany(wait) => Self::RateLimited(wait),
            Error::Db(error) => error.into(),
        }
    }
}

impl From<accounts::change_email::Error> for Failure {
    fn from(error: accounts::change_email::Error) -> Self {
        use accounts::change_email::Error;
        match error {
            Error::ProviderOnly(provider) => Self::SsoRequired(Box::new(provider.into())),
            Error::Ended => Self::Unauthenticated,
            Error::Taken => Self::Conflict("This address belongs to an account already. Choose another one.".into()),
            Error::Gone => Self::Gone,
            Error::TooMany(wait) => Self::RateLimited(wait),
            Error::Busy(busy) => busy.into(),
            Error::Db(error) => error.into(),
            Error::Mail(error) => error.into(),
        }
    }
}

impl From<accounts::deletion::Error> for Failure {
    fn from(error: accounts::deletion::Error) -> Self {
        use accounts::deletion::Error;
        match error {
            Error::Ended => Self::Unauthenticated,
            Error::Gone => Self::Gone,
            Error::Organizations(error) => error.into(),
            Error::Staying => {
                Self::Conflict("Your account is not to be deleted: there is nothing to restore.".to_owned())
            }
            Error::Db(error) => error.into(),
            Error::Mail(error) => error.into(),
        }
    }
}

impl From<accounts::verify_email::ResendError> for Failure {
    fn from(error: accounts::verify_email::ResendError) -> Self {
        use accounts::verify_email::ResendError;
        match error {
            ResendError::AlreadyVerified => Self::Conflict("Your address is confirmed already.".to_owned()),
            ResendError::TooMany(wait) => Self::RateLimited(wait),
            ResendError::Db(error) => error.into(),
            ResendError::Mail(error) => error.into(),
        }
    }
}

impl From<accounts::requests::Error> for Failure {
    fn from(error: accounts::requests::Error) -> Self {
        use accounts::requests::Error;
        match error {
            Error::ProviderOnly(provider) => Self::SsoRequired(Box::new(provider.into())),
            Error::TooMany(wait) => Self::RateLimited(wait),
            Error::Db(error) => error.into(),
        }
    }
}

impl From<accounts::reset::Error> for Failure {
    fn from(error: accounts::reset::Error) -> Self {
        use accounts::password::Refused;
        use accounts::reset::Error;
        match error {
            Error::ProviderOnly(provider) => Self::SsoRequired(Box::new(provider.into())),
            Error::Gone => Self::Gone,
            Error::Password(Refused::Weak(weak)) => Self::field("new_password", weak),
            Error::Password(refused) => refused.into(),
            Error::Db(error) => error.into(),
            Error::Mail(error) => error.into(),
        }
    }
}

impl From<accounts::change_password::Error> for Failure {
    fn from(error: accounts::change_password::Error) -> Self {
        use accounts::change_password::Error;
        use accounts::password::Refused;
        match error {
            Error::Ended => Self::Unauthenticated,
            Error::Password(Refused::Weak(weak)) => Self::field("new_password", weak),
            Error::Password(refused) => refused.into(),
            Error::Db(error) => error.into(),
            Error::Mail(error) => error.into(),
        }
    }
}

impl From<signin::password::Error> for Failure {
    fn from(error: signin::password::Error) -> Self {
        use signin::password::Error;
        match error {
            Error::ProviderOnly(provider) => Self::SsoRequired(Box::new(provider.into())),
            Error::WrongCredentials => Self::InvalidCredentials,
            Error::TooMany(wait) => Self::RateLimited(wait),
            Error::Busy(busy) => busy.into(),
            Error::Db(error) => error.into(),
        }
    }
}

impl From<stepup::Error> for Failure {
    fn from(error: stepup::Error) -> Self {
        use stepup::Error;
        match error {
            Error::ProviderOnly(provider) => Self::SsoRequired(Box::new(provider.into())),
            Error::Wrong(Way::Password) => Self::NotProved("The password is not right."),
            Error::Wrong(Way::Totp) => Self::NotProved(WRONG_OR_USED_CODE),
            Error::Wrong(Way::Passkey | Way::Sso) => Self::NotProved(WRONG_PASSKEY),
            Error::NotTheirs(Way::Totp, _) => Self::field("code", "Your account has no authenticator app."),
            Error::NotTheirs(Way::Password, _) => Self::field("password", "Your account has no password."),
            Error::NotTheirs(Way::Passkey | Way::Sso, _) => no_passkey(),
            Error::TooLate => asked_too_long_ago(),
            Error::TooMany(wait) => Self::RateLimited(wait),
            Error::Ended => Self::Unauthenticated,
            Error::Busy(busy) => busy.into(),
            Error::Factors(error) => error.into(),
            Error::Db(error) => error.into(),
        }
    }
}

impl From<signin::magic_link::Error> for Failure {
    fn from(error: signin::magic_link::Error) -> Self {
        use signin::magic_link::Error;
        match error {
            Error::ProviderOnly(provider) => Self::SsoRequired(Box::new(provider.into())),
            Error::Gone => Self::Gone,
            Error::AnotherBrowser => Self::Forbidden(ANOTHER_BROWSER.to_owned()),
            Error::Wrong => Self::NotProved(WRONG_CODE),
            Error::TooMany(wait) => Self::RateLimited(wait),
            Error::Db(error) => error.into(),
        }
    }
}

impl From<signin::passkey::Error> for Failure {
    fn from(error: signin::passkey::Error) -> Self {
        use signin::passkey::Error;
        match error {
            Error::ProviderOnly(provider) => Self::SsoRequired(Box::new(provider.into())),
            Error::Impossible => no_passkey_can_be_here(),
            Error::Wrong => Self::NotProved("This passkey is not known here, or has not shown that it is you."),
            Error::Over => asked_too_long_ago(),
            Error::TooMany(wait) => Self::RateLimited(wait),
            Error::Factors(error) => error.into(),
            Error::Db(error) => error.into(),
        }
    }
}

/// They belong to a name (WebAuthn, section 5.1.3, step 7).
fn no_passkey_can_be_here() -> Failure {
    let why = "There can be no passkeys here: this service is reached by an address, and they belong to a name.";
    Failure::Conflict(why.to_owned())
}

fn no_passkey() -> Failure {
    Failure::Conflict("Your account has no passkey.".to_owned())
}

fn asked_too_long_ago() -> Failure {
    Failure::Conflict("This was begun too long ago, or is done already: begin again.".to_owned())
}

impl From<signin::second_factor::Error> for Failure {
    fn from(error: signin::second_factor::Error) -> Self {
        use signin::second_factor::Error;
        match error {
            Error::ProviderOnly(provider) => Self::SsoRequired(Box::new(provider.into())),
            Error::Over => Self::SignInAgain,
            Error::Wrong(Method::Passkey) => Self::NotProved(WRONG_PASSKEY),
            Error::Wrong(
                Method::Totp
                | Method::RecoveryCode
                | Method::Password
                | Method::SetupLink
                | Method::MagicLink
                | Method::Sso,
            ) => Self::NotProved(WRONG_CODE),
            Error::TooLate => asked_too_long_ago(),
            Error::NoPasskey => no_passkey(),
            Error::Used => Self::NotProved(USED_CODE),
            Error::TooMany(wait) => Self::RateLimited(wait),
            Error::Factors(error) => error.into(),
            Error::Db(error) => error.into(),
        }
    }
}

impl From<api_keys::Error> for Failure {
    fn from(error: api_keys::Error) -> Self {
        use api_keys::{Error, MOST};
        match error {
            Error::Ended => Self::Unauthenticated,
            Error::NotVerified => Self::EmailUnverified,
            Error::TooMany => Self::Conflict(format!(
                "You have {MOST} keys, and there cannot be more. Revoke one that you do not need."
            )),
            Error::Db(error) => error.into(),
            Error::Unsealable(error) => Self::internal(error),
        }
    }
}

impl From<orgs::invitations::Error> for Failure {
    fn from(error: orgs::invitations::Error) -> Self {
        use orgs::invitations::{Error, MOST};
        match error {
            Error::Organization(error) => error.into(),
            Error::NoSuchInvitation => Self::NotFound,
            Error::Gone => Self::Gone,
            Error::AlreadyMember => Self::Conflict("Somebody with this address is a member already.".to_owned()),
            Error::AlreadyInvited => Self::Conflict(
                "There is an invitation to this address already. Send it again, or withdraw it first.".to_owned(),
            ),
            Error::TooMany => Self::Conflict(format!(
                "There are {MOST} invitations, and there cannot be more. Withdraw one that nobody answers."
            )),
            Error::Wait(wait) => Self::RateLimited(wait),
            Error::NotTheirs => Self::Forbidden("This invitation is for another address than yours.".to_owned()),
            Error::Leaving => Self::Conflict("Your account is about to be deleted. Restore it first.".to_owned()),
            Error::Db(error) => error.into(),
            Error::Unsealable(error) => Self::internal(error),
        }
    }
}

impl From<accounts::invited::Error> for Failure {
    fn from(error: accounts::invited::Error) -> Self {
        use accounts::invited::Error;
        match error {
            Error::ProviderOnly(provider) => Self::SsoRequired(Box::new(provider.into())),
            Error::Invitation(error) => error.into(),
            Error::SignInFirst => Self::Unauthenticated,
            Error::Closed => Self::Forbidden("New accounts are not being made here.".to_owned()),
            Error::Kept => Self::Conflict(
                "An account has left this address a short while ago and can still have it back. Try again in three days."
                    .to_owned(),
            ),
            Error::Password(refused) => refused.into(),
            Error::Db(error) => error.into(),
        }
    }
}

impl From<orgs::groups::Error> for Failure {
    fn from(error: orgs::groups::Error) -> Self {
        use orgs::groups::{Error, MOST};
        match error {
            Error::Organization(error) => error.into(),
            Error::NoSuchGroup => Self::NotFound,
            Error::NameTaken => Self::Conflict("Another group has this name. Capitals make no difference.".to_owned()),
            Error::TooMany => Self::Conflict(format!(
                "There are {MOST} groups, and there cannot be more. Delete one that nobody needs."
            )),
            Error::Db(error) => error.into(),
        }
    }
}

impl From<orgs::Error> for Failure {
    fn from(error: orgs::Error) -> Self {
        use orgs::{Error, MOST_OWNED};
        match error {
            Error::NotAMember | Error::NoSuchMember => Self::NotFound,
            Error::NotPermitted => Self::Forbidden("Your role in this organization does not allow that.".to_owned()),
            // Whoever asks knows what the answer to it needs: see `membership::Belongs::or_confirm`.
            Error::NotConfirmed => Self::internal("a confirmation was missing and nobody asked for it"),
            Error::LastOwner => Self::Conflict(
                "An organization needs an owner, and there is no other one. Hand it over to somebody first, or delete it."
                    .to_owned(),
            ),
            Error::CannotOwn => Self::Conflict(
                "This person cannot become its owner: choose another member, with a confirmed address and an account \
                 that stays."
                    .to_owned(),
            ),
            Error::NotVerified => Self::EmailUnverified,
            Error::NoSecondFactor => {
                Self::Conflict("Set up a second factor of your own before you ask others for one.".to_owned())
            }
            Error::SlugTaken => Self::Conflict("This short name is taken, or was. Choose another one.".to_owned()),
            Error::TooMany => Self::Conflict(format!(
                "You own {MOST_OWNED} organizations, and there cannot be more. Hand one of them over first."
            )),
            Error::Ended => Self::Unauthenticated,
            Error::Db(error) => error.into(),
            Error::Unsealable(error) => Self::internal(error),
        }
    }
}

impl From<webhooks::Error> for Failure {
    fn from(error: webhooks::Error) -> Self {
        use webhooks::{Error, MOST};
        match error {
            Error::Unknown => Self::NotFound,
            Error::TooMany => Self::Conflict(format!(
                "There are {MOST} webhooks, and there cannot be more. Remove one that is not needed."
            )),
            Error::Disabled => Self::Conflict("This webhook is turned off. Turn it on first.".to_owned()),
            Error::Orgs(error) => error.into(),
            Error::Db(error) => error.into(),
            Error::Unsealable(error) => Self::internal(error),
        }
    }
}

impl From<domains::Error> for Failure {
    fn from(error: domains::Error) -> Self {
        use domains::{Error, MOST};
        match error {
            Error::Unknown | Error::NoSuchConnection => Self::NotFound,
            Error::Repeated => Self::Conflict("This domain is here already.".to_owned()),
            Error::TooMany => Self::Conflict(format!(
                "There are {MOST} domains, and there cannot be more. Remove one that is not needed."
            )),
            Error::Taken => Self::Conflict(
                "Another organization has proved that this domain is its own. It has to remove it there first."
                    .to_owned(),
            ),
            Error::Wait(wait) => Self::RateLimited(wait),
            Error::Orgs(error) => error.into(),
            Error::Db(error) => error.into(),
            Error::Unsealable(error) => Self::internal(error),
        }
    }
}

impl From<factors::Error> for Failure {
    fn from(error: factors::Error) -> Self {
        match error {
            factors::Error::Db(error) => error.into(),
            factors::Error::Ended => Self::Unauthenticated,
            factors::Error::Unsealable(_) | factors::Error::Unusable(_) => Self::internal(error),
        }
    }
}
