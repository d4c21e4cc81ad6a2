//! `/orgs/{slug}/groups`: groups of an organization, and who is in them. Two of these addresses are pages as well, for
//! whoever opens them with a browser.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::me::no_store;
use crate::app::App;
use crate::db::{self, ReadTx};
use crate::kernel::{GroupId, UserId};
use crate::orgs::groups::{self, Group, GroupMember, GroupName};
use crate::web::body::ApiJson;
use crate::web::failure::{Failure, wants_page};
use crate::web::membership::{Belongs, Sees};
use crate::web::pages::groups as page;

/// Members on one page.
const PAGE: usize = 100;

#[derive(Deserialize)]
pub struct NameBody {
    name: String,
}

#[derive(Deserialize)]
pub struct MemberBody {
    user_id: String,
}

/// The group, and one of its members.
#[derive(Deserialize)]
pub struct GroupPath {
    pub id: String,
    #[serde(default)]
    pub user_id: String,
}

#[derive(Deserialize)]
pub struct PageQuery {
    #[serde(default)]
    pub cursor: String,
}

/// A group with one page of its members.
pub struct Shown {
    pub group: Group,
    pub members: Vec<GroupMember>,
    /// After whom the next page begins.
    pub next: Option<UserId>,
}

impl GroupPath {
    pub fn group(&self) -> Result<GroupId, Failure> {
        self.id.parse().map_err(|_| Failure::NotFound)
    }

    pub fn user(&self) -> Result<UserId, Failure> {
        self.user_id.parse().map_err(|_| Failure::NotFound)
    }
}

/// `GET /orgs/{slug}/groups`
pub async fn list(app: web::Data<App>, who: Sees, request: HttpRequest) -> Result<HttpResponse, Failure> {
    if wants_page(&request) {
        return page::list(&app, &who, &request).await;
    }
    let groups: Vec<Value> = load_all(&app, &who).await?.iter().map(describe).collect();
    Ok(no_store().json(json!({ "groups": groups })))
}

/// `POST /orgs/{slug}/groups`: 201; 409 for a name that is taken.
pub async fn create(
    app: web::Data<App>,
    who: Belongs,
    ApiJson(body): ApiJson<NameBody>,
) -> Result<HttpResponse, Failure> {
    let group = make(&app, &who, &body.name).await?;
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(describe(&group)))
}

/// `GET /orgs/{slug}/groups/{id}`: with a page of its members, and where the next one begins.
pub async fn show(
    app: web::Data<App>,
    who: Sees,
    path: web::Path<GroupPath>,
    asked: web::Query<PageQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let shown = load(&app, &who, path.group()?, &asked.cursor).await?;
    if wants_page(&request) {
        return Ok(page::show(&request, &who, &shown));
    }
    let mut answer = describe(&shown.group);
    if let Value::Object(answer) = &mut answer {
        answer.insert("members".to_owned(), shown.members.iter().map(describe_member).collect());
        answer.insert("next_cursor".to_owned(), json!(shown.next));
    }
    Ok(no_store().json(answer))
}

/// `PATCH /orgs/{slug}/groups/{id}`
pub async fn rename(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<GroupPath>,
    ApiJson(body): ApiJson<NameBody>,
) -> Result<HttpResponse, Failure> {
    let group = call(&app, &who, path.group()?, &body.name).await?;
    Ok(no_store().json(describe(&group)))
}

/// `DELETE /orgs/{slug}/groups/{id}`: 204.
pub async fn delete(app: web::Data<App>, who: Belongs, path: web::Path<GroupPath>) -> Result<HttpResponse, Failure> {
    end(&app, &who, path.group()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /orgs/{slug}/groups/{id}/members`: 204, also for somebody who is in it already.
pub async fn add_member(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<GroupPath>,
    ApiJson(body): ApiJson<MemberBody>,
) -> Result<HttpResponse, Failure> {
    let nobody = || Failure::field("user_id", "Send the id of a member of this organization.");
    let user = body.user_id.parse().map_err(|_| nobody())?;
    add(&app, &who, path.group()?, user).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /orgs/{slug}/groups/{id}/members/{user_id}`: 204.
pub async fn remove_member(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<GroupPath>,
) -> Result<HttpResponse, Failure> {
    remove(&app, &who, path.group()?, path.user()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub async fn load_all(app: &App, who: &Sees) -> Result<Vec<Group>, Failure> {
    let id = who.membership.organization.id;
    Ok(app.db.look_up(move |tx| groups::list(tx, id)).await?)
}

pub async fn load(app: &App, who: &Sees, id: GroupId, cursor: &str) -> Result<Shown, Failure> {
    let wrong = |_| Failure::field("cursor", "Send what the last page has given.");
    let after: Option<UserId> = if cursor.is_empty() { None } else { Some(cursor.parse().map_err(wrong)?) };
    let organization = who.membership.organization.id;
    let work = move |tx: &mut ReadTx<'_>| {
        let Some(group) = groups::find(tx, organization, id)? else { return Ok(None) };
        let (members, next) = groups::list_members(tx, id, after, PAGE)?;
        Ok::<_, db::Error>(Some(Shown { group, members, next }))
    };
    app.db.read(work).await?.ok_or(Failure::NotFound)
}

pub async fn make(app: &App, who: &Belongs, name: &str) -> Result<Group, Failure> {
    let name = parse(name)?;
    let (user, organization) = (who.live.user, who.membership.organization.id);
    Ok(app.db.write(&who.origin, move |tx| groups::create(tx, user, organization, &name)).await?)
}

/// Gives it another name.
pub async fn call(app: &App, who: &Belongs, id: GroupId, name: &str) -> Result<Group, Failure> {
    let name = parse(name)?;
    let (user, organization) = (who.live.user, who.membership.organization.id);
    Ok(app.db.write(&who.origin, move |tx| groups::rename(tx, user, (organization, id), &name)).await?)
}

pub async fn end(app: &App, who: &Belongs, id: GroupId) -> Result<(), Failure> {
    let (user, organization) = (who.live.user, who.membership.organization.id);
    Ok(app.db.write(&who.origin, move |tx| groups::delete(tx, user, organization, id)).await?)
}

pub async fn add(app: &App, who: &Belongs, id: GroupId, user: UserId) -> Result<(), Failure> {
    let (caller, organization) = (who.live.user, who.membership.organization.id);
    Ok(app.db.write(&who.origin, move |tx| groups::add(tx, caller, (organization, id), user)).await?)
}

pub async fn remove(app: &App, who: &Belongs, id: GroupId, user: UserId) -> Result<(), Failure> {
    let (caller, organization) = (who.live.user, who.membership.organization.id);
    Ok(app.db.write(&who.origin, move |tx| groups::remove(tx, caller, (organization, id), user)).await?)
}

fn parse(name: &str) -> Result<GroupName, Failure> {
    GroupName::parse(name).map_err(|error| Failure::field("name", error))
}

fn describe(group: &Group) -> Value {
    json!({ "id": group.id, "name": group.name, "created_at": group.created_at, "member_count": group.members })
}

fn describe_member(member: &GroupMember) -> Value {
    json!({ "user_id": member.user, "email": member.email, "name": member.name, "added_at": member.added_at })
}
