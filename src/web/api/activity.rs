//! `/me/activity` and `/orgs/{slug}/activity`: what happened on somebody's account, and in an organization.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::me::no_store;
use crate::accounts::activity::{About, By, Entry, Member, Told};
use crate::app::App;
use crate::audit::Area;
use crate::orgs::{self, Permission};
use crate::web::failure::{Failure, wants_page};
use crate::web::membership::Sees;
use crate::web::pages::activity::{self as page, Asked};
use crate::web::who::Reader;

/// `GET /me/activity?cursor=&limit=&kind=&since=&until=`: 422 for what cannot be read.
pub async fn list(app: web::Data<App>, who: Reader, asked: web::Query<Asked>) -> Result<HttpResponse, Failure> {
    let wanted = asked.wanted().map_err(Failure::Validation)?;
    let told = page::load(&app, who.user, wanted).await?;
    Ok(no_store().json(describe_all(&told)))
}

/// `GET /orgs/{slug}/activity`, with the same query: for its admins and owners. Whoever opens it with a browser gets a page.
pub async fn of_organization(
    app: web::Data<App>,
    who: Sees,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    if !who.membership.role.may(Permission::SeeActivity) {
        return Err(orgs::Error::NotPermitted.into());
    }
    if wants_page(&request) {
        return page::show_of_organization(&app, &who.membership, &asked, &request).await;
    }
    let wanted = asked.wanted().map_err(Failure::Validation)?;
    let told = page::load_of_organization(&app, &who.membership, wanted).await?;
    Ok(no_store().json(describe_all(&told)))
}

fn describe_all(told: &Told) -> Value {
    let events: Vec<Value> = told.entries.iter().map(describe).collect();
    json!({ "events": events, "next_cursor": told.next.map(|cursor| cursor.to_string()) })
}

fn describe(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "at": entry.at,
        "kind": entry.kind,
        "area": entry.area.map(Area::as_str),
        "sentence": entry.sentence,
        "details": entry.facts,
        "by": describe_by(&entry.by),
        "about": describe_about(&entry.about),
        "ip": entry.address,
        "device_name": entry.device,
        "organization": entry.organization.as_ref().map(|it| json!({ "slug": it.slug, "name": it.name })),
    })
}

fn describe_by(by: &By) -> Value {
    match by {
        By::You => person("you", None),
        By::Member(member) => person("member", Some(member)),
        By::Operator => person("operator", None),
        By::Service => person("service", None),
        By::Another => person("another", None),
        By::Somebody => person("somebody", None),
    }
}

fn describe_about(about: &About) -> Value {
    match about {
        About::You => person("you", None),
        About::Member(member) => person("member", Some(member)),
        About::Somebody => person("somebody", None),
        About::Nobody => Value::Null,
    }
}

fn person(who: &str, member: Option<&Member>) -> Value {
    let name = member.map(|member| member.name.as_str()).filter(|name| !name.is_empty());
    match member.and_then(|member| member.email.as_deref()) {
        Some(email) => json!({ "who": who, "name": name, "email": email }),
        None => json!({ "who": who, "name": name }),
    }
}
