//! `/orgs/{slug}/invitations`, `/auth/invitations` and `/me/invitations`: how people become members. The first is a page
//! as well, for whoever opens it with a browser.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{auth, me};
use crate::accounts::Name;
use crate::accounts::invited::{self, Accepted, SignUp, Standing};
use crate::app::App;
use crate::db::{self, Tx};
use crate::kernel::{EmailAddress, InvitationId, Redacted, Token, UserId};
use crate::orgs::Role;
use crate::orgs::invitations::{self, Invitation, Named, Offer};
use crate::signin::invited::{Attempt, by_invitation};
use crate::web::body::ApiJson;
use crate::web::failure::{Failure, wants_page};
use crate::web::membership::{Belongs, Sees};
use crate::web::pages::{invitations as page, verify_email as verify_page};
use crate::web::who::{Anyone, Reader, SignedIn};
use crate::web::{cookies, session_store};

#[derive(Deserialize)]
pub struct InviteBody {
    email: String,
    /// "member" unless something else is said.
    role: Option<String>,
}

#[derive(Deserialize)]
pub struct InvitationPath {
    id: String,
}

#[derive(Deserialize)]
pub struct AcceptBody {
    token: String,
    /// Of a stranger, who signs up by it.
    #[serde(default)]
    name: String,
    password: Option<Redacted>,
}

#[derive(Deserialize)]
pub struct DeclineBody {
    token: String,
}

impl InvitationPath {
    pub fn invitation(&self) -> Result<InvitationId, Failure> {
        self.id.parse().map_err(|_| Failure::NotFound)
    }
}

/// `GET /orgs/{slug}/invitations`
pub async fn list(app: web::Data<App>, who: Sees, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let invitations = load_all(&app, &who).await?;
    if wants_page(&request) {
        return Ok(page::show(&app, &request, &who, &invitations));
    }
    let invitations: Vec<Value> = invitations.iter().map(describe).collect();
    Ok(me::no_store().json(json!({ "invitations": invitations })))
}

/// `POST /orgs/{slug}/invitations`: 201; 409 for a member, and for somebody who has an invitation that holds.
pub async fn invite(
    app: web::Data<App>,
    who: Belongs,
    ApiJson(body): ApiJson<InviteBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let invitation = send(&app, &who, (&body.email, body.role.as_deref().unwrap_or("member")), &request).await?;
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(describe(&invitation)))
}

/// `POST /orgs/{slug}/invitations/{id}/resend`: 200; the link of the letter before leads nowhere from now on.
pub async fn resend(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<InvitationPath>,
) -> Result<HttpResponse, Failure> {
    let invitation = send_again(&app, &who, path.invitation()?).await?;
    Ok(me::no_store().json(describe(&invitation)))
}

/// `DELETE /orgs/{slug}/invitations/{id}`: 204.
pub async fn withdraw(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<InvitationPath>,
) -> Result<HttpResponse, Failure> {
    take_back(&app, &who, path.invitation()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /auth/invitations/accept`: 200 for somebody signed in with the address it was sent to, and for a stranger who
/// sends a password as well and is signed in by it; 401 where the address has an account; 410 for one that does not hold.
pub async fn accept(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<AcceptBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let token = Token::parse(&body.token).ok_or(Failure::Gone)?;
    if who.live.is_some() {
        let accepted = take(&app, &who, token, &request).await?;
        return joined(&app, &who, &accepted).await;
    }
    let Some(password) = body.password else { return Err(what_is_missing(&app, token).await) };
    let name = Name::parse(&body.name).map_err(|error| Failure::field("name", error))?;
    let attempt = Attempt { form: SignUp { token, name, password }, previous: session_store::token(&request) };
    let (opened, offer) = by_invitation(&app, &who.origin, attempt).await?;
    session_store::establish(&request, &app, &opened)?;
    auth::is_in_with(&app, &request, &opened, json!({ "organization": describe_joined(&offer) })).await
}

/// `POST /auth/invitations/decline`: 204, by whoever has the letter.
pub async fn decline(
    app: web::Data<App>,
    who: Anyone,
    ApiJson(body): ApiJson<DeclineBody>,
) -> Result<HttpResponse, Failure> {
    let token = Token::parse(&body.token).ok_or(Failure::Gone)?;
    refuse(&app, &who, token).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /me/invitations`: those to the address of the caller, who has proved it.
pub async fn list_own(app: web::Data<App>, who: Reader) -> Result<HttpResponse, Failure> {
    let offers: Vec<Value> = load_own(&app, who.user).await?.iter().map(describe_offer).collect();
    Ok(me::no_store().json(json!({ "invitations": offers })))
}

/// `POST /me/invitations/{id}/accept`
pub async fn accept_own(
    app: web::Data<App>,
    who: SignedIn,
    path: web::Path<InvitationPath>,
) -> Result<HttpResponse, Failure> {
    let offer = take_own(&app, &who, path.invitation()?).await?;
    Ok(me::no_store().json(json!({ "organization": describe_joined(&offer) })))
}

/// `POST /me/invitations/{id}/decline`: 204.
pub async fn decline_own(
    app: web::Data<App>,
    who: SignedIn,
    path: web::Path<InvitationPath>,
) -> Result<HttpResponse, Failure> {
    refuse_own(&app, &who, path.invitation()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// For those who may invite, and nobody else.
pub async fn load_all(app: &App, who: &Sees) -> Result<Vec<Invitation>, Failure> {
    who.require(crate::orgs::Permission::Invite(Role::Member))?;
    let id = who.membership.organization.id;
    Ok(app.db.look_up(move |tx| invitations::list(tx, id)).await?)
}

pub async fn send(
    app: &App,
    who: &Belongs,
    (email, role): (&str, &str),
    request: &HttpRequest,
) -> Result<Invitation, Failure> {
    let email = EmailAddress::parse(email).map_err(|error| Failure::field("email", error))?;
    let role = Role::parse(role).ok_or_else(|| Failure::field("role", "A role is owner, admin or member."))?;
    let (app2, caller, id) = (app.clone(), (who.live.user, who.confirmation(app)), who.membership.organization.id);
    let sent = app.db.write(&who.origin, move |tx| invitations::invite(tx, &app2, caller, id, (&email, role)));
    sent.await.map_err(|error| match error {
        invitations::Error::Organization(error) => who.or_confirm(app, request, error),
        error => error.into(),
    })
}

pub async fn send_again(app: &App, who: &Belongs, id: InvitationId) -> Result<Invitation, Failure> {
    let (app2, user, organization) = (app.clone(), who.live.user, who.membership.organization.id);
    let sent = app.db.write(&who.origin, move |tx| invitations::resend(tx, &app2, user, (organization, id)));
    Ok(sent.await?)
}

pub async fn take_back(app: &App, who: &Belongs, id: InvitationId) -> Result<(), Failure> {
    let (user, organization) = (who.live.user, who.membership.organization.id);
    Ok(app.db.write(&who.origin, move |tx| invitations::withdraw(tx, user, (organization, id))).await?)
}

/// Accepts for the one who is signed in.
pub async fn take(app: &App, who: &Anyone, token: Token, request: &HttpRequest) -> Result<Accepted, Failure> {
    let prover = verify_page::prover(app, who, request);
    let accepted = invited::accept(app, &who.origin, token, prover).await?;
    if let Some(opened) = &accepted.rotated {
        session_store::establish(request, app, opened)?;
    }
    Ok(accepted)
}

pub async fn refuse(app: &App, who: &Anyone, token: Token) -> Result<Offer, Failure> {
    let named = Named::Link(token.digest());
    Ok(app.db.write(&who.origin, move |tx| invitations::decline(tx, named)).await?)
}

pub async fn load_own(app: &App, user: UserId) -> Result<Vec<Offer>, Failure> {
    let list = app.db.read(move |tx| invitations::list_of(tx, user)).await;
    list.map_err(|error: db::Error| error.into())
}

pub async fn take_own(app: &App, who: &SignedIn, id: InvitationId) -> Result<Offer, Failure> {
    let (user, email) = (who.live.user, own_address(who)?);
    let work = move |tx: &mut Tx<'_>| {
        invitations::require_own(tx, id, &email)?;
        invitations::take(tx, Named::Listed(id), user)
    };
    Ok(app.db.write(&who.origin, work).await?)
}

pub async fn refuse_own(app: &App, who: &SignedIn, id: InvitationId) -> Result<Offer, Failure> {
    let email = own_address(who)?;
    let work = move |tx: &mut Tx<'_>| {
        invitations::require_own(tx, id, &email)?;
        invitations::decline(tx, Named::Listed(id))
    };
    Ok(app.db.write(&who.origin, work).await?)
}

fn own_address(who: &SignedIn) -> Result<EmailAddress, Failure> {
    if who.live.email_verified { Ok(who.live.email.clone()) } else { Err(Failure::EmailUnverified) }
}

async fn joined(app: &App, who: &Anyone, accepted: &Accepted) -> Result<HttpResponse, Failure> {
    let user = who.live.as_ref().map(|live| live.user).ok_or(Failure::Unauthenticated)?;
    let person = me::load(app, user).await?;
    let organization = describe_joined(&accepted.offer);
    let mut answer = me::no_store().json(json!({ "user": me::describe(&person), "organization": organization }));
    add_cookies(app, accepted, &mut answer);
    Ok(answer)
}

/// Those of their session as it is now.
pub fn add_cookies(app: &App, accepted: &Accepted, answer: &mut HttpResponse) {
    if let Some(opened) = &accepted.rotated {
        cookies::add(answer, cookies::for_gate(app, opened));
    }
}

/// Why it cannot be accepted as it was asked, by somebody who is not signed in.
async fn what_is_missing(app: &App, token: Token) -> Failure {
    let signup = app.settings.accounts.signup;
    let look = app.db.read(move |tx| invited::look_at(tx, signup, &token, None)).await;
    match look.map_err(|error: db::Error| Failure::from(error)) {
        Err(failure) => failure,
        Ok(None) => Failure::Gone,
        Ok(Some((_, Standing::SignUp))) => Failure::field("password", "Choose a password for your new account."),
        Ok(Some((_, Standing::Closed))) => invited::Error::Closed.into(),
        Ok(Some((_, Standing::SignInFirst | Standing::ByProvider | Standing::Theirs | Standing::SomebodyElses))) => {
            Failure::Unauthenticated
        }
    }
}

/// As its admins see it. Whether the address has an account is not in it.
fn describe(invitation: &Invitation) -> Value {
    let inviter = invitation.inviter.as_ref();
    json!({
        "id": invitation.id,
        "email": invitation.email,
        "role": invitation.role.as_str(),
        "invited_by": inviter.map(|inviter| json!({ "user_id": inviter.user, "name": inviter.name })),
        "created_at": invitation.created_at,
        "sent_at": invitation.sent_at,
        "expires_at": invitation.expires_at,
    })
}

/// As whoever is invited sees it.
fn describe_offer(offer: &Offer) -> Value {
    let organization = json!({ "slug": offer.organization.slug, "name": offer.organization.name });
    json!({
        "id": offer.id,
        "organization": organization,
        "role": offer.role.as_str(),
        "invited_by": offer.inviter.as_ref().map(|inviter| json!({ "name": inviter.name })),
        "expires_at": offer.expires_at,
    })
}

/// As it stands among the organizations of `/me`.
fn describe_joined(offer: &Offer) -> Value {
    json!({ "slug": offer.organization.slug, "name": offer.organization.name, "role": offer.role.as_str() })
}
