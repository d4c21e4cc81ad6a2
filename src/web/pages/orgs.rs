//! `/orgs` and what lies below: organizations, as those who belong to them see and change them.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};

use super::invitation;
use super::sessions::Nothing;
use crate::app::App;
use crate::kernel::{Label, UserId};
use crate::orgs::{self, Member, Membership, Permission, Requirement, Role};
use crate::web::api::orgs::{self as api, Changes, MemberPath};
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::membership::{Belongs, FreshlyBelongs};
use crate::web::who::SignedIn;
use crate::web::{reauth, view};

/// Members on one page.
const PAGE: usize = 50;

/// What the form offers, in days.
const GRACES: [(&str, i64); 4] = [("at once", 0), ("in a day", 1), ("in a week", 7), ("in 30 days", 30)];

/// So many stand in the list of those to whom it can be handed over; others are named by their address.
const MOST_HEIRS: usize = 100;

#[derive(Default, Deserialize)]
pub struct Asked {
    /// What was just done, one of the words of [`notice`].
    #[serde(default)]
    done: String,
    /// Where the page of members begins.
    after: Option<String>,
}

#[derive(Deserialize)]
pub struct NewForm {
    #[serde(default)]
    name: String,
    /// Empty for one that is made from the name.
    #[serde(default)]
    slug: String,
}

#[derive(Deserialize)]
pub struct NameForm {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
pub struct SecondFactorForm {
    /// How many to wait, or "never".
    #[serde(default)]
    days: String,
}

#[derive(Deserialize)]
pub struct RoleForm {
    #[serde(default)]
    role: String,
}

#[derive(Deserialize)]
pub struct HeirForm {
    #[serde(default)]
    user_id: String,
}

/// `GET /orgs`
pub async fn list(app: &App, user: UserId, request: &HttpRequest) -> Result<HttpResponse, Failure> {
    let form = view::form(&json!({ "name": "", "slug": "" }), &[], notice(&asked(request).done));
    list_page(app, user, request, form, StatusCode::OK).await
}

/// `POST /orgs/new`
pub async fn found(
    app: web::Data<App>,
    who: SignedIn,
    Checked(form): Checked<NewForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    if !who.live.email_verified {
        return Err(Failure::EmailUnverified);
    }
    let slug = Some(form.slug.trim()).filter(|slug| !slug.is_empty());
    let (wrong, status): (Vec<Field>, StatusCode) = match api::wanted(&form.name, slug) {
        Ok((name, slug)) => match api::make(&app, &who, name, slug).await {
            Ok(made) => return Ok(view::see_other(&format!("/orgs/{}?done=founded", made.organization.slug))),
            Err(failure @ Failure::Conflict(_)) => (vec![("", failure.to_string())], failure.status()),
            Err(failure) => return Err(failure),
        },
        Err(wrong) => (wrong, StatusCode::UNPROCESSABLE_ENTITY),
    };
    let input = json!({ "name": form.name, "slug": form.slug });
    list_page(&app, who.live.user, &request, view::form(&input, &wrong, None), status).await
}

/// `GET /orgs/{slug}`
pub async fn show(app: &App, membership: &Membership, request: &HttpRequest) -> Result<HttpResponse, Failure> {
    let form = view::form(&usual(membership), &[], notice(&asked(request).done));
    page(app, membership, request, form, StatusCode::OK).await
}

/// `POST /orgs/{slug}/name`
pub async fn rename(
    app: web::Data<App>,
    who: Belongs,
    Checked(form): Checked<NameForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match Label::parse(&form.name) {
        Ok(name) => {
            let wanted = Changes { name: Some(name), ..Changes::default() };
            api::alter(&app, &who, wanted, &request).await?;
            Ok(done(&who, "renamed"))
        }
        Err(error) => {
            let wrong: [Field; 1] = [("name", error.to_string())];
            let form = view::form(&json!({ "name": form.name }), &wrong, None);
            page(&app, &who.membership, &request, form, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

/// `POST /orgs/{slug}/second-factor`
pub async fn ask_for_second_factor(
    app: web::Data<App>,
    who: Belongs,
    Checked(form): Checked<SecondFactorForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let days = GRACES.iter().map(|(_, days)| *days).find(|days| days.to_string() == form.days);
    let wanted = match form.days.as_str() {
        "never" => Requirement::Optional,
        _ => Requirement::Required { grace: Some(TimeDelta::days(days.ok_or_else(no_such_grace)?)) },
    };
    let wanted = Changes { second_factor: Some(wanted), ..Changes::default() };
    match api::alter(&app, &who, wanted, &request).await {
        Ok(organization) if organization.second_factor_from.is_some() => Ok(done(&who, "second-factor")),
        Ok(_) => Ok(done(&who, "no-second-factor")),
        Err(failure) => beside(&app, &who, &request, failure).await,
    }
}

fn no_such_grace() -> Failure {
    Failure::InvalidRequest("This form is not as we have made it.".to_owned())
}

/// `POST /orgs/{slug}/members/{user_id}/role`
pub async fn set_role(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<MemberPath>,
    Checked(form): Checked<RoleForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match api::set_role(&app, &who, &path.user_id, &form.role, &request).await {
        Ok(_) => Ok(done(&who, "role")),
        Err(failure) => beside(&app, &who, &request, failure).await,
    }
}

/// `POST /orgs/{slug}/members/{user_id}/remove`
pub async fn remove(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<MemberPath>,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match api::remove(&app, &who, &path.user_id, &request).await {
        Ok(()) => Ok(done(&who, "removed")),
        Err(failure) => beside(&app, &who, &request, failure).await,
    }
}

/// `POST /orgs/{slug}/leave`
pub async fn leave(
    app: web::Data<App>,
    who: Belongs,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match api::remove(&app, &who, &who.live.user.to_string(), &request).await {
        Ok(()) => Ok(view::see_other("/orgs?done=left")),
        Err(failure) => beside(&app, &who, &request, failure).await,
    }
}

/// `GET /orgs/{slug}/hand-over`
pub async fn show_handing_over(
    app: web::Data<App>,
    who: FreshlyBelongs,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    who.0.require(Permission::HandOver)?;
    let form = view::form(&json!({ "user_id": "" }), &[], notice(&asked.done));
    handing_over_page(&app, &who.0, &request, form, StatusCode::OK).await
}

/// `POST /orgs/{slug}/hand-over`
pub async fn hand_over(
    app: web::Data<App>,
    who: FreshlyBelongs,
    Checked(form): Checked<HeirForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let (wrong, status): ([Field; 1], StatusCode) = match api::pass_on(&app, &who.0, &form.user_id).await {
        Ok(_) => return Ok(done(&who.0, "handed-over")),
        Err(failure @ Failure::Conflict(_)) => ([("user_id", failure.to_string())], failure.status()),
        Err(Failure::NotFound) => {
            ([("user_id", "Choose one of the members.".to_owned())], StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(failure) => return Err(failure),
    };
    let form = view::form(&json!({ "user_id": form.user_id }), &wrong, None);
    handing_over_page(&app, &who.0, &request, form, status).await
}

/// `GET /orgs/{slug}/delete`: what will happen.
pub async fn show_deletion(
    app: web::Data<App>,
    who: FreshlyBelongs,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    who.0.require(Permission::Delete)?;
    let id = who.0.membership.organization.id;
    let members = app.db.look_up(move |tx| orgs::count_members(tx, id)).await?;
    let context = json!({
        "organization": describe(&who.0.membership),
        "members": members,
        "notice": notice(&asked.done),
    });
    Ok(view::html(&request, &mut HttpResponse::Ok(), "orgs/delete.html", context))
}

/// `POST /orgs/{slug}/delete`
pub async fn delete(
    app: web::Data<App>,
    who: FreshlyBelongs,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    api::end(&app, &who.0).await?;
    Ok(view::see_other("/orgs?done=deleted"))
}

fn done(who: &Belongs, what: &str) -> HttpResponse {
    view::see_other(&format!("/orgs/{}?done={what}", who.membership.organization.slug))
}

/// What does not fit how things stand is said on the page itself.
async fn beside(app: &App, who: &Belongs, request: &HttpRequest, failure: Failure) -> Result<HttpResponse, Failure> {
    let Failure::Conflict(sentence) = failure else { return Err(failure) };
    let form = view::form(&usual(&who.membership), &[("", sentence)], None);
    page(app, &who.membership, request, form, StatusCode::CONFLICT).await
}

fn usual(membership: &Membership) -> Value {
    json!({ "name": membership.organization.name })
}

fn asked(request: &HttpRequest) -> Asked {
    web::Query::<Asked>::from_query(request.query_string()).map(web::Query::into_inner).unwrap_or_default()
}

async fn list_page(
    app: &App,
    user: UserId,
    request: &HttpRequest,
    form: Value,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let organizations: Vec<Value> = api::load_all(app, user).await?.iter().map(describe).collect();
    let invitations = invitation::listed(app, user).await?;
    let context = view::with(form, json!({ "organizations": organizations, "invitations": invitations }));
    Ok(view::html(request, &mut HttpResponse::build(status), "orgs/list.html", context))
}

async fn page(
    app: &App,
    membership: &Membership,
    request: &HttpRequest,
    form: Value,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let (members, next) = api::load_members(app, membership, asked(request).after.as_deref(), PAGE).await?;
    let (role, user) = (membership.role, membership.user);
    let context = json!({
        "organization": describe(membership),
        "members": members.iter().map(|member| describe_member(member, role, user)).collect::<Vec<_>>(),
        "next": next.map(|next| next.text()),
        "graces": GRACES.map(|(words, days)| json!({ "words": words, "days": days })),
        "may": {
            "rename": role.may(Permission::Rename),
            "require_second_factor": role.may(Permission::RequireSecondFactor),
            "invite": role.may(Permission::Invite(Role::Member)),
            "hand_over": role.may(Permission::HandOver),
            "delete": role.may(Permission::Delete),
            "see_single_sign_on": role.may(Permission::SeeSingleSignOn),
            "manage_webhooks": role.may(Permission::ManageWebhooks),
        },
    });
    Ok(view::html(request, &mut HttpResponse::build(status), "orgs/organization.html", view::with(form, context)))
}

async fn handing_over_page(
    app: &App,
    who: &Belongs,
    request: &HttpRequest,
    form: Value,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let (members, _) = api::load_members(app, &who.membership, None, MOST_HEIRS).await?;
    let others = members.iter().filter(|member| member.user != who.live.user);
    let heirs: Vec<Value> = others.map(|member| json!({ "id": member.user, "words": in_words(member) })).collect();
    let context = view::with(form, json!({ "organization": describe(&who.membership), "heirs": heirs }));
    Ok(view::html(request, &mut HttpResponse::build(status), "orgs/hand_over.html", context))
}

fn describe(membership: &Membership) -> Value {
    let organization = &membership.organization;
    json!({
        "slug": organization.slug,
        "name": organization.name,
        "role": membership.role.as_str(),
        "created_at": organization.created_at,
        "second_factor_from": organization.second_factor_from,
    })
}

/// With what the viewer may do to them.
fn describe_member(member: &Member, viewer: Role, user: UserId) -> Value {
    let is_self = member.user == user;
    let below_owner = [Role::Admin, Role::Member].into_iter();
    let roles = below_owner.filter(|to| viewer.may(Permission::ChangeRole { from: member.role, to: *to }));
    let is_no_owner = member.role != Role::Owner;
    let to_owner = Permission::ChangeRole { from: member.role, to: Role::Owner };
    json!({
        "id": member.user,
        "name": member.name,
        "email": member.email,
        "is_verified": member.is_verified,
        "role": member.role.as_str(),
        "joined_at": member.joined_at,
        "is_self": is_self,
        "roles": roles.map(Role::as_str).collect::<Vec<_>>(),
        "may_become_owner": is_no_owner && viewer.may(to_owner),
        "may_be_removed": !is_self && viewer.may(Permission::Remove(member.role)),
        "lacks_second_factor": viewer.may(Permission::SeeSecondFactors) && !member.has_second_factor,
    })
}

fn in_words(member: &Member) -> String {
    let email = member.email.as_str();
    if member.name.is_empty() { email.to_owned() } else { format!("{} ({email})", member.name) }
}

fn notice(done: &str) -> Option<&'static str> {
    match done {
        "founded" => Some("Your organization is there. You are its owner."),
        "renamed" => Some("The new name is saved."),
        "second-factor" => Some("A second factor is asked for. Members who have none are being told."),
        "no-second-factor" => Some("A second factor is no longer asked for."),
        "role" => Some("The role is changed."),
        "removed" => Some("They are no longer a member."),
        "handed-over" => Some("It is handed over. You are an admin now."),
        "left" => Some("You have left."),
        "deleted" => Some("The organization is deleted. Its members are being told."),
        done => reauth::notice(done),
    }
}
