use serde_json::{Value, json};

use super::{Deliveries, Quiet, explain};
use crate::cli::say;
use crate::db::{self, Db};
use crate::webhooks::{self, Delivery, Keeper, Standing, Webhook};

const TIME: &str = "%Y-%m-%d %H:%M:%S UTC";

/// How many deliveries are shown at once.
const PAGE: usize = 50;

pub(super) async fn list(arguments: &Quiet, db: &Db) -> anyhow::Result<()> {
    let all = db.read::<_, db::Error, _>(|tx| webhooks::list(tx, Keeper::Operator)).await?;
    if arguments.json {
        let all: Vec<Value> = all.iter().map(as_json).collect();
        return say(&json!({ "webhooks": all }).to_string());
    }
    if all.is_empty() {
        return say("There is no webhook.");
    }
    all.iter().try_for_each(|webhook| say(&as_text(webhook)))
}

pub(super) async fn deliveries(arguments: &Deliveries, db: &Db) -> anyhow::Result<()> {
    let (id, before) = (arguments.id, arguments.before);
    let page = db
        .read(move |tx| webhooks::list_deliveries(tx, Keeper::Operator, id, before, PAGE))
        .await
        .map_err(|error| explain(error, "webhook"))?;
    if arguments.json {
        let deliveries: Vec<Value> = page.deliveries.iter().map(delivery_as_json).collect();
        return say(&json!({ "deliveries": deliveries, "next": page.next }).to_string());
    }
    if page.deliveries.is_empty() {
        return say("Nothing was sent to it, and nothing waits.");
    }
    page.deliveries.iter().try_for_each(|delivery| say(&delivery_as_text(delivery)))?;
    match page.next {
        Some(next) => say(&format!("… more: vestibule webhook deliveries {id} --before {next}")),
        None => Ok(()),
    }
}

fn as_json(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id,
        "organization": webhook.organization,
        "url": webhook.address.as_str(),
        "kinds": webhook.kinds.words(),
        "created_at": webhook.created_at,
        "enabled": webhook.disabled.is_none(),
        "disabled_at": webhook.disabled.map(|disabled| disabled.at),
        "disabled_why": webhook.disabled.map(|disabled| disabled.why.as_str()),
        "failures": webhook.failures,
        "failing_since": webhook.failing_since,
    })
}

fn as_text(webhook: &Webhook) -> String {
    let whose = webhook.organization.map_or_else(|| "the instance".to_owned(), |id| format!("organization {id}"));
    let state = match (webhook.disabled, webhook.failing_since) {
        (Some(disabled), _) => format!("off since {} ({})", disabled.at.format(TIME), disabled.why.as_str()),
        (None, Some(since)) => format!("{} failures since {}", webhook.failures, since.format(TIME)),
        (None, None) => "on".to_owned(),
    };
    let (url, kinds) = (webhook.address.as_str(), webhook.kinds.words().join(" "));
    format!("{}  {url}\n  {whose}, {kinds}, {state}", webhook.id)
}

fn delivery_as_json(delivery: &Delivery) -> Value {
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

fn delivery_as_text(delivery: &Delivery) -> String {
    let state = match delivery.standing {
        Standing::Waiting(at) => format!("next attempt {}", at.format(TIME)),
        Standing::Sending(_) => "being sent".to_owned(),
        Standing::Delivered(at) => format!("delivered {}", at.format(TIME)),
        Standing::GaveUp(at) => format!("given up {}", at.format(TIME)),
    };
    let error = delivery.last_error.as_ref().map(|error| format!("\n  {error}")).unwrap_or_default();
    let (id, kind, attempts) = (delivery.id, delivery.kind.as_str(), delivery.attempts);
    format!("{id}  {kind}\n  happened {}, attempts {attempts}, {state}{error}", delivery.at.format(TIME))
}
