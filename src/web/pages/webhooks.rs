//! `/orgs/{slug}/webhooks`: programs that are told what happens in an organization.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::sessions::{Nothing, ago};
use crate::app::App;
use crate::kernel::{Redacted, WebhookId};
use crate::orgs::Organization;
use crate::web::api::webhooks::{self as api, DeliveryPath, WebhookPath};
use crate::web::csrf::Checked;
use crate::web::failure::{Failure, Field};
use crate::web::membership::{Belongs, FreshlyBelongs};
use crate::web::{reauth, view};
use crate::webhooks::{Changes, Delivery, Standing, Turned, Webhook, Why};

/// How many deliveries are shown at once.
const PAGE: usize = 20;

#[derive(Deserialize)]
pub struct Asked {
    /// What was just done, one of the words of [`notice`].
    #[serde(default)]
    done: String,
    /// Where the page of deliveries begins.
    cursor: Option<String>,
}

#[derive(Deserialize)]
pub struct Form {
    #[serde(default)]
    url: String,
    /// With spaces, commas or line breaks between them.
    #[serde(default)]
    kinds: String,
}

/// `GET /orgs/{slug}/webhooks`, for a browser.
pub async fn list(app: &App, who: &Belongs, asked: &Asked, request: &HttpRequest) -> Result<HttpResponse, Failure> {
    let fresh_form = json!({ "url": "", "kinds": "*" });
    page_of_all(app, who, request, view::form(&fresh_form, &[], notice(&asked.done)), StatusCode::OK).await
}

/// `POST /orgs/{slug}/webhooks/add`: the answer shows the secret, once.
pub async fn add(
    app: web::Data<App>,
    who: FreshlyBelongs,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let who = who.0;
    api::require_keeper(&who)?;
    let (wrong, status): (Vec<Field>, StatusCode) = match api::wanted(&app, &form.url, Some(&words(&form.kinds))).await
    {
        Ok(new) => match api::make(&app, &who, new).await {
            Ok(added) => {
                let shown = Shown { webhook: &added.webhook, secret: &added.secret, old_until: None };
                return Ok(shown.page(&who.membership.organization, &request));
            }
            Err(failure @ Failure::Conflict(_)) => (vec![("", failure.to_string())], failure.status()),
            Err(failure) => return Err(failure),
        },
        Err(wrong) => (wrong, StatusCode::UNPROCESSABLE_ENTITY),
    };
    let input = json!({ "url": form.url, "kinds": form.kinds });
    page_of_all(&app, &who, &request, view::form(&input, &wrong, None), status).await
}

/// `GET /orgs/{slug}/webhooks/{id}`, for a browser.
pub async fn show(
    app: &App,
    who: &Belongs,
    webhook: &Webhook,
    asked: &Asked,
    request: &HttpRequest,
) -> Result<HttpResponse, Failure> {
    let form = view::form(&input_of(webhook), &[], notice(&asked.done));
    page_of_one(app, (who, webhook, asked.cursor.as_deref()), request, form, StatusCode::OK).await
}

/// `POST /orgs/{slug}/webhooks/{id}/change`
pub async fn change(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<WebhookPath>,
    Checked(form): Checked<Form>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let (who, id) = (who.0, path.id()?);
    api::require_keeper(&who)?;
    match api::changes(&app, Some(&form.url), Some(&words(&form.kinds)), None).await {
        Ok(changes) => {
            api::alter(&app, &who, id, changes).await?;
            Ok(view::see_other(&place(&who, id, "changed")))
        }
        Err(wrong) => {
            let webhook = api::load(&app, &who.membership, id).await?;
            let form = view::form(&json!({ "url": form.url, "kinds": form.kinds }), &wrong, None);
            page_of_one(&app, (&who, &webhook, None), &request, form, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

/// `POST /orgs/{slug}/webhooks/{id}/enable`
pub async fn enable(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<WebhookPath>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    turn(&app, &who.0, path.id()?, Turned::On).await
}

/// `POST /orgs/{slug}/webhooks/{id}/disable`
pub async fn disable(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<WebhookPath>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    turn(&app, &who.0, path.id()?, Turned::Off).await
}

/// `POST /orgs/{slug}/webhooks/{id}/remove`
pub async fn remove(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<WebhookPath>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    api::end(&app, &who.0, path.id()?).await?;
    Ok(view::see_other(&format!("/orgs/{}/webhooks?done=removed", who.0.membership.organization.slug)))
}

/// `POST /orgs/{slug}/webhooks/{id}/replace-secret`: the answer shows the new one, once.
pub async fn replace_secret(
    app: web::Data<App>,
    who: FreshlyBelongs,
    path: web::Path<WebhookPath>,
    Checked(Nothing {}): Checked<Nothing>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let (who, id) = (who.0, path.id()?);
    let rotated = api::replace_secret(&app, &who, id).await?;
    let webhook = api::load(&app, &who.membership, id).await?;
    let shown = Shown { webhook: &webhook, secret: &rotated.secret, old_until: Some(rotated.old_until) };
    Ok(shown.page(&who.membership.organization, &request))
}

/// `POST /orgs/{slug}/webhooks/{id}/send-test`
pub async fn send_test(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<WebhookPath>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    let id = path.id()?;
    api::try_out(&app, &who, id).await?;
    Ok(view::see_other(&place(&who, id, "tested")))
}

/// `POST /orgs/{slug}/webhooks/{id}/deliveries/{delivery}/send-again`
pub async fn send_again(
    app: web::Data<App>,
    who: Belongs,
    path: web::Path<DeliveryPath>,
    Checked(Nothing {}): Checked<Nothing>,
) -> Result<HttpResponse, Failure> {
    api::send_again(&app, &who, &path).await?;
    let id: WebhookId = path.id.parse().map_err(|_| Failure::NotFound)?;
    Ok(view::see_other(&place(&who, id, "repeated")))
}

async fn turn(app: &App, who: &Belongs, id: WebhookId, turned: Turned) -> Result<HttpResponse, Failure> {
    let done = match turned {
        Turned::On => "on",
        Turned::Off => "off",
    };
    api::alter(app, who, id, Changes { turned: Some(turned), ..Changes::default() }).await?;
    Ok(view::see_other(&place(who, id, done)))
}

fn place(who: &Belongs, id: WebhookId, done: &str) -> String {
    format!("/orgs/{}/webhooks/{id}?done={done}", who.membership.organization.slug)
}

fn words(kinds: &str) -> Vec<String> {
    kinds.split(|c: char| c.is_whitespace() || c == ',').map(str::to_owned).collect()
}

fn input_of(webhook: &Webhook) -> Value {
    json!({ "url": webhook.address.as_str(), "kinds": webhook.kinds.words().join(" ") })
}

async fn page_of_all(
    app: &App,
    who: &Belongs,
    request: &HttpRequest,
    form: Value,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let now = app.clock.now();
    let webhooks: Vec<Value> =
        api::load_all(app, &who.membership).await?.iter().map(|webhook| describe(webhook, now)).collect();
    let context = json!({ "organization": name_of(&who.membership.organization), "webhooks": webhooks });
    let mut response = HttpResponse::build(status);
    Ok(view::html(request, &mut response, "orgs/webhooks.html", view::with(form, context)))
}

/// Of a webhook as somebody sees it, its deliveries from a certain one on.
async fn page_of_one(
    app: &App,
    (who, webhook, cursor): (&Belongs, &Webhook, Option<&str>),
    request: &HttpRequest,
    form: Value,
    status: StatusCode,
) -> Result<HttpResponse, Failure> {
    let now = app.clock.now();
    let page = api::load_deliveries(app, &who.membership, webhook.id, cursor, PAGE).await?;
    let deliveries: Vec<Value> = page.deliveries.iter().map(|delivery| describe_delivery(delivery, now)).collect();
    let context = json!({
        "organization": name_of(&who.membership.organization),
        "webhook": describe(webhook, now),
        "deliveries": deliveries,
        "next": page.next,
    });
    let mut response = HttpResponse::build(status);
    Ok(view::html(request, &mut response, "orgs/webhook.html", view::with(form, context)))
}

/// What is shown once.
struct Shown<'a> {
    webhook: &'a Webhook,
    secret: &'a Redacted,
    old_until: Option<DateTime<Utc>>,
}

impl Shown<'_> {
    fn page(&self, organization: &Organization, request: &HttpRequest) -> HttpResponse {
        let context = json!({
            "organization": name_of(organization),
            "id": self.webhook.id,
            "host": self.webhook.address.host(),
            "secret": self.secret.expose(),
            "old_until": self.old_until,
        });
        view::html(request, &mut HttpResponse::Ok(), "orgs/webhook_shown.html", context)
    }
}

fn name_of(organization: &Organization) -> Value {
    json!({ "slug": organization.slug, "name": organization.name })
}

fn describe(webhook: &Webhook, now: DateTime<Utc>) -> Value {
    json!({
        "id": webhook.id,
        "url": webhook.address.as_str(),
        "host": webhook.address.host(),
        "kinds": webhook.kinds.words(),
        "is_off": webhook.disabled.is_some(),
        "off_at": webhook.disabled.map(|disabled| disabled.at),
        "has_failed": webhook.disabled.is_some_and(|disabled| disabled.why == Why::Failing),
        "failures": webhook.failures,
        "failing_since": webhook.failing_since,
        "created_at": webhook.created_at,
        "old_secret_until": webhook.old_secret_until.filter(|until| *until > now),
    })
}

fn describe_delivery(delivery: &Delivery, now: DateTime<Utc>) -> Value {
    json!({
        "id": delivery.id,
        "kind": delivery.kind,
        "at": delivery.at,
        "ago": ago(now - delivery.at),
        "state": delivery.standing.as_str(),
        "state_at": delivery.standing.at(),
        "can_be_repeated": !matches!(delivery.standing, Standing::Sending(_)),
        "attempts": delivery.attempts,
        "error": delivery.last_error,
    })
}

fn notice(done: &str) -> Option<&'static str> {
    match done {
        "changed" => Some("The webhook is changed."),
        "on" => Some("The webhook is turned on. What it missed you can have sent again, below."),
        "off" => Some("The webhook is turned off. Nothing is sent to it any more."),
        "removed" => Some("The webhook is removed."),
        "tested" => Some("A test is on its way. Load this page again to see what became of it."),
        "repeated" => Some("It is sent again. Load this page again to see what became of it."),
        done => reauth::notice(done),
    }
}
