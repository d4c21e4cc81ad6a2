//! `/orgs/{slug}/domains`: which domains are an organization's, and how it proves that.
//!
//! `/orgs/{slug}/domains` is a page as well, for whoever opens it with a browser.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::me::no_store;
use crate::app::App;
use crate::db::{ReadTx, Tx};
use crate::domains::{self, Checked, Domain, Error, Name, Record};
use crate::orgs::{self, Membership, Permission};
use crate::web::body::ApiJson;
use crate::web::failure::{self, Failure};
use crate::web::membership::{Belongs, FreshlyBelongs};
use crate::web::pages::domains as page;

#[derive(Deserialize)]
pub struct NewBody {
    name: String,
}

/// A domain of the organization.
#[derive(Deserialize)]
pub struct DomainPath {
    pub name: String,
}

impl DomainPath {
    pub fn name(&self) -> Result<Name, Failure> {
        Name::parse(&self.name).map_err(|_| Failure::NotFound)
    }
}

/// `GET /orgs/{slug}/domains`
pub async fn list(
    app: web::Data<App>,
    who: Belongs,
    asked: web::Query<page::Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    who.require(Permission::SeeSingleSignOn)?;
    if failure::wants_page(&request) {
        return page::list(&app, &who, &asked, &request).await;
    }
    let domains: Vec<Value> = load_all(&app, &who.membership).await?.iter().map(describe).collect();
    Ok(no_store().json(json!({ "domains": domains })))
}

/// `POST /orgs/{slug}/domains`: 201 with the record that is to be set.
pub async fn claim(
    app: web::Data<App>,
    who: FreshlyBelongs,
    ApiJson(body): ApiJson<NewBody>,
) -> Result<HttpResponse, Failure> {
    require_manager(&who.0)?;
    let domain = make(&app, &who.0, &body.name).await?;
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(describe(&domain)))
}

/// `POST /orgs/{slug}/domains/{name}/check`: looks for the record, and says how the domain stands afterwards.
pub async fn check(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<DomainPath>,
) -> Result<HttpResponse, Failure> {
    let (domain, _) = look(&app, &who.0, &path).await?;
    Ok(no_store().json(describe(&domain)))
}

/// `DELETE /orgs/{slug}/domains/{name}`: 204.
pub async fn remove(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<DomainPath>,
) -> Result<HttpResponse, Failure> {
    give_up(&app, &who.0, &path).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Before anything is said about what was sent. It is asked again when something is done.
pub fn require_manager(who: &Belongs) -> Result<(), Failure> {
    who.require(Permission::ManageSingleSignOn)
}

pub async fn load_all(app: &App, membership: &Membership) -> Result<Vec<Domain>, Failure> {
    let organization = membership.organization.id;
    Ok(app.db.read(move |tx: &mut ReadTx<'_>| domains::list(tx, organization)).await?)
}

pub async fn make(app: &App, who: &Belongs, name: &str) -> Result<Domain, Failure> {
    let name = Name::parse(name).map_err(|wrong| Failure::field("name", wrong))?;
    let (user, organization) = (who.live.user, who.membership.organization.id);
    let step = move |tx: &mut Tx<'_>| {
        orgs::act(tx, user, organization, Permission::ManageSingleSignOn)?;
        domains::claim(tx, organization, &name)
    };
    Ok(app.db.write::<_, Error, _>(&who.origin, step).await?)
}

pub async fn look(app: &App, who: &Belongs, path: &DomainPath) -> Result<(Domain, Checked), Failure> {
    require_manager(who)?;
    let on_behalf_of = (who.live.user, who.membership.organization.id);
    Ok(domains::check(app, &who.origin, on_behalf_of, path.name()?).await?)
}

pub async fn give_up(app: &App, who: &Belongs, path: &DomainPath) -> Result<Domain, Failure> {
    require_manager(who)?;
    let (user, organization, name) = (who.live.user, who.membership.organization.id, path.name()?);
    let step = move |tx: &mut Tx<'_>| {
        orgs::act(tx, user, organization, Permission::ManageSingleSignOn)?;
        domains::remove(tx, organization, &name)
    };
    Ok(app.db.write::<_, Error, _>(&who.origin, step).await?)
}

fn describe(domain: &Domain) -> Value {
    let record = Record::of(domain);
    json!({
        "name": domain.name.as_str(),
        "proved_at": domain.proof.map(|proof| proof.at),
        "proved_by": domain.proof.map(|proof| proof.by.as_str()),
        "record": { "name": record.name, "type": "TXT", "value": record.value },
        "connection": domain.connection,
        "checked_at": domain.checked_at,
        "check_error": domain.check_error,
        "missing_since": domain.missing_since,
        "created_at": domain.created_at,
    })
}
