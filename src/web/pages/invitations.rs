//! `/orgs/{slug}/invitations`: whom an organization has invited. For its admins.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::mail::INVITATION_TTL;
use crate::orgs::invitations::Invitation;
use crate::orgs::{Permission, Role};
use crate::web::api::invitations::{InvitationPath, load_all, send, send_again, take_back};
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::membership::{Belongs, Sees};
use crate::web::{reauth, view};

#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    email: String,
    #[serde(default)]
    role: String,
}

#[derive(Deserialize)]
pub struct Nothing {}

/// `GET /orgs/{slug}/invitations`
pub fn show(app: &App, request: &HttpRequest, who: &Sees, invitations: &[Invitation]) -> HttpResponse {
    let notice = match request.query_string() {
        "done=sent" => Some("The letter is on its way."),
        "done=resent" => Some("Another letter is on its way. The link of the one before no longer works."),
        "done=withdrawn" => Some("The invitation is withdrawn. The link of its letter no longer works."),
        other => reauth::notice(other.strip_prefix("done=").unwrap_or_default()),
    };
    let form = view::form(&json!({ "email": "", "role": Role::Member.as_str() }), &[], notice);
    page(app, request, (who, invitations), form, StatusCode::OK)
}

/// `POST /orgs/{slug}/invitations/new`
pub async fn invite(
    app: web::Data<App>,
    who: Belongs,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match send(&app, &who, (&form.email, &form.role), &request).await {
        Ok(_) => Ok(view::see_other(&format!("{}?done=sent", path_of(&who)))),
        Err(failure) => {
            let input = json!({ "email": form.email, "role": form.role });
            again(&app, who, &request, (input, failure)).await
        }
    }
}

/// `POST /orgs/{slug}/invitations/{id}/send-again`
pub async fn resend(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<InvitationPath>,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match send_again(&app, &who, path.invitation()?).await {
        Ok(_) => Ok(view::see_other(&format!("{}?done=resent", path_of(&who)))),
        Err(failure) => again(&app, who, &request, (json!({ "email": "", "role": "member" }), failure)).await,
    }
}

/// `POST /orgs/{slug}/invitations/{id}/withdraw`
pub async fn withdraw(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<InvitationPath>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    match take_back(&app, &who, path.invitation()?).await {
        // Pressed twice, or accepted meanwhile: the list says.
        Ok(()) | Err(Failure::NotFound) => Ok(view::see_other(&format!("{}?done=withdrawn", path_of(&who)))),
        Err(failure) => Err(failure),
    }
}

/// The same page with what was wrong.
async fn again(
    app: &App,
    who: Belongs,
    request: &HttpRequest,
    (input, failure): (Value, Failure),
) -> Result<HttpResponse, Failure> {
    let wrong: Vec<Field> = match &failure {
        Failure::Validation(fields) => fields.clone(),
        Failure::Conflict(sentence) => vec![("email", sentence.clone())],
        Failure::RateLimited(_) => vec![("", failure.to_string())],
        _ => return Err(failure),
    };
    let who = Sees::from(who);
    let invitations = load_all(app, &who).await?;
    let form = view::form(&input, &wrong, None);
    Ok(failure.label(page(app, request, (&who, &invitations), form, failure.status())))
}

fn page(
    app: &App,
    request: &HttpRequest,
    (who, invitations): (&Sees, &[Invitation]),
    form: Value,
    status: StatusCode,
) -> HttpResponse {
    let (organization, now) = (&who.membership.organization, app.clock.now());
    let may = |role: &Role| who.membership.role.may(Permission::Invite(*role));
    let listed: Vec<Value> = invitations
        .iter()
        .map(|invitation| {
            json!({
                "id": invitation.id,
                "email": invitation.email,
                "role": invitation.role.as_str(),
                "inviter": invitation.inviter.as_ref().map(|inviter| inviter.shown().to_owned()),
                "sent_at": invitation.sent_at,
                "expires_at": invitation.expires_at,
                "is_expired": invitation.is_expired(now),
                "may_change": may(&invitation.role),
            })
        })
        .collect();
    let roles: Vec<&str> = Role::ALL.iter().rev().filter(|role| may(role)).map(|role| role.as_str()).collect();
    let context = json!({
        "organization": { "slug": organization.slug, "name": organization.name },
        "invitations": listed,
        "roles": roles,
        "valid_for": super::in_words(INVITATION_TTL),
    });
    view::html(request, &mut HttpResponse::build(status), "orgs/invitations.html", view::with(form, context))
}

fn path_of(who: &Belongs) -> String {
    format!("/orgs/{}/invitations", who.membership.organization.slug)
}
