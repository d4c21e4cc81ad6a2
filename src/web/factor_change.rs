//! Changes of factors, for the pages and the API alike. Each gives the session that it comes from another id.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;

use super::failure::Failure;
use super::{cookies, session_store};
use crate::app::App;
use crate::factors::recovery::{self, RecoveryCode};
use crate::factors::totp::{self, Enabling, SetUp, Started};
use crate::factors::{self, Factors, Holder};
use crate::kernel::{Origin, Redacted};
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

    pub async fn enable_totp(&self, code: Redacted) -> Result<Codes, Failure> {
        let (app, holder) = (self.app.clone(), self.holder());
        match self.app.db.write(self.origin, move |tx| totp::enable(tx, &app, &holder, &code)).await? {
            Enabling::On(codes, rotated) => self.show(&codes, rotated.as_ref()),
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

    /// The new cookies; 404 when there is nothing to turn off.
    pub async fn disable_totp(&self) -> Result<Vec<Cookie<'static>>, Failure> {
        let (app, holder) = (self.app.clone(), self.holder());
        let disabled = self.app.db.write(self.origin, move |tx| totp::disable(tx, &app, &holder)).await?;
        let disabled = disabled.ok_or(Failure::NotFound)?;
        self.go_on(disabled.rotated.as_ref())
    }

    /// 409 for somebody without an app that could get lost.
    pub async fn replace_codes(&self) -> Result<Codes, Failure> {
        let (app, holder) = (self.app.clone(), self.holder());
        let replaced = self.app.db.write(self.origin, move |tx| recovery::regenerate(tx, &app, &holder)).await?;
        let replaced = replaced.ok_or_else(|| Failure::Conflict("Set up an authenticator app first.".to_owned()))?;
        self.show(&replaced.codes, replaced.rotated.as_ref())
    }

    fn holder(&self) -> Holder {
        Holder::signed_in(self.live, session_store::token(self.request))
    }

    fn show(&self, codes: &[RecoveryCode], rotated: Option<&Opened>) -> Result<Codes, Failure> {
        Ok(Codes { codes: codes.iter().map(RecoveryCode::expose).collect(), cookies: self.go_on(rotated)? })
    }

    /// Gives this browser the cookie of its session as it is now; the others come back.
    fn go_on(&self, rotated: Option<&Opened>) -> Result<Vec<Cookie<'static>>, Failure> {
        let Some(opened) = rotated else { return Ok(Vec::new()) };
        session_store::go_on_as(self.request, self.app, opened, self.live.clone())?;
        Ok(cookies::for_gate(self.app, opened))
    }
}

fn already_on() -> Failure {
    Failure::Conflict("An authenticator app is set up already. Turn it off before you set up another.".to_owned())
}
