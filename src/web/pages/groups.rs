//! `/orgs/{slug}/groups`: groups of an organization. Every member sees them, admins change them.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::kernel::{EmailAddress, GroupId};
use crate::orgs::Permission;
use crate::orgs::groups::{self, MOST};
use crate::web::api::groups::{GroupPath, Shown, add, call, end, load, load_all, make, remove};
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::membership::{Belongs, Sees};
use crate::web::view;

#[derive(Deserialize)]
pub struct NameForm {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
pub struct MemberForm {
    #[serde(default)]
    email: String,
}

#[derive(Deserialize)]
pub struct Nothing {}

/// `GET /orgs/{slug}/groups`
pub async fn list(app: &App, who: &Sees, request: &HttpRequest) -> Result<HttpResponse, Failure> {
    list_with(app, who, request, view::form(&json!({ "name": "" }), &[], done(request)), StatusCode::OK).await
}

/// `GET /orgs/{slug}/groups/{id}`
pub fn show(request: &HttpRequest, who: &Sees, shown: &Shown) -> HttpResponse {
    let form = view::form(&json!({ "name": shown.group.name, "email": "" }), &[], done(request));
    page(request, who, shown, form, StatusCode::OK)
}

/// `POST /orgs/{slug}/groups/new`
pub async fn create(
    app: web::Data<App>,
    who: Belongs,
    Checked(form): Checked<NameForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    match make(&app, &who, &form.name).await {
        Ok(group) => Ok(view::see_other(&format!("{}?done=made", path_of(&who, Some(group.id))))),
        Err(failure) => {
            let wrong = fault(&failure).ok_or_else(|| failure.clone())?;
            let form = view::form(&json!({ "name": form.name }), &wrong, None);
            let answer = list_with(&app, &who.into(), &request, form, failure.status()).await?;
            Ok(failure.label(answer))
        }
    }
}

/// `POST /orgs/{slug}/groups/{id}/rename`
pub async fn rename(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<GroupPath>,
    Checked(form): Checked<NameForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let id = path.group()?;
    match call(&app, &who, id, &form.name).await {
        Ok(_) => Ok(view::see_other(&format!("{}?done=renamed", path_of(&who, Some(id))))),
        Err(failure) => again(&app, who, id, &request, (json!({ "name": form.name, "email": "" }), failure)).await,
    }
}

/// `POST /orgs/{slug}/groups/{id}/delete`
pub async fn delete(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<GroupPath>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    end(&app, &who, path.group()?).await?;
    Ok(view::see_other(&format!("{}?done=deleted", path_of(&who, None))))
}

/// `POST /orgs/{slug}/groups/{id}/members/add`: by address.
pub async fn add_member(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<GroupPath>,
    Checked(form): Checked<MemberForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let id = path.group()?;
    match add_by_address(&app, &who, id, &form.email).await {
        Ok(()) => Ok(view::see_other(&format!("{}?done=added", path_of(&who, Some(id))))),
        Err(failure) => again(&app, who, id, &request, (json!({ "name": "", "email": form.email }), failure)).await,
    }
}

/// `POST /orgs/{slug}/groups/{id}/members/{user_id}/remove`
pub async fn remove_member(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<GroupPath>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    let id = path.group()?;
    remove(&app, &who, id, path.user()?).await?;
    Ok(view::see_other(&format!("{}?done=removed", path_of(&who, Some(id)))))
}

async fn add_by_address(app: &App, who: &Belongs, id: GroupId, email: &str) -> Result<(), Failure> {
    // Who belongs to the organization is no secret among its members.
    let email = EmailAddress::parse(email).map_err(|error| Failure::field("email", error))?;
    let organization = who.membership.organization.id;
    let found = app.db.look_up(move |tx| groups::find_member_by_address(tx, organization, &email)).await?;
    let user = found.ok_or_else(|| Failure::field("email", "No member of this organization has this address."))?;
    add(app, who, id, user).await
}

async fn list_with(
    app: &App,
    who: &Sees,
    request: &HttpRequest,
    form: Value,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let groups: Vec<Value> = load_all(app, who)
        .await?
        .iter()
        .map(|group| json!({ "id": group.id, "name": group.name, "members": group.members }))
        .collect();
    let context = json!({ "groups": groups, "most": MOST });
    let context = view::with(view::with(form, frame(who)), context);
    Ok(view::html(request, &mut HttpResponse::build(status), "orgs/groups.html", context))
}

/// The same page with what was wrong.
async fn again(
    app: &App,
    who: Belongs,
    id: GroupId,
    request: &HttpRequest,
    (mut input, failure): (Value, Failure),
) -> Result<HttpResponse, Failure> {
    let wrong = fault(&failure).ok_or_else(|| failure.clone())?;
    let who = Sees::from(who);
    let shown = load(app, &who, id, "").await?;
    if wrong.iter().all(|(field, _)| *field != "name")
        && let Value::Object(input) = &mut input
    {
        input.insert("name".to_owned(), json!(shown.group.name));
    }
    let form = view::form(&input, &wrong, None);
    Ok(failure.label(page(request, &who, &shown, form, failure.status())))
}

fn page(request: &HttpRequest, who: &Sees, shown: &Shown, form: Value, status: StatusCode) -> HttpResponse {
    let members: Vec<Value> = shown
        .members
        .iter()
        .map(|member| json!({ "user_id": member.user, "email": member.email, "name": member.name }))
        .collect();
    let group = json!({ "id": shown.group.id, "name": shown.group.name, "members": shown.group.members });
    let context = json!({ "group": group, "members": members, "next": shown.next });
    let context = view::with(view::with(form, frame(who)), context);
    view::html(request, &mut HttpResponse::build(status), "orgs/group.html", context)
}

fn frame(who: &Sees) -> Value {
    let organization = &who.membership.organization;
    json!({
        "organization": { "slug": organization.slug, "name": organization.name },
        "may_manage": who.membership.role.may(Permission::ManageGroups),
    })
}

/// What is said on the page itself; everything else is a page of its own.
fn fault(failure: &Failure) -> Option<Vec<Field>> {
    match failure {
        Failure::Validation(fields) => Some(fields.clone()),
        Failure::Conflict(sentence) => Some(vec![("name", sentence.clone())]),
        _ => None,
    }
}

fn path_of(who: &Belongs, group: Option<GroupId>) -> String {
    let slug = &who.membership.organization.slug;
    match group {
        Some(id) => format!("/orgs/{slug}/groups/{id}"),
        None => format!("/orgs/{slug}/groups"),
    }
}

fn done(request: &HttpRequest) -> Option<&'static str> {
    match request.query_string() {
        "done=made" => Some("The group is there. Now say who is in it."),
        "done=renamed" => Some("The group has its new name. Apps are told at once."),
        "done=deleted" => Some("The group is gone. Nobody has left the organization by that."),
        "done=added" => Some("They are in the group now."),
        "done=removed" => Some("They are no longer in the group."),
        _ => None,
    }
}
