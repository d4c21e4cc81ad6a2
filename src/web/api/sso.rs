//! `/orgs/{slug}/sso`: how an organization's people sign in by its identity provider.
//!
//! `/orgs/{slug}/sso` and `/orgs/{slug}/sso/{id}` are pages as well, for whoever opens them with a browser.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::me::no_store;
use crate::app::App;
use crate::db::{ReadTx, Tx};
use crate::kernel::{ConnectionId, ConnectionKeyId, EmailAddress, OrganizationId, UserId};
use crate::orgs::{self, Permission, groups};
use crate::sso::connections::enforcement::{self, Preflight};
use crate::sso::connections::keys::{add_key, remove_key, sign_with};
use crate::sso::connections::{self, Changes, Connection, Error, Key, New, Refreshed, Whole, Wish};
use crate::sso::identities;
use crate::sso::saml::keys::{self, Pair};
use crate::web::body::ApiJson;
use crate::web::failure::{self, Failure};
use crate::web::membership::{Belongs, FreshlyBelongs};
use crate::web::pages::sso as page;

#[derive(Deserialize)]
pub struct ConnectionPath {
    pub id: String,
}

impl ConnectionPath {
    pub fn id(&self) -> Result<ConnectionId, Failure> {
        self.id.parse().map_err(|_| Failure::NotFound)
    }
}

#[derive(Deserialize)]
pub struct IdentityPath {
    id: String,
    user_id: String,
}

#[derive(Deserialize)]
pub struct KeyPath {
    pub id: String,
    pub key: String,
}

impl KeyPath {
    pub fn ids(&self) -> Result<(ConnectionId, ConnectionKeyId), Failure> {
        let parsed = self.id.parse().ok().zip(self.key.parse().ok());
        parsed.ok_or(Failure::NotFound)
    }
}

/// What a new one is; there is one kind.
#[derive(Deserialize)]
pub struct NewBody {
    kind: Option<String>,
    #[serde(flatten)]
    wish: Wish,
}

/// `GET /orgs/{slug}/sso`
pub async fn list(
    app: web::Data<App>,
    who: Belongs,
    asked: web::Query<page::Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    require_reader(&who)?;
    let all = load_all(&app, &who).await?;
    if failure::wants_page(&request) {
        return Ok(page::list(&app, &who, &all, &asked, &request));
    }
    let all: Vec<Value> = all.iter().map(|whole| describe(&app, whole)).collect();
    Ok(no_store().json(json!({ "connections": all })))
}

/// `POST /orgs/{slug}/sso`: 201.
pub async fn add(
    app: web::Data<App>,
    who: FreshlyBelongs,
    ApiJson(body): ApiJson<NewBody>,
) -> Result<HttpResponse, Failure> {
    require_keeper(&who.0)?;
    if body.kind.is_some_and(|kind| kind != "saml") {
        return Err(Failure::field("kind", "Send saml: there is no other kind."));
    }
    let whole = make(&app, &who.0, body.wish).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(describe(&app, &whole)))
}

/// `GET /orgs/{slug}/sso/{id}`
pub async fn show(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<ConnectionPath>,
    asked: web::Query<page::Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    require_reader(&who)?;
    let whole = load(&app, &who, path.id()?).await?;
    if failure::wants_page(&request) {
        return page::show(&app, &who, &whole, &asked, &request).await;
    }
    Ok(no_store().json(describe(&app, &whole)))
}

/// `PATCH /orgs/{slug}/sso/{id}`
pub async fn change(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<ConnectionPath>,
    ApiJson(wish): ApiJson<Wish>,
) -> Result<HttpResponse, Failure> {
    require_keeper(&who.0)?;
    let whole = alter(&app, &who.0, path.id()?, wish).await?;
    Ok(no_store().json(describe(&app, &whole)))
}

/// `DELETE /orgs/{slug}/sso/{id}`: 204.
pub async fn remove(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<ConnectionPath>,
) -> Result<HttpResponse, Failure> {
    end(&app, &who.0, path.id()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /orgs/{slug}/sso/{id}/preflight`: what it would mean for it to be the only way in, and what lacks for that.
pub async fn look_ahead(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<ConnectionPath>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    require_reader(&who)?;
    let (connection, preflight) = load_preflight(&app, &who, path.id()?).await?;
    if failure::wants_page(&request) {
        return Ok(page::look_ahead(&app, &who, (&connection, &preflight), &request));
    }
    Ok(no_store().json(preflight.to_json()))
}

/// `POST /orgs/{slug}/sso/{id}/refresh`: fetches the metadata now, and says what came of it.
pub async fn fetch_again(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<ConnectionPath>,
) -> Result<HttpResponse, Failure> {
    let said = match refresh(&app, &who.0, path.id()?).await? {
        Refreshed::Same => json!({ "outcome": "same" }),
        Refreshed::Changed => json!({ "outcome": "changed" }),
        Refreshed::Failed(why) => json!({ "outcome": "failed", "error": why }),
        Refreshed::NothingToFetch => {
            return Err(Failure::Conflict("Its metadata has no URL to be fetched from.".to_owned()));
        }
    };
    Ok(no_store().json(said))
}

/// `POST /orgs/{slug}/sso/{id}/keys`: 201. It stands in our metadata, and does not sign yet.
pub async fn add_further_key(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<ConnectionPath>,
) -> Result<HttpResponse, Failure> {
    let key = make_key(&app, &who.0, path.id()?).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(key.to_json()))
}

/// `POST /orgs/{slug}/sso/{id}/keys/{key}/activate`: 204. Requests are signed with it from now on.
pub async fn activate_key(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<KeyPath>,
) -> Result<HttpResponse, Failure> {
    use_key(&app, &who.0, &path).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /orgs/{slug}/sso/{id}/keys/{key}`: 204.
pub async fn drop_key(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<KeyPath>,
) -> Result<HttpResponse, Failure> {
    end_key(&app, &who.0, &path).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /orgs/{slug}/sso/{id}/identities/{user_id}`: 204. Who that is to the provider is forgotten, and what came by it
/// ends; the next time they come as whatever they are called there by then.
pub async fn forget_identity(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<IdentityPath>,
) -> Result<HttpResponse, Failure> {
    let user: UserId = path.user_id.parse().map_err(|_| Failure::NotFound)?;
    let id: ConnectionId = path.id.parse().map_err(|_| Failure::NotFound)?;
    let step = move |tx: &mut Tx<'_>, organization| {
        connections::find(tx, organization, id)?.ok_or(Error::Unknown)?;
        Ok(identities::forget(tx, user, id)?)
    };
    if keep(&app, &who.0, step).await? { Ok(HttpResponse::NoContent().finish()) } else { Err(Failure::NotFound) }
}

const NO_STORE: (&str, &str) = ("Cache-Control", "no-store");

/// Before anything is shown.
pub fn require_reader(who: &Belongs) -> Result<(), Failure> {
    who.require(Permission::SeeSingleSignOn)
}

/// Before anything is said about what was sent. It is asked again when something is done.
pub fn require_keeper(who: &Belongs) -> Result<(), Failure> {
    who.require(Permission::ManageSingleSignOn)
}

pub async fn load_all(app: &App, who: &Belongs) -> Result<Vec<Whole>, Failure> {
    let organization = who.membership.organization.id;
    let load = move |tx: &mut ReadTx<'_>| -> Result<Vec<Whole>, Error> {
        let all = connections::list_of(tx, organization)?;
        Ok(all.into_iter().map(|connection| Whole::load(tx, connection)).collect::<Result<_, _>>()?)
    };
    Ok(app.db.read(load).await?)
}

pub async fn load(app: &App, who: &Belongs, id: ConnectionId) -> Result<Whole, Failure> {
    let organization = who.membership.organization.id;
    let load = move |tx: &mut ReadTx<'_>| -> Result<Whole, Error> {
        let connection = connections::find(tx, organization, id)?.ok_or(Error::Unknown)?;
        Ok(Whole::load(tx, connection)?)
    };
    Ok(app.db.read(load).await?)
}

/// Of the organization's groups, by their ids.
pub async fn load_group_names(app: &App, who: &Belongs) -> Result<BTreeMap<String, String>, Failure> {
    let organization = who.membership.organization.id;
    let groups = app.db.look_up(move |tx| groups::list(tx, organization)).await?;
    Ok(groups.into_iter().map(|group| (group.id.to_string(), group.name)).collect())
}

pub async fn load_preflight(app: &App, who: &Belongs, id: ConnectionId) -> Result<(Connection, Preflight), Failure> {
    let organization = who.membership.organization.id;
    let load = move |tx: &mut ReadTx<'_>| -> Result<_, Error> {
        let connection = connections::find(tx, organization, id)?.ok_or(Error::Unknown)?;
        let preflight = enforcement::preflight(tx, &connection)?;
        Ok((connection, preflight))
    };
    Ok(app.db.read(load).await?)
}

pub async fn make(app: &App, who: &Belongs, wish: Wish) -> Result<Whole, Failure> {
    let changes = read(app, wish).await?;
    let new = New::from_changes(changes).map_err(Failure::Validation)?;
    let (pair, sealer) = (make_pair(app).await?, app.sealer.clone());
    keep(app, who, move |tx, organization| {
        let connection = connections::add(tx, &sealer, organization, new, &pair)?;
        Ok(Whole::load(tx, connection)?)
    })
    .await
}

pub async fn alter(app: &App, who: &Belongs, id: ConnectionId, wish: Wish) -> Result<Whole, Failure> {
    let changes = read(app, wish).await?;
    keep(app, who, move |tx, organization| {
        let connection = connections::change(tx, organization, id, &changes)?;
        Ok(Whole::load(tx, connection)?)
    })
    .await
}

pub async fn end(app: &App, who: &Belongs, id: ConnectionId) -> Result<Connection, Failure> {
    keep(app, who, move |tx, organization| connections::remove(tx, organization, id)).await
}

pub async fn refresh(app: &App, who: &Belongs, id: ConnectionId) -> Result<Refreshed, Failure> {
    require_keeper(who)?;
    load(app, who, id).await?;
    Ok(connections::refresh(app, &who.origin, id).await?)
}

pub async fn make_key(app: &App, who: &Belongs, id: ConnectionId) -> Result<Key, Failure> {
    // Nobody else has one made for them: it takes a while.
    require_keeper(who)?;
    let (pair, sealer) = (make_pair(app).await?, app.sealer.clone());
    keep(app, who, move |tx, organization| add_key(tx, &sealer, organization, id, &pair)).await
}

/// By an address; whether there was anything to forget.
pub async fn forget_by_address(app: &App, who: &Belongs, id: ConnectionId, email: &str) -> Result<bool, Failure> {
    require_keeper(who)?;
    let email = EmailAddress::parse(email).map_err(|error| Failure::field("email", error))?;
    keep(app, who, move |tx, organization| {
        connections::find(tx, organization, id)?.ok_or(Error::Unknown)?;
        Ok(identities::forget_by_address(tx, id, &email)?)
    })
    .await
}

pub async fn use_key(app: &App, who: &Belongs, path: &KeyPath) -> Result<(), Failure> {
    let (id, key) = path.ids()?;
    keep(app, who, move |tx, organization| sign_with(tx, organization, id, key)).await
}

pub async fn end_key(app: &App, who: &Belongs, path: &KeyPath) -> Result<(), Failure> {
    let (id, key) = path.ids()?;
    keep(app, who, move |tx, organization| remove_key(tx, organization, id, key)).await
}

async fn read(app: &App, wish: Wish) -> Result<Changes, Failure> {
    wish.read(&app.providers, app.clock.now()).await.map_err(Failure::Validation)
}

/// Off the async threads.
async fn make_pair(app: &App) -> Result<Pair, Failure> {
    let now = app.clock.now();
    let host = app.settings.server.public_url.host_str().unwrap_or("vestibule").to_owned();
    let made = web::block(move || keys::generate(&host, now)).await.map_err(Failure::internal)?;
    made.map_err(Failure::internal)
}

/// Does it as whatever the caller is in the organization by then.
async fn keep<T: Send + 'static>(
    app: &App,
    who: &Belongs,
    work: impl FnOnce(&mut Tx<'_>, OrganizationId) -> Result<T, Error> + Send + 'static,
) -> Result<T, Failure> {
    let (user, organization) = (who.live.user, who.membership.organization.id);
    let step = move |tx: &mut Tx<'_>| {
        orgs::act(tx, user, organization, Permission::ManageSingleSignOn)?;
        work(tx, organization)
    };
    Ok(app.db.write::<T, Error, _>(&who.origin, step).await?)
}

fn describe(app: &App, whole: &Whole) -> Value {
    whole.to_json(&app.settings.server.public_url, app.clock.now())
}
