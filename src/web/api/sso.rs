//! `/orgs/{slug}/sso`: how an organization's people sign in by its identity provider.
//!
//! `/orgs/{slug}/sso` and `/orgs/{slug}/sso/{id}` are pages as well, for whoever opens them with a browser.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::me::no_store;
use crate::app::App;
use crate::db::{ReadTx, Tx};
use crate::domains::{self, Domain};
use crate::kernel::{ConnectionId, ConnectionKeyId, OrganizationId};
use crate::orgs::{self, Permission};
use crate::sso::connections::{
    self, Changes, Connection, Error, Key, Mappings, New, Place, Source, Wish,
    enforcement::{self, Affected, Preflight},
    keys::{add_key, remove_key, sign_with},
};
use crate::sso::saml::keys::{self, Pair};
use crate::sso::saml::{Certificate, certificate};
use crate::web::body::ApiJson;
use crate::web::failure::{self, Failure};
use crate::web::membership::{Belongs, FreshlyBelongs};

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

/// A connection with all that belongs to it, as those see it who look after it.
pub struct Whole {
    pub connection: Connection,
    pub certificates: Vec<Certificate>,
    pub keys: Vec<Key>,
    pub mappings: Mappings,
    pub domains: Vec<Domain>,
    pub break_glass: Vec<orgs::Member>,
}

/// `GET /orgs/{slug}/sso`
pub async fn list(app: web::Data<App>, who: Belongs, request: HttpRequest) -> Result<HttpResponse, Failure> {
    require_reader(&who)?;
    let all = load_all(&app, &who).await?;
    let _ = (&request, failure::wants_page);
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
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    require_reader(&who)?;
    let whole = load(&app, &who, path.id()?).await?;
    let _ = request;
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
) -> Result<HttpResponse, Failure> {
    require_reader(&who)?;
    let (_, preflight) = load_preflight(&app, &who, path.id()?).await?;
    Ok(no_store().json(describe_preflight(&preflight)))
}

/// `POST /orgs/{slug}/sso/{id}/keys`: 201. It stands in our metadata, and does not sign yet.
pub async fn add_further_key(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<ConnectionPath>,
) -> Result<HttpResponse, Failure> {
    let key = make_key(&app, &who.0, path.id()?).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(describe_key(&key)))
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
        all.into_iter().map(|connection| complete(tx, connection)).collect()
    };
    Ok(app.db.read(load).await?)
}

pub async fn load(app: &App, who: &Belongs, id: ConnectionId) -> Result<Whole, Failure> {
    let organization = who.membership.organization.id;
    let load = move |tx: &mut ReadTx<'_>| -> Result<Whole, Error> {
        let connection = connections::find(tx, organization, id)?.ok_or(Error::Unknown)?;
        complete(tx, connection)
    };
    Ok(app.db.read(load).await?)
}

fn complete(tx: &mut ReadTx<'_>, connection: Connection) -> Result<Whole, Error> {
    let id = connection.id;
    Ok(Whole {
        certificates: connections::list_certificates(tx, id)?,
        keys: connections::list_keys(tx, id)?,
        mappings: connections::load_mappings(tx, id)?,
        domains: domains::list_of_connection(tx, id)?,
        break_glass: enforcement::list_break_glass(tx, &connection)?,
        connection,
    })
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
        complete(tx, connection)
    })
    .await
}

pub async fn alter(app: &App, who: &Belongs, id: ConnectionId, wish: Wish) -> Result<Whole, Failure> {
    let changes = read(app, wish).await?;
    keep(app, who, move |tx, organization| {
        let connection = connections::change(tx, organization, id, changes)?;
        complete(tx, connection)
    })
    .await
}

pub async fn end(app: &App, who: &Belongs, id: ConnectionId) -> Result<Connection, Failure> {
    keep(app, who, move |tx, organization| connections::remove(tx, organization, id)).await
}

pub async fn make_key(app: &App, who: &Belongs, id: ConnectionId) -> Result<Key, Failure> {
    // Nobody else has one made for them: it takes a while.
    require_keeper(who)?;
    let (pair, sealer) = (make_pair(app).await?, app.sealer.clone());
    keep(app, who, move |tx, organization| add_key(tx, &sealer, organization, id, &pair)).await
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
    let (one, now) = (&whole.connection, app.clock.now());
    let place = Place::of(&app.settings.server.public_url, one.id);
    json!({
        "id": one.id,
        "kind": "saml",
        "name": one.name,
        "idp_entity_id": one.idp.entity_id,
        "sso_url": one.idp.sso.url,
        "sso_binding": one.idp.sso.binding.as_str(),
        "slo_url": one.idp.slo.as_ref().map(|slo| &slo.url),
        "slo_binding": one.idp.slo.as_ref().map(|slo| slo.binding.as_str()),
        "metadata": describe_source(&one.source),
        "certificates": whole.certificates.iter().map(describe_certificate).collect::<Vec<_>>(),
        "keys": whole.keys.iter().map(describe_key).collect::<Vec<_>>(),
        "domains": whole.domains.iter().map(describe_domain).collect::<Vec<_>>(),
        "attributes": {
            "email": one.attributes.email,
            "name": one.attributes.name,
            "groups": one.attributes.groups,
        },
        "group_roles": whole.mappings.roles.iter().map(|(group, role)| (group, role.as_str()))
            .collect::<std::collections::BTreeMap<_, _>>(),
        "group_groups": whole.mappings.groups,
        "default_role": one.default_role.map(orgs::Role::as_str),
        "sign_requests": one.signs_requests,
        "allow_idp_initiated": one.allows_idp_initiated,
        "enforced": one.is_enforced(now),
        "enforced_from": one.enforced_from,
        "break_glass": whole.break_glass.iter().map(|owner| json!({ "id": owner.user, "email": owner.email }))
            .collect::<Vec<_>>(),
        "tested_at": one.tested_at,
        "created_at": one.created_at,
        "changed_at": one.changed_at,
        "service_provider": {
            "entity_id": place.entity_id,
            "acs_url": place.acs,
            "login_url": place.login,
            "logout_url": place.logout,
        },
    })
}

fn describe_preflight(preflight: &Preflight) -> Value {
    let missing = preflight.missing.iter().map(|one| json!({ "code": one.as_str(), "detail": one.sentence() }));
    json!({
        "ready": preflight.missing.is_empty(),
        "missing": missing.collect::<Vec<_>>(),
        "affected": preflight.affected,
        "have_signed_in": preflight.have_signed_in,
        "not_members": preflight.strangers,
        "people": preflight.people.iter().map(describe_affected).collect::<Vec<_>>(),
    })
}

fn describe_affected(person: &Affected) -> Value {
    json!({
        "id": person.user,
        "email": person.email,
        "name": person.name,
        "member": person.is_member,
        "password": person.has_password,
        "passkey": person.has_passkey,
        "last_by_provider": person.last_by_provider,
        "break_glass": person.is_break_glass,
    })
}

fn describe_source(source: &Source) -> Value {
    match source {
        Source::Hand => json!({ "from": "hand" }),
        Source::Xml { read_at } => json!({ "from": "xml", "read_at": read_at }),
        Source::Url(fetched) => json!({
            "from": "url",
            "url": fetched.url,
            "read_at": fetched.at,
            "error": fetched.error,
            "next_at": fetched.due,
        }),
    }
}

fn describe_certificate(certificate: &Certificate) -> Value {
    json!({
        "sha256": certificate.fingerprint(),
        "subject": certificate.subject,
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
    })
}

fn describe_key(key: &Key) -> Value {
    json!({
        "id": key.id,
        "sha256": certificate::fingerprint_of(&key.certificate),
        "signs": key.signs,
        "created_at": key.created_at,
        "not_after": key.not_after,
    })
}

fn describe_domain(domain: &Domain) -> Value {
    json!({ "name": domain.name.as_str(), "proved": domain.proof.is_some() })
}
