//! `/orgs`: organizations, and who belongs to them.
//!
//! `/orgs` and `/orgs/{slug}` are pages as well: whoever opens them with a browser (`Accept` has `text/html`) gets the
//! page, everybody else JSON. All other addresses are one or the other.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};

use super::me::no_store;
use crate::app::App;
use crate::db::Tx;
use crate::kernel::{Label, UserId};
use crate::orgs::{self, Cursor, Member, Membership, Organization, Permission, Requirement, Role, Slug};
use crate::web::body::ApiJson;
use crate::web::failure::{Failure, Field, wants_page};
use crate::web::membership::{Belongs, FreshlyBelongs, Sees};
use crate::web::pages::orgs as page;
use crate::web::who::{Reader, SignedIn};

/// Members on one page, unless something else is asked for.
const USUAL_PAGE: usize = 50;

const LONGEST_PAGE: usize = 100;

#[derive(Deserialize)]
pub struct NewBody {
    name: String,
    /// Without one it is made from the name.
    slug: Option<String>,
}

#[derive(Deserialize)]
pub struct ChangeBody {
    name: Option<String>,
    require_second_factor: Option<bool>,
    /// In seconds; only where it is required.
    second_factor_grace: Option<i64>,
}

#[derive(Deserialize)]
pub struct RoleBody {
    role: String,
}

#[derive(Deserialize)]
pub struct OwnerBody {
    user_id: String,
}

#[derive(Deserialize)]
pub struct PageQuery {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// The organization, and one of its members.
#[derive(Deserialize)]
pub struct MemberPath {
    pub user_id: String,
}

/// `GET /orgs`: those of the caller.
pub async fn list(app: web::Data<App>, who: Reader, request: HttpRequest) -> Result<HttpResponse, Failure> {
    if is_for_a_person(&who, &request) {
        return page::list(&app, who.user, &request).await;
    }
    let memberships = load_all(&app, who.user).await?;
    let organizations: Vec<Value> = memberships.iter().map(describe).collect();
    Ok(no_store().json(json!({ "organizations": organizations })))
}

/// `POST /orgs`: 201; 409 for a slug that is taken or was.
pub async fn found(
    app: web::Data<App>,
    who: SignedIn,
    ApiJson(body): ApiJson<NewBody>,
) -> Result<HttpResponse, Failure> {
    if !who.live.email_verified {
        return Err(Failure::EmailUnverified);
    }
    let (name, slug) = wanted(&body.name, body.slug.as_deref()).map_err(Failure::Validation)?;
    let membership = make(&app, &who, name, slug).await?;
    let answer = HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(describe(&membership));
    Ok(answer)
}

/// `GET /orgs/{slug}`
pub async fn show(app: web::Data<App>, who: Sees, request: HttpRequest) -> Result<HttpResponse, Failure> {
    if is_for_a_person(&who.reader, &request) {
        return page::show(&app, &who.membership, &request).await;
    }
    Ok(no_store().json(describe(&who.membership)))
}

/// `PATCH /orgs/{slug}`: all of it or nothing. Asking for a second factor no more, or later, asks to confirm first.
pub async fn change(
    app: web::Data<App>,
    who: Belongs,
    ApiJson(body): ApiJson<ChangeBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let wanted = changes(&body).map_err(Failure::Validation)?;
    let organization = alter(&app, &who, wanted, &request).await?;
    Ok(no_store().json(describe(&Membership { organization, ..who.membership })))
}

/// `DELETE /orgs/{slug}`: 204.
pub async fn delete(app: web::Data<App>, who: FreshlyBelongs) -> Result<HttpResponse, Failure> {
    end(&app, &who.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /orgs/{slug}/members`: a page of them, and where the next one begins.
pub async fn list_members(
    app: web::Data<App>,
    who: Sees,
    asked: web::Query<PageQuery>,
) -> Result<HttpResponse, Failure> {
    let most = asked.limit.unwrap_or(USUAL_PAGE);
    if !(1..=LONGEST_PAGE).contains(&most) {
        return Err(Failure::field("limit", format!("Send a number from 1 to {LONGEST_PAGE}.")));
    }
    let (members, next) = load_members(&app, &who.membership, asked.cursor.as_deref(), most).await?;
    let members: Vec<Value> = members.iter().map(|member| describe_member(member, who.membership.role)).collect();
    Ok(no_store().json(json!({ "members": members, "next_cursor": next.map(|next| next.text()) })))
}

/// `PATCH /orgs/{slug}/members/{user_id}`: whatever concerns owners asks to confirm first.
pub async fn change_role(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<MemberPath>,
    ApiJson(body): ApiJson<RoleBody>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let member = set_role(&app, &who, &path.user_id, &body.role, &request).await?;
    Ok(no_store().json(describe_member(&member, who.membership.role)))
}

/// `DELETE /orgs/{slug}/members/{user_id}`: 204. With one's own id one leaves.
pub async fn remove_member(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<MemberPath>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    remove(&app, &who, &path.user_id, &request).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /orgs/{slug}/owner`: the member of this id becomes an owner, the caller an admin.
pub async fn hand_over(
    app: web::Data<App>,
    who: FreshlyBelongs,
    ApiJson(body): ApiJson<OwnerBody>,
) -> Result<HttpResponse, Failure> {
    let membership = pass_on(&app, &who.0, &body.user_id).await?;
    Ok(no_store().json(describe(&membership)))
}

/// A program that shows a key is none, whatever it accepts.
fn is_for_a_person(who: &Reader, request: &HttpRequest) -> bool {
    who.device.is_some() && wants_page(request)
}

/// All that is wrong with it at once.
pub fn wanted(name: &str, slug: Option<&str>) -> Result<(Label, Option<Slug>), Vec<Field>> {
    let name = Label::parse(name).map_err(|error| ("name", error.to_string()));
    let slug = slug.map(Slug::choose).transpose().map_err(|error| ("slug", error.to_string()));
    match (name, slug) {
        (Ok(name), Ok(slug)) => Ok((name, slug)),
        (name, slug) => Err([name.err(), slug.err()].into_iter().flatten().collect()),
    }
}

pub async fn make(app: &App, who: &SignedIn, name: Label, slug: Option<Slug>) -> Result<Membership, Failure> {
    let user = who.live.user;
    let made = app.db.write(&who.origin, move |tx| orgs::found(tx, user, &name, slug));
    let organization = made.await?;
    let joined_at = organization.created_at;
    Ok(Membership { organization, user, role: Role::Owner, joined_at })
}

pub async fn load_all(app: &App, user: UserId) -> Result<Vec<Membership>, Failure> {
    Ok(app.db.look_up(move |tx| orgs::list_of(tx, user)).await?)
}

pub async fn load_members(
    app: &App,
    membership: &Membership,
    cursor: Option<&str>,
    most: usize,
) -> Result<(Vec<Member>, Option<Cursor>), Failure> {
    let parse =
        |text| Cursor::parse(text).ok_or_else(|| Failure::field("cursor", "Send what the last page has given."));
    let (id, after) = (membership.organization.id, cursor.map(parse).transpose()?);
    Ok(app.db.look_up(move |tx| orgs::list_members(tx, id, after, most)).await?)
}

/// What is to be another than it was.
#[derive(Default)]
pub struct Changes {
    pub name: Option<Label>,
    pub second_factor: Option<Requirement>,
}

/// All that is wrong with it at once.
fn changes(body: &ChangeBody) -> Result<Changes, Vec<Field>> {
    let name = body.name.as_deref().map(Label::parse).transpose().map_err(|error| ("name", error.to_string()));
    let grace = body.second_factor_grace.map(grace).transpose();
    let second_factor = match (body.require_second_factor, grace) {
        (Some(true), Ok(grace)) => Ok(Some(Requirement::Required { grace })),
        (Some(false), Ok(None)) => Ok(Some(Requirement::Optional)),
        (None, Ok(None)) => Ok(None),
        (Some(false) | None, Ok(Some(_))) => {
            Err(("second_factor_grace", "Send it together with \"require_second_factor\": true.".to_owned()))
        }
        (_, Err(wrong)) => Err(wrong),
    };
    match (name, second_factor) {
        (Ok(name), Ok(second_factor)) => Ok(Changes { name, second_factor }),
        (name, second_factor) => Err([name.err(), second_factor.err()].into_iter().flatten().collect()),
    }
}

fn grace(seconds: i64) -> Result<TimeDelta, Field> {
    let within = 0..=orgs::LONGEST_GRACE.num_seconds();
    if within.contains(&seconds) {
        return Ok(TimeDelta::seconds(seconds));
    }
    Err(("second_factor_grace", format!("Send a number of seconds from 0 to {}.", within.end())))
}

/// The organization as it is then.
pub async fn alter(app: &App, who: &Belongs, wanted: Changes, request: &HttpRequest) -> Result<Organization, Failure> {
    let (app2, user, confirmation) = (app.clone(), who.live.user, who.confirmation(app));
    let mut organization = who.membership.organization.clone();
    let work = move |tx: &mut Tx<'_>| {
        let id = organization.id;
        if let Some(name) = wanted.name {
            organization = orgs::rename(tx, user, id, &name)?;
        }
        if let Some(wanted) = wanted.second_factor {
            organization = orgs::ask_for_second_factor(tx, &app2.sealer, (user, confirmation), id, wanted)?;
        }
        Ok(organization)
    };
    app.db.write(&who.origin, work).await.map_err(|error| who.or_confirm(app, request, error))
}

pub async fn end(app: &App, who: &Belongs) -> Result<(), Failure> {
    let (app2, user, id) = (app.clone(), who.live.user, who.membership.organization.id);
    app.db.write(&who.origin, move |tx| orgs::delete(tx, &app2.sealer, user, id)).await?;
    Ok(())
}

/// The member as they are now. 404 for an id that is no member's.
pub async fn set_role(
    app: &App,
    who: &Belongs,
    user_id: &str,
    role: &str,
    request: &HttpRequest,
) -> Result<Member, Failure> {
    let role = Role::parse(role).ok_or_else(|| Failure::field("role", "A role is owner, admin or member."))?;
    let (app2, caller, id) = (app.clone(), (who.live.user, who.confirmation(app)), who.membership.organization.id);
    let user: UserId = user_id.parse().map_err(|_| Failure::NotFound)?;
    let work = move |tx: &mut Tx<'_>| {
        orgs::change_role(tx, &app2.sealer, caller, (id, user), role)?;
        orgs::find_member(tx, id, user)?.ok_or(orgs::Error::NoSuchMember)
    };
    app.db.write(&who.origin, work).await.map_err(|error| who.or_confirm(app, request, error))
}

/// Somebody else goes, or the caller leaves.
pub async fn remove(app: &App, who: &Belongs, user_id: &str, request: &HttpRequest) -> Result<(), Failure> {
    let (app2, caller, id) = (app.clone(), (who.live.user, who.confirmation(app)), who.membership.organization.id);
    let user: UserId = user_id.parse().map_err(|_| Failure::NotFound)?;
    let work = move |tx: &mut Tx<'_>| {
        if user == caller.0 {
            return orgs::leave(tx, id, user);
        }
        orgs::remove(tx, &app2.sealer, caller, (id, user))
    };
    app.db.write(&who.origin, work).await.map_err(|error| who.or_confirm(app, request, error))
}

/// What the caller is afterwards.
pub async fn pass_on(app: &App, who: &Belongs, user_id: &str) -> Result<Membership, Failure> {
    let (app2, user, organization) = (app.clone(), who.live.user, who.membership.organization.clone());
    let heir: UserId = user_id.parse().map_err(|_| Failure::NotFound)?;
    let work = move |tx: &mut Tx<'_>| {
        orgs::hand_over(tx, &app2.sealer, user, organization.id, heir)?;
        orgs::find_membership(tx, user, &organization.slug)?.ok_or(orgs::Error::NotAMember)
    };
    Ok(app.db.write(&who.origin, work).await?)
}

/// An organization as one of its members sees it.
fn describe(membership: &Membership) -> Value {
    let organization = &membership.organization;
    json!({
        "id": organization.id,
        "slug": organization.slug,
        "name": organization.name,
        "created_at": organization.created_at,
        "role": membership.role.as_str(),
        "joined_at": membership.joined_at,
        "require_second_factor": organization.second_factor_from.is_some(),
        "second_factor_from": organization.second_factor_from,
    })
}

/// Who has a second factor is for those who can ask for one.
fn describe_member(member: &Member, viewer: Role) -> Value {
    let second_factor = viewer.may(Permission::SeeSecondFactors).then_some(member.has_second_factor);
    json!({
        "user_id": member.user,
        "email": member.email,
        "email_verified": member.is_verified,
        "name": member.name,
        "role": member.role.as_str(),
        "joined_at": member.joined_at,
        "second_factor": second_factor,
    })
}
