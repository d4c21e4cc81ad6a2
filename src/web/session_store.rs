//! actix-session over our own sessions.
//!
//! The row is made in the handler's transaction; what reaches `save` afterwards is the token to put into the
//! cookie. `load` finds the live session and hands it to the request as state. Nothing else is kept in the state,
//! so there is nothing to update, and an ended session cannot come back to life here.

use std::collections::HashMap;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{Session, SessionExt as _};
use actix_web::cookie::time::Duration;
use actix_web::{HttpMessage as _, HttpRequest};
use serde::Serialize;

use super::cookies;
use super::failure::Failure;
use crate::app::App;
use crate::db::{self, Tx};
use crate::kernel::{Origin, Token};
use crate::sessions::{self, Activity, EndReason, Live, Opened};

/// State keys: what `load` gives to the request, and the token that `save` takes from it.
const LIVE: &str = "live";
const TOKEN: &str = "token";
/// In place of [`LIVE`] when PostgreSQL could not be asked. A failing `load` would be an answer without a page.
const UNAVAILABLE: &str = "unavailable";

/// In place of [`LIVE`] for a browser that was signed in: why it is not any more.
const ENDED: &str = "ended";

pub struct Store {
    pub app: App,
    /// What the gate has seen of people counts here as well.
    pub activity: Activity,
}

/// For how long the browser is to keep the session cookie; read by [`super::layers::keep_signed_in`].
#[derive(Clone, Copy)]
pub struct KeepFor(pub chrono::TimeDelta);

impl SessionStore for Store {
    async fn load(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        let Some(token) = Token::parse(key.as_ref()) else { return Ok(None) };
        match self.look_up(&token).await {
            Ok(Known::Live(live)) => Ok(Some(HashMap::from([json(LIVE, &live)?, json(TOKEN, &token.expose())?]))),
            Ok(Known::Ended(reason)) => Ok(Some(HashMap::from([json(ENDED, &reason)?]))),
            Ok(Known::Nobody) => Ok(None),
            Err(error) => Ok(Some(HashMap::from([json(UNAVAILABLE, &error.to_string())?]))),
        }
    }

    async fn save(&self, state: HashMap<String, String>, _ttl: &Duration) -> Result<SessionKey, SaveError> {
        let token = state.get(TOKEN).and_then(|json| serde_json::from_str::<String>(json).ok());
        let key = token.and_then(|token| SessionKey::try_from(token).ok());
        key.ok_or_else(|| SaveError::Other(anyhow::anyhow!("a session is opened by signing in only")))
    }

    async fn update(
        &self,
        key: SessionKey,
        _state: HashMap<String, String>,
        _ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        Ok(key)
    }

    async fn update_ttl(&self, _key: &SessionKey, _ttl: &Duration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    /// The handler has ended the session already; this finds one that it missed.
    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let Some(token) = Token::parse(key.as_ref()) else { return Ok(()) };
        let origin = Origin::system("session cookie");
        let end = move |tx: &mut Tx<'_>| sessions::revoke_by_token(tx, &token, EndReason::SignedOut);
        Ok(self.app.db.write::<(), db::Error, _>(&origin, end).await?)
    }
}

/// What a portal token comes to.
enum Known {
    Live(Box<Live>),
    Ended(EndReason),
    Nobody,
}

impl Store {
    async fn look_up(&self, token: &Token) -> Result<Known, db::Error> {
        if let Some(live) = sessions::find_by_token(&self.app, &self.activity, token).await? {
            return Ok(Known::Live(Box::new(live)));
        }
        Ok(sessions::why_ended(&self.app, token).await?.map_or(Known::Nobody, Known::Ended))
    }
}

fn json(key: &str, value: &impl Serialize) -> Result<(String, String), LoadError> {
    let text = serde_json::to_string(value).map_err(|error| LoadError::Other(error.into()))?;
    Ok((key.to_owned(), text))
}

/// The live session of a request, if it has one.
pub fn live(request: &HttpRequest) -> Result<Option<Live>, Failure> {
    let session = request.get_session();
    if let Ok(Some(cause)) = session.get::<String>(UNAVAILABLE) {
        log::error!("looking up a session: {cause}");
        return Err(Failure::Unavailable);
    }
    session.get::<Live>(LIVE).map_err(Failure::internal)
}

/// The portal token this browser came with, if its session is live.
pub fn token(request: &HttpRequest) -> Option<Token> {
    let text = request.get_session().get::<String>(TOKEN).ok().flatten()?;
    Token::parse(&text)
}

/// Why this browser is not signed in, if it was.
pub fn why_ended(request: &HttpRequest) -> Option<EndReason> {
    request.get_session().get::<EndReason>(ENDED).ok().flatten()
}

/// The session and the token that this browser came with, if they are good for being exchanged and nothing else.
pub fn due(request: &HttpRequest) -> Option<(Live, Token)> {
    let live = request.get_session().get::<Live>(LIVE).ok().flatten().filter(|live| live.is_rotation_due)?;
    Some((live, token(request)?))
}

/// Gives this browser the cookie of a session just opened.
pub fn establish(request: &HttpRequest, app: &App, opened: &Opened) -> Result<(), Failure> {
    let session: Session = request.get_session();
    session.renew();
    session.clear();
    request.extensions_mut().remove::<KeepFor>();
    if let Some(lasts) = cookies::lasting(app, opened) {
        request.extensions_mut().insert(KeepFor(lasts));
    }
    session.insert(TOKEN, opened.token.expose()).map_err(Failure::internal)
}

/// The same for a session that goes on with another id, which this very request acts in from now on.
pub fn go_on_as(request: &HttpRequest, app: &App, opened: &Opened, before: Live) -> Result<(), Failure> {
    establish(request, app, opened)?;
    let live = Live { session: opened.id, is_rotation_due: false, ..before };
    request.get_session().insert(LIVE, live).map_err(Failure::internal)
}

/// Takes the session cookie away again.
pub fn forget(request: &HttpRequest) {
    request.extensions_mut().remove::<KeepFor>();
    request.get_session().purge();
}
