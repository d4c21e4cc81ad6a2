//! Whose organization it is, as a handler's parameter: of one that is not theirs, people are told what they are told of
//! one that is not there.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;

use super::failure::Failure;
use super::reauth;
use super::who::{Reader, SignedIn};
use crate::app::App;
use crate::kernel::{Origin, UserId};
use crate::orgs::{self, Confirmation, Membership, Permission, Slug};
use crate::sessions::Live;
use crate::stepup;

/// Somebody signed in who belongs to the organization that the address names. What their role may do is asked again when
/// it is done.
pub struct Belongs {
    pub membership: Membership,
    pub live: Live,
    /// The request, made by them.
    pub origin: Origin,
}

/// The same for somebody who has confirmed, not long ago and in this very session, that it is them.
pub struct FreshlyBelongs(pub Belongs);

/// Somebody who may look at the organization: signed in, or a program by a key that is good for looking. Nothing that is
/// reached by this may change anything.
pub struct Sees {
    pub membership: Membership,
    pub reader: Reader,
}

impl From<Belongs> for Sees {
    fn from(who: Belongs) -> Self {
        let reader = Reader { user: who.live.user, device: Some(who.live.device) };
        Self { membership: who.membership, reader }
    }
}

impl Sees {
    /// For what is shown and nothing else.
    pub fn require(&self, permission: Permission) -> Result<(), Failure> {
        if self.membership.role.may(permission) { Ok(()) } else { Err(orgs::Error::NotPermitted.into()) }
    }
}

impl Belongs {
    /// For what is shown and nothing else: a step asks for itself.
    pub fn require(&self, permission: Permission) -> Result<(), Failure> {
        if self.membership.role.may(permission) { Ok(()) } else { Err(orgs::Error::NotPermitted.into()) }
    }

    /// Whether they have confirmed lately, for a step to which that matters only now and then.
    pub fn confirmation(&self, app: &App) -> Confirmation {
        let rules = &app.settings.step_up;
        let is_fresh = stepup::is_fresh(rules, reauth::ACTION_IN_ORGANIZATIONS, &self.live, app.clock.now());
        if is_fresh { Confirmation::Given } else { Confirmation::Missing }
    }

    /// What such a step has said; they are led to confirm where it is that which was missing.
    pub fn or_confirm(&self, app: &App, request: &HttpRequest, error: orgs::Error) -> Failure {
        match error {
            orgs::Error::NotConfirmed => match reauth::require_fresh(app, &self.live, request) {
                Err(failure) => failure,
                // By another clock they have.
                Ok(()) => error.into(),
            },
            error => error.into(),
        }
    }
}

impl FromRequest for Belongs {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let who = SignedIn::from_request(request, payload).into_inner();
        let request = request.clone();
        Box::pin(async move {
            let SignedIn { live, origin } = who?;
            let membership = find(&request, live.user).await?;
            Ok(Self { membership, live, origin })
        })
    }
}

impl FromRequest for FreshlyBelongs {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let belongs = Belongs::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let belongs = belongs.await?;
            reauth::require_fresh(app_of(&request)?, &belongs.live, &request)?;
            Ok(Self(belongs))
        })
    }
}

impl FromRequest for Sees {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reader = Reader::from_request(request, payload).into_inner();
        let request = request.clone();
        Box::pin(async move {
            let reader = reader?;
            let membership = find(&request, reader.user).await?;
            Ok(Self { membership, reader })
        })
    }
}

async fn find(request: &HttpRequest, user: UserId) -> Result<Membership, Failure> {
    let slug = request.match_info().get("slug").and_then(Slug::parse).ok_or(Failure::NotFound)?;
    let found = app_of(request)?.db.look_up(move |tx| orgs::find_membership(tx, user, &slug)).await?;
    found.ok_or(Failure::NotFound)
}

fn app_of(request: &HttpRequest) -> Result<&web::Data<App>, Failure> {
    request.app_data::<web::Data<App>>().ok_or(Failure::Internal)
}
