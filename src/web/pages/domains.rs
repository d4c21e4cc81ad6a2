//! `/orgs/{slug}/domains`: which domains are an organization's, and what to do to prove it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::sessions::Nothing;
use crate::app::App;
use crate::domains::{Checked, Domain, ProvedBy, Record};
use crate::orgs::Permission;
use crate::web::api::domains::{self as api, DomainPath};
use crate::web::csrf::Checked as Form;
use crate::web::failure::{Failure, Field};
use crate::web::membership::{Belongs, FreshlyBelongs};
use crate::web::{reauth, view};

/// Done: the record was looked for, to no avail.
const NOT_SEEN: &str = "not_seen";

#[derive(Deserialize)]
pub struct Asked {
    /// What was just done, one of the words of [`notice`].
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub struct NewForm {
    #[serde(default)]
    name: String,
}

/// `GET /orgs/{slug}/domains`, for a browser.
pub async fn list(app: &App, who: &Belongs, asked: &Asked, request: &HttpRequest) -> Result<HttpResponse, Failure> {
    let form = view::form(&json!({ "name": "" }), &[], notice(&asked.done));
    let form = view::with(form, json!({ "is_unseen": asked.done == NOT_SEEN }));
    page(app, who, request, form, StatusCode::OK).await
}

/// `POST /orgs/{slug}/domains/add`
pub async fn add(
    app: web::Data<App>,
    who: FreshlyBelongs,
    Form(form): Form<NewForm>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let who = who.0;
    api::require_manager(&who)?;
    match api::make(&app, &who, &form.name).await {
        Ok(_) => Ok(view::see_other(&place(&who, "added"))),
        Err(failure) => refused(&app, &who, &request, (&form.name, "name"), failure).await,
    }
}

/// `POST /orgs/{slug}/domains/{name}/check-now`
pub async fn check(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<DomainPath>,
    Form(Nothing {}): Form<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let who = who.0;
    match api::look(&app, &who, &path).await {
        Ok((_, Checked::Proved)) => Ok(view::see_other(&place(&who, "proved"))),
        Ok((_, Checked::NotSeen(_))) => Ok(view::see_other(&place(&who, NOT_SEEN))),
        Err(failure) => refused(&app, &who, &request, ("", ""), failure).await,
    }
}

/// `POST /orgs/{slug}/domains/{name}/remove`
pub async fn remove(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<DomainPath>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<HttpResponse, Failure> {
    api::give_up(&app, &who.0, &path).await?;
    Ok(view::see_other(&place(&who.0, "removed")))
}

/// The page once more, with why it was not done; `field` is what the sentence belongs to.
async fn refused(
    app: &App,
    who: &Belongs,
    request: &HttpRequest,
    (typed, field): (&str, &'static str),
    failure: Failure,
) -> Result<HttpResponse, Failure> {
    let wrong: Vec<Field> = match &failure {
        Failure::Validation(fields) => fields.clone(),
        Failure::Conflict(sentence) => vec![(field, sentence.clone())],
        Failure::RateLimited(_) => vec![("", failure.to_string())],
        _ => return Err(failure),
    };
    let form = view::form(&json!({ "name": typed }), &wrong, None);
    Ok(failure.label(page(app, who, request, form, failure.status()).await?))
}

async fn page(
    app: &App,
    who: &Belongs,
    request: &HttpRequest,
    form: Value,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let organization = &who.membership.organization;
    let domains: Vec<Value> = api::load_all(app, &who.membership).await?.iter().map(describe).collect();
    let form = view::with(json!({ "is_unseen": false }), form);
    let context = json!({
        "organization": { "slug": organization.slug, "name": organization.name },
        "domains": domains,
        "may_manage": who.membership.role.may(Permission::ManageSingleSignOn),
    });
    let mut response = HttpResponse::build(status);
    Ok(view::html(request, &mut response, "orgs/domains.html", view::with(form, context)))
}

fn describe(domain: &Domain) -> Value {
    let record = Record::of(domain);
    json!({
        "name": domain.name.as_str(),
        "is_proved": domain.proof.is_some(),
        "proved_at": domain.proof.map(|proof| proof.at),
        "is_vouched": domain.proof.is_some_and(|proof| proof.by == ProvedBy::Operator),
        "is_served": domain.connection.is_some(),
        "record": { "name": record.name, "value": record.value },
        "checked_at": domain.checked_at,
        "check_error": domain.check_error,
        "missing_since": domain.missing_since,
    })
}

fn place(who: &Belongs, done: &str) -> String {
    format!("/orgs/{}/domains?done={done}", who.membership.organization.slug)
}

fn notice(done: &str) -> Option<&'static str> {
    match done {
        "added" => Some("The domain is added. Now set its record, below, and have it checked."),
        "proved" => Some("The record is there: the domain is proved to be yours."),
        "removed" => Some("The domain is removed."),
        done => reauth::notice(done),
    }
}
