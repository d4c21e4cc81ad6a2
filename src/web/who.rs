//! Who is asking, as a handler's parameter: what a handler asks for, it cannot be reached without.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};

use super::bearer;
use super::enrollment;
use super::failure::Failure;
use super::layers::Caller;
use super::reauth;
use super::session_store;
use crate::api_keys::Scope;
use crate::app::App;
use crate::kernel::{DeviceId, Origin, UserId};
use crate::sessions::Live;

/// Somebody with a live session, verified or not. Whoever has asked to be deleted gets no further than
/// [`SignedInOrLeaving`], so what does not say otherwise is closed to them; and whoever lacks a second factor that is
/// asked for gets to what [`enrollment`] leaves open.
pub struct SignedIn {
    pub live: Live,
    /// The request, made by them.
    pub origin: Origin,
}

/// Somebody who has confirmed, not long ago and in this very session, that it is them. What is dangerous asks for it.
pub struct Fresh {
    pub live: Live,
    /// The request, made by them.
    pub origin: Origin,
}

/// Somebody with a live session, whether they stay or have asked to be deleted. For what these can still do: come back,
/// sign out, and take along what is kept about them.
pub struct SignedInOrLeaving {
    pub live: Live,
    /// The request, made by them.
    pub origin: Origin,
}

/// The same, of those who have just confirmed that it is them.
pub struct FreshOrLeaving {
    pub live: Live,
    /// The request, made by them.
    pub origin: Origin,
}

/// Somebody who may see how their account stands: as a [`Reader`], or leaving.
pub struct ReaderOrLeaving {
    pub user: UserId,
}

/// Somebody who may look at their own account: signed in, or a program by a key that is good for looking. Nothing that is
/// reached by this may change anything.
pub struct Reader {
    pub user: UserId,
    /// Where they are signed in; none for a program.
    pub device: Option<DeviceId>,
}

/// Anybody: the live session, if there is one.
pub struct Anyone {
    pub live: Option<Live>,
    pub origin: Origin,
}

impl From<SignedIn> for Anyone {
    fn from(who: SignedIn) -> Self {
        Self { live: Some(who.live), origin: who.origin }
    }
}

impl From<SignedInOrLeaving> for Anyone {
    fn from(who: SignedInOrLeaving) -> Self {
        Self { live: Some(who.live), origin: who.origin }
    }
}

/// What a handler asks for in its parameters, and the function that finds it or says why not.
macro_rules! found_by {
    ($($who:ty: $find:ident,)+) => { $(
        impl FromRequest for $who {
            type Error = Failure;
            type Future = Ready<Result<Self, Failure>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready($find(request))
            }
        }
    )+ };
}

found_by! {
    SignedIn: signed_in,
    Fresh: fresh,
    SignedInOrLeaving: signed_in_or_leaving,
    FreshOrLeaving: fresh_or_leaving,
    Reader: reader,
    ReaderOrLeaving: reader_or_leaving,
    Anyone: anyone,
}

fn reader(request: &HttpRequest) -> Result<Reader, Failure> {
    if let Some(user) = reading_program(request)? {
        enrollment::require_of_program(request)?;
        return Ok(Reader { user, device: None });
    }
    let live = signed_in(request)?.live;
    Ok(Reader { user: live.user, device: Some(live.device) })
}

fn reader_or_leaving(request: &HttpRequest) -> Result<ReaderOrLeaving, Failure> {
    if let Some(user) = reading_program(request)? {
        return Ok(ReaderOrLeaving { user });
    }
    Ok(ReaderOrLeaving { user: signed_in_or_leaving(request)?.live.user })
}

/// Whose program this is, if it is one.
fn reading_program(request: &HttpRequest) -> Result<Option<UserId>, Failure> {
    match bearer::program(request) {
        Some(program) if program.scopes.has(Scope::AccountRead) => Ok(Some(program.user)),
        Some(_) => {
            Err(Failure::NotByKey("This API key is not good for looking at the account: it lacks account:read."))
        }
        None => Ok(None),
    }
}

fn fresh(request: &HttpRequest) -> Result<Fresh, Failure> {
    let SignedIn { live, origin } = signed_in(request)?;
    require_fresh(request, &live)?;
    Ok(Fresh { live, origin })
}

fn fresh_or_leaving(request: &HttpRequest) -> Result<FreshOrLeaving, Failure> {
    let SignedInOrLeaving { live, origin } = signed_in_or_leaving(request)?;
    require_fresh(request, &live)?;
    Ok(FreshOrLeaving { live, origin })
}

fn require_fresh(request: &HttpRequest, live: &Live) -> Result<(), Failure> {
    let app = request.app_data::<web::Data<App>>().ok_or(Failure::Internal)?;
    reauth::require_fresh(app, live, request)
}

fn signed_in(request: &HttpRequest) -> Result<SignedIn, Failure> {
    let SignedInOrLeaving { live, origin } = signed_in_or_leaving(request)?;
    if live.is_leaving() {
        return Err(Failure::Leaving);
    }
    enrollment::require(request, &live)?;
    Ok(SignedIn { live, origin })
}

fn signed_in_or_leaving(request: &HttpRequest) -> Result<SignedInOrLeaving, Failure> {
    let Anyone { live, origin } = anyone(request)?;
    let why = || session_store::why_ended(request).map_or(Failure::Unauthenticated, Failure::SignedOut);
    Ok(SignedInOrLeaving { live: live.ok_or_else(why)?, origin })
}

fn anyone(request: &HttpRequest) -> Result<Anyone, Failure> {
    let live = session_store::live(request)?;
    let origin = match &live {
        Some(live) => origin(request)?.acting_as(live.user, live.session),
        None => origin(request)?,
    };
    Ok(Anyone { live, origin })
}

/// Where a request comes from, whoever makes it, but for programs with a key: those may look, and nobody who only looks
/// asks for this.
pub fn origin(request: &HttpRequest) -> Result<Origin, Failure> {
    if bearer::program(request).is_some() {
        return Err(Failure::NotByKey("An API key cannot do this. Sign in instead."));
    }
    let extensions = request.extensions();
    let caller = extensions.get::<Caller>().ok_or_else(|| Failure::internal("a request without its outer layer"))?;
    Ok(caller.origin.clone())
}
