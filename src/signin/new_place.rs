//! Telling people that somebody signed in to their account from where they never did.

use crate::accounts::{self, User};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{self, Tx};
use crate::kernel::EmailAddress;
use crate::mail::{self, Letter};
use crate::sessions::{self, Opened};
use crate::throttle::{self, Admission, Key};

/// What became of the letter.
#[derive(Clone, Copy)]
enum Told {
    ByLetter,
    /// The address may be a stranger's, who is not to learn when and from where somebody signs in.
    AddressUnproved,
    /// Not yet: the place is forgotten again, so that whoever keeps coming from there is told of in the end.
    TooManyLetters,
    Failed,
}

impl Told {
    fn as_str(self) -> &'static str {
        match self {
            Self::ByLetter => "queued",
            Self::AddressUnproved => "address_unproved",
            Self::TooManyLetters => "too_many",
            Self::Failed => "failed",
        }
    }
}

/// Always in the audit, and by a letter where there is somebody to write to. No reason to turn anybody away.
pub(super) fn tell(tx: &mut Tx<'_>, app: &App, opened: &Opened) -> Result<(), db::Error> {
    let owner = accounts::find(tx, opened.user)?.filter(User::is_verified);
    let told = match owner {
        Some(owner) => write(tx, app, opened, &owner.email)?,
        None => Told::AddressUnproved,
    };
    audit::record(tx, Event::about(opened.user, "place.new").with("letter", told.as_str()))
}

fn write(tx: &mut Tx<'_>, app: &App, opened: &Opened, to: &EmailAddress) -> Result<Told, db::Error> {
    let key = Key::new_place_mail_to(to, app.settings.limits.mail_per_account);
    if throttle::admit(tx, &[key])? != Admission::Admitted {
        if let Some(address) = tx.origin.address {
            sessions::forget_place(tx, opened.user, address)?;
        }
        return Ok(Told::TooManyLetters);
    }
    let Some(token) = sessions::issue_link(tx, opened, to)? else { return Ok(Told::Failed) };
    match mail::enqueue(tx, &app.sealer, to, Some(opened.user), Letter::NewPlace { token }) {
        Ok(_) => Ok(Told::ByLetter),
        Err(mail::Error::Db(error)) => Err(error),
        Err(mail::Error::Unsealable(error)) => {
            log::error!("a letter about a new place could not be written: {error}");
            Ok(Told::Failed)
        }
    }
}
