//! `/orgs/{slug}/webhooks`: programs that are told what happens in an organization.
//!
//! `/orgs/{slug}/webhooks` and `/orgs/{slug}/webhooks/{id}` are pages as well, for whoever opens them with a browser.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::me::no_store;
use crate::app::App;
use crate::db::{ReadTx, Tx};
use crate::kernel::{DeliveryId, WebhookId};
use crate::orgs::{Membership, Permission};
use crate::web::body::ApiJson;
use crate::web::failure::{self, Failure, Field};
use crate::web::membership::{Belongs, FreshlyBelongs};
use crate::web::pages::webhooks as page;
use crate::webhooks::{
    self, Added, Address, Changes, Delivery, Error, Keeper, Kinds, New, Page, Redelivered, Rotated, Turned, Webhook,
};

/// Deliveries on one page, unless something else is asked for.
const USUAL_PAGE: usize = 50;

const LONGEST_PAGE: usize = 100;

#[derive(Deserialize)]
pub struct NewBody {
    url: String,
    /// Without any it is told everything.
    kinds: Option<Vec<String>>,
}

#[derive(Deserialize)]
pub struct ChangeBody {
    url: Option<String>,
    kinds: Option<Vec<String>>,
    enabled: Option<bool>,
}

#[derive(Deserialize)]
pub struct PageQuery {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// A webhook of the organization.
#[derive(Deserialize)]
pub struct WebhookPath {
    pub id: String,
}

impl WebhookPath {
    pub fn id(&self) -> Result<WebhookId, Failure> {
        self.id.parse().map_err(|_| Failure::NotFound)
    }
}

/// Something on its way to one of them.
#[derive(Deserialize)]
pub struct DeliveryPath {
    pub id: String,
    pub delivery: String,
}

/// `GET /orgs/{slug}/webhooks`
pub async fn list(
    app: web::Data<App>,
    who: Belongs,
    asked: web::Query<page::Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    require_keeper(&who)?;
    if failure::wants_page(&request) {
        return page::list(&app, &who, &asked, &request).await;
    }
    let webhooks: Vec<Value> = load_all(&app, &who.membership).await?.iter().map(describe).collect();
    Ok(no_store().json(json!({ "webhooks": webhooks })))
}

/// `POST /orgs/{slug}/webhooks`: 201 with the secret, which is not shown again.
pub async fn add(
    app: web::Data<App>,
    who: FreshlyBelongs,
    ApiJson(body): ApiJson<NewBody>,
) -> Result<HttpResponse, Failure> {
    require_keeper(&who.0)?;
    let new = wanted(&app, &body.url, body.kinds.as_deref()).await.map_err(Failure::Validation)?;
    let added = make(&app, &who.0, new).await?;
    let mut said = describe(&added.webhook);
    if let Some(said) = said.as_object_mut() {
        said.insert("secret".to_owned(), json!(added.secret.expose()));
    }
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(said))
}

/// `GET /orgs/{slug}/webhooks/{id}`
pub async fn show(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<WebhookPath>,
    asked: web::Query<page::Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    require_keeper(&who)?;
    let webhook = load(&app, &who.membership, path.id()?).await?;
    if failure::wants_page(&request) {
        return page::show(&app, &who, &webhook, &asked, &request).await;
    }
    Ok(no_store().json(describe(&webhook)))
}

/// `PATCH /orgs/{slug}/webhooks/{id}`
pub async fn change(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<WebhookPath>,
    ApiJson(body): ApiJson<ChangeBody>,
) -> Result<HttpResponse, Failure> {
    require_keeper(&who.0)?;
    let turned = body.enabled.map(|enabled| if enabled { Turned::On } else { Turned::Off });
    let changes =
        changes(&app, body.url.as_deref(), body.kinds.as_deref(), turned).await.map_err(Failure::Validation)?;
    let webhook = alter(&app, &who.0, path.id()?, changes).await?;
    Ok(no_store().json(describe(&webhook)))
}

/// `DELETE /orgs/{slug}/webhooks/{id}`: 204.
pub async fn remove(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<WebhookPath>,
) -> Result<HttpResponse, Failure> {
    end(&app, &who.0, path.id()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /orgs/{slug}/webhooks/{id}/rotate`: the new secret, which is not shown again.
pub async fn rotate(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<WebhookPath>,
) -> Result<HttpResponse, Failure> {
    let rotated = replace_secret(&app, &who.0, path.id()?).await?;
    let said = json!({ "secret": rotated.secret.expose(), "old_secret_until": rotated.old_until });
    Ok(no_store().json(said))
}

/// `POST /orgs/{slug}/webhooks/{id}/test`: 202.
pub async fn test(app: web::Data<App>, who: Belongs, path: web::Path<WebhookPath>) -> Result<HttpResponse, Failure> {
    let delivery = try_out(&app, &who, path.id()?).await?;
    Ok(HttpResponse::Accepted().json(json!({ "delivery": delivery })))
}

/// `GET /orgs/{slug}/webhooks/{id}/deliveries`: a page of them, the newest first, and where the next one begins.
pub async fn list_deliveries(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<WebhookPath>,
    asked: web::Query<PageQuery>,
) -> Result<HttpResponse, Failure> {
    require_keeper(&who)?;
    let most = asked.limit.unwrap_or(USUAL_PAGE);
    if !(1..=LONGEST_PAGE).contains(&most) {
        return Err(Failure::field("limit", format!("Send a number from 1 to {LONGEST_PAGE}.")));
    }
    let page = load_deliveries(&app, &who.membership, path.id()?, asked.cursor.as_deref(), most).await?;
    let deliveries: Vec<Value> = page.deliveries.iter().map(describe_delivery).collect();
    Ok(no_store().json(json!({ "deliveries": deliveries, "next_cursor": page.next })))
}

/// `POST /orgs/{slug}/webhooks/{id}/deliveries/{delivery}/redeliver`: 202.
pub async fn redeliver(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<DeliveryPath>,
) -> Result<HttpResponse, Failure> {
    let delivery = send_again(&app, &who, &path).await?;
    Ok(HttpResponse::Accepted().json(json!({ "delivery": delivery })))
}

/// Before anything is shown, or said about what was sent. It is asked again when something is done.
pub fn require_keeper(who: &Belongs) -> Result<(), Failure> {
    who.require(Permission::ManageWebhooks)
}

pub async fn load_all(app: &App, membership: &Membership) -> Result<Vec<Webhook>, Failure> {
    let keeper = Keeper::Organization(membership.organization.id);
    Ok(app.db.look_up(move |tx| webhooks::list(tx, keeper)).await?)
}

pub async fn load(app: &App, membership: &Membership, id: WebhookId) -> Result<Webhook, Failure> {
    let keeper = Keeper::Organization(membership.organization.id);
    Ok(app.db.read::<_, Error, _>(move |tx| webhooks::find(tx, keeper, id)).await?)
}

pub async fn load_deliveries(
    app: &App,
    membership: &Membership,
    id: WebhookId,
    cursor: Option<&str>,
    most: usize,
) -> Result<Page, Failure> {
    let parse = |text: &str| {
        text.parse::<DeliveryId>().map_err(|_| Failure::field("cursor", "Send what the last page has given."))
    };
    let (keeper, before) = (Keeper::Organization(membership.organization.id), cursor.map(parse).transpose()?);
    let list = move |tx: &mut ReadTx<'_>| webhooks::list_deliveries(tx, keeper, id, before, most);
    Ok(app.db.read::<_, Error, _>(list).await?)
}

/// All that is wrong with it at once.
pub async fn wanted(app: &App, url: &str, kinds: Option<&[String]>) -> Result<New, Vec<Field>> {
    let changes = changes(app, Some(url), kinds, None).await?;
    let address = changes.address.ok_or_else(|| vec![("url", "Send a URL.".to_owned())])?;
    Ok(New { address, kinds: changes.kinds.unwrap_or_default() })
}

/// The same where all of it may be left as it is.
pub async fn changes(
    app: &App,
    url: Option<&str>,
    kinds: Option<&[String]>,
    turned: Option<Turned>,
) -> Result<Changes, Vec<Field>> {
    let address = match url {
        Some(url) => Address::look_up(&app.outside, url).await.map(Some).map_err(|error| ("url", error.to_string())),
        None => Ok(None),
    };
    let kinds = kinds.map(|words| Kinds::parse(words.iter().map(String::as_str))).transpose();
    match (address, kinds.map_err(|error| ("kinds", error.to_string()))) {
        (Ok(address), Ok(kinds)) => Ok(Changes { address, kinds, turned }),
        (address, kinds) => Err([address.err(), kinds.err()].into_iter().flatten().collect()),
    }
}

pub async fn make(app: &App, who: &Belongs, new: New) -> Result<Added, Failure> {
    let sealer = app.sealer.clone();
    keep(app, who, move |tx, keeper| webhooks::add(tx, &sealer, keeper, new)).await
}

pub async fn alter(app: &App, who: &Belongs, id: WebhookId, changes: Changes) -> Result<Webhook, Failure> {
    keep(app, who, move |tx, keeper| webhooks::change(tx, keeper, id, changes)).await
}

pub async fn end(app: &App, who: &Belongs, id: WebhookId) -> Result<Webhook, Failure> {
    keep(app, who, move |tx, keeper| webhooks::remove(tx, keeper, id)).await
}

pub async fn replace_secret(app: &App, who: &Belongs, id: WebhookId) -> Result<Rotated, Failure> {
    let sealer = app.sealer.clone();
    keep(app, who, move |tx, keeper| webhooks::rotate(tx, &sealer, keeper, id)).await
}

pub async fn try_out(app: &App, who: &Belongs, id: WebhookId) -> Result<DeliveryId, Failure> {
    keep(app, who, move |tx, keeper| webhooks::test(tx, keeper, id)).await
}

pub async fn send_again(app: &App, who: &Belongs, path: &DeliveryPath) -> Result<DeliveryId, Failure> {
    let webhook: WebhookId = path.id.parse().map_err(|_| Failure::NotFound)?;
    let delivery: DeliveryId = path.delivery.parse().map_err(|_| Failure::NotFound)?;
    let done = keep(app, who, move |tx, keeper| webhooks::redeliver(tx, keeper, Some(webhook), delivery)).await?;
    match done {
        Redelivered::Queued => Ok(delivery),
        Redelivered::BeingSent => Err(Failure::Conflict("This is being sent just now.".to_owned())),
    }
}

/// Does it as whatever the caller is in the organization by then.
async fn keep<T: Send + 'static>(
    app: &App,
    who: &Belongs,
    work: impl FnOnce(&mut Tx<'_>, Keeper) -> Result<T, Error> + Send + 'static,
) -> Result<T, Failure> {
    let (user, organization) = (who.live.user, who.membership.organization.id);
    let step = move |tx: &mut Tx<'_>| {
        let keeper = webhooks::keeper(tx, user, organization)?;
        work(tx, keeper)
    };
    Ok(app.db.write::<T, Error, _>(&who.origin, step).await?)
}

fn describe(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id,
        "url": webhook.address.as_str(),
        "kinds": webhook.kinds.words(),
        "enabled": webhook.disabled.is_none(),
        "disabled_at": webhook.disabled.map(|disabled| disabled.at),
        "disabled_why": webhook.disabled.map(|disabled| disabled.why.as_str()),
        "failures": webhook.failures,
        "failing_since": webhook.failing_since,
        "old_secret_until": webhook.old_secret_until,
        "created_at": webhook.created_at,
        "created_by": webhook.created_by,
    })
}

fn describe_delivery(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "event": delivery.event,
        "type": delivery.kind,
        "at": delivery.at,
        "state": delivery.standing.as_str(),
        "state_at": delivery.standing.at(),
        "attempts": delivery.attempts,
        "last_attempt_at": delivery.last_attempt_at,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
    })
}
