//! Changes of factors, for the pages and the API alike. Each gives the session that it comes from another id.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;

use super::failure::Failure;
use super::{cookies, session_store};
use crate::accounts::passwordless::{self, PasskeyRemoval, Removal};
use crate::app::App;
use crate::db::Tx;
use crate::factors::passkeys::{self, Asked, Finished, Passkey, Registration, Started as Begun};
use crate::factors::recovery::{self, RecoveryCode};
use crate::factors::totp::{self, Disabling, Enabling, SetUp, Started};
use crate::factors::{self, Factors, Holder};
use crate::kernel::{Origin, PasskeyId, Redacted};
use crate::sessions::{Live, Opened};

/// Who changes theirs, in which request.
pub struct Change<'a> {
    app: &'a App,
    live: &'a Live,
    origin: &'a Origin,
    request: &'a HttpRequest,
}

/// Codes that are shown once, and the new cookies beside that of the session.
pub struct Codes {
    pub codes: Vec<String>,
    pub cookies: Vec<Cookie<'static>>,
}

/// A factor was made: with codes when it is the first.
pub struct Made {
    pub codes: Option<Vec<String>>,
    pub cookies: Vec<Cookie<'static>>,
}

/// How the authenticator app of somebody stands.
pub enum Standing {
    Off,
    /// It waits for its first code.
    SetUp(SetUp),
    On,
}

impl<'a> Change<'a> {
    pub fn by(app: &'a App, live: &'a Live, origin: &'a Origin, request: &'a HttpRequest) -> Self {
        Self { app, live, origin, request }
    }

    /// 409 when there is an enabled one.
    pub async fn start_totp(&self) -> Result<SetUp, Failure> {
        let (app, holder) = (self.app.clone(), self.holder());
        match self.app.db.write(self.origin, move |tx| totp::start(tx, &app, &holder)).await? {
            Started::SetUp(set_up) => Ok(set_up),
            Started::AlreadyOn => Err(already_on()),
        }
    }

    pub async fn look_at_totp(&self) -> Result<(Standing, Factors), Failure> {
        let (app, holder) = (self.app.clone(), self.holder());
        let found = self.app.db.read(move |tx| {
            let factors = factors::list(tx, holder.user)?;
            let standing = match totp::find_set_up(tx, &app, &holder)? {
                Some(set_up) => Standing::SetUp(set_up),
                None if factors.totp => Standing::On,
                None => Standing::Off,
            };
            Ok::<_, factors::Error>((standing, factors))
        });
        Ok(found.await?)
    }

    pub async fn enable_totp(&self, code: Redacted) -> Result<Made, Failure> {
        let (app, holder) = (self.app.clone(), self.holder());
        match self.app.db.write(self.origin, move |tx| totp::enable(tx, &app, &holder, &code)).await? {
            Enabling::On(codes, rotated) => self.made(codes.as_deref(), rotated.as_ref()),
            Enabling::WrongCode => {
                Err(Failure::field("code", "This code is not right. Enter the one that your app shows now."))
            }
            Enabling::NotSetUp => {
                Err(Failure::Conflict("There is nothing to enable, or it was set up too long ago: begin again.".into()))
            }
            Enabling::AlreadyOn => Err(already_on()),
            Enabling::Wait(wait) => Err(Failure::RateLimited(wait)),
        }
    }

    /// The new cookies; 404 when there is nothing to turn off, 409 when it has to stay.
    pub async fn disable_totp(&self) -> Result<Vec<Cookie<'static>>, Failure> {
        let (app, holder) = (self.app.clone(), self.holder());
        match self.app.db.write(self.origin, move |tx| totp::disable(tx, &app, &holder)).await? {
            Disabling::Off(rotated) => self.go_on(rotated.as_ref()),
            Disabling::NoneThere => Err(Failure::NotFound),
            Disabling::Required => Err(has_to_stay()),
        }
    }

    /// 409 where there can be none, or not one more.
    pub async fn start_passkey(&self) -> Result<Asked, Failure> {
        let (app, live, session) = (self.app.clone(), self.live.clone(), session_store::token(self.request));
        let start = move |tx: &mut Tx<'_>| passkeys::start(tx, &app, &live, session.as_ref());
        match self.app.db.write(self.origin, start).await? {
            Begun::Asked(asked) => Ok(asked),
            Begun::TooMany => Err(too_many()),
            Begun::Impossible => Err(Failure::Conflict(
                "There can be no passkeys here: this service is reached by an address, and they belong to a name."
                    .to_owned(),
            )),
        }
    }

    pub async fn finish_passkey(&self, answer: Registration) -> Result<(Passkey, Made), Failure> {
        let (app, live, session) = (self.app.clone(), self.live.clone(), session_store::token(self.request));
        let finish = move |tx: &mut Tx<'_>| passkeys::finish(tx, &app, &live, session, answer);
        match self.app.db.write(self.origin, finish).await? {
            Finished::Added(added) => {
                let made = self.made(added.codes.as_deref(), added.rotated.as_ref())?;
                Ok((added.passkey, made))
            }
            Finished::Over => {
                Err(Failure::Conflict("This was begun too long ago, or is done already: begin again.".to_owned()))
            }
            Finished::Refused => Err(Failure::field("credential", "This passkey was not accepted. Begin again.")),
            Finished::Taken => Err(Failure::Conflict("This passkey is registered already.".to_owned())),
            Finished::TooMany => Err(too_many()),
        }
    }

    /// The new cookies; 404 when they have no such key, 409 when nothing else would let them in.
    pub async fn remove_passkey(&self, id: PasskeyId) -> Result<Vec<Cookie<'static>>, Failure> {
        let (app, holder) = (self.app.clone(), self.holder());
        let work = move |tx: &mut Tx<'_>| passwordless::remove_passkey(tx, &app, &holder, id);
        match self.app.db.write(self.origin, work).await? {
            PasskeyRemoval::Removed(rotated) => self.go_on(rotated.as_ref()),
            PasskeyRemoval::NotTheirs => Err(Failure::NotFound),
            PasskeyRemoval::Required => Err(has_to_stay()),
            PasskeyRemoval::OnlyWayIn => Err(Failure::Conflict(
                "This is your last passkey, and you have no password: nothing else would let you in. Choose a password \
                 first, or add another passkey."
                    .to_owned(),
            )),
        }
    }

    /// The new cookies; 404 when there is no password, 409 for somebody without a passkey, 403 where the address is not
    /// proved.
    pub async fn remove_password(&self) -> Result<Vec<Cookie<'static>>, Failure> {
        let (app, holder) = (self.app.clone(), self.holder());
        let work = move |tx: &mut Tx<'_>| passwordless::remove(tx, &app, &holder);
        match self.app.db.write(self.origin, work).await? {
            Removal::Removed(rotated) => self.go_on(rotated.as_ref()),
            Removal::HadNone => Err(Failure::NotFound),
            Removal::NoPasskey => {
                Err(Failure::Conflict("Add a passkey first: without a password nothing else would let you in.".into()))
            }
            Removal::AddressUnproved => Err(Failure::EmailUnverified),
        }
    }

    /// 409 for somebody without anything that could get lost.
    pub async fn replace_codes(&self) -> Result<Codes, Failure> {
        let (app, holder) = (self.app.clone(), self.holder());
        let replaced = self.app.db.write(self.origin, move |tx| recovery::regenerate(tx, &app, &holder)).await?;
        let replaced =
            replaced.ok_or_else(|| Failure::Conflict("Set up an authenticator app or a passkey first.".to_owned()))?;
        self.show(&replaced.codes, replaced.rotated.as_ref())
    }

    fn holder(&self) -> Holder {
        Holder::signed_in(self.live, session_store::token(self.request))
    }

    fn show(&self, codes: &[RecoveryCode], rotated: Option<&Opened>) -> Result<Codes, Failure> {
        Ok(Codes { codes: expose(codes), cookies: self.go_on(rotated)? })
    }

    fn made(&self, codes: Option<&[RecoveryCode]>, rotated: Option<&Opened>) -> Result<Made, Failure> {
        Ok(Made { codes: codes.map(expose), cookies: self.go_on(rotated)? })
    }

    /// Gives this browser the cookie of its session as it is now; the others come back.
    fn go_on(&self, rotated: Option<&Opened>) -> Result<Vec<Cookie<'static>>, Failure> {
        let Some(opened) = rotated else { return Ok(Vec::new()) };
        session_store::go_on_as(self.request, self.app, opened, self.live.clone())?;
        Ok(cookies::for_gate(self.app, opened))
    }
}

fn expose(codes: &[RecoveryCode]) -> Vec<String> {
    codes.iter().map(RecoveryCode::expose).collect()
}

fn too_many() -> Failure {
    let sentence = format!("You have {} passkeys, and more there cannot be. Remove one first.", passkeys::MOST);
    Failure::Conflict(sentence)
}

fn has_to_stay() -> Failure {
    let sentence = "This is your last second factor, and an organization that you belong to asks for one. Set up another \
                    one first, or leave the organization.";
    Failure::Conflict(sentence.to_owned())
}

fn already_on() -> Failure {
    Failure::Conflict("An authenticator app is set up already. Turn it off before you set up another.".to_owned())
}
