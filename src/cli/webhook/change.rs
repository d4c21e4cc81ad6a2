use anyhow::{anyhow, bail};
use serde_json::json;

use super::{Add, One, Redeliver, Tools, explain};
use crate::cli::say;
use crate::db::Db;
use crate::kernel::Origin;
use crate::webhooks::{self, Address, Changes, Keeper, Kinds, New, Redelivered, Turned};

const KEEP_IT: &str = "It is shown only now. Whoever receives the webhook checks the signatures with it.";

pub(super) async fn add(arguments: &Add, tools: &Tools) -> anyhow::Result<()> {
    let kinds = match arguments.kind.as_slice() {
        [] => Kinds::default(),
        words => Kinds::parse(words.iter().map(String::as_str)).map_err(|error| anyhow!("{error}"))?,
    };
    let address = Address::look_up(&tools.outside, &arguments.url).await.map_err(|error| {
        anyhow!("{error} webhooks.allowed_networks says what may be reached besides the public internet")
    })?;
    let (sealer, new) = (tools.sealer.clone(), New { address, kinds });
    let added = tools
        .db
        .write(&Origin::operator("webhook add"), move |tx| webhooks::add(tx, &sealer, Keeper::Operator, new))
        .await
        .map_err(|error| explain(error, "webhook"))?;
    let (id, secret) = (added.webhook.id, added.secret.expose());
    if arguments.json {
        let (url, kinds) = (added.webhook.address.as_str(), added.webhook.kinds.words());
        return say(&json!({ "id": id, "url": url, "kinds": kinds, "secret": secret }).to_string());
    }
    say(&format!("{id}\nsecret  {secret}\n{KEEP_IT} Try it: vestibule webhook test {id}"))
}

pub(super) async fn remove(one: &One, db: &Db) -> anyhow::Result<()> {
    let id = one.id;
    let removed = db
        .write(&Origin::operator("webhook remove"), move |tx| webhooks::remove(tx, Keeper::Operator, id))
        .await
        .map_err(|error| explain(error, "webhook"))?;
    if one.json {
        return say(&json!({ "id": id, "removed": true }).to_string());
    }
    say(&format!("The webhook at {} is removed.", removed.address.host()))
}

pub(super) async fn disable(one: &One, db: &Db) -> anyhow::Result<()> {
    turn(one, db, "webhook disable", Turned::Off).await
}

pub(super) async fn enable(one: &One, db: &Db) -> anyhow::Result<()> {
    turn(one, db, "webhook enable", Turned::On).await
}

async fn turn(one: &One, db: &Db, command: &str, turned: Turned) -> anyhow::Result<()> {
    let (id, changes) = (one.id, Changes { turned: Some(turned), ..Changes::default() });
    let webhook = db
        .write(&Origin::operator(command), move |tx| webhooks::change(tx, Keeper::Operator, id, changes))
        .await
        .map_err(|error| explain(error, "webhook"))?;
    let is_on = webhook.disabled.is_none();
    if one.json {
        return say(&json!({ "id": id, "enabled": is_on }).to_string());
    }
    say(&format!("The webhook at {} is {}.", webhook.address.host(), if is_on { "on" } else { "off" }))
}

pub(super) async fn rotate(one: &One, tools: &Tools) -> anyhow::Result<()> {
    let (id, sealer) = (one.id, tools.sealer.clone());
    let rotated = tools
        .db
        .write(&Origin::operator("webhook rotate"), move |tx| webhooks::rotate(tx, &sealer, Keeper::Operator, id))
        .await
        .map_err(|error| explain(error, "webhook"))?;
    let (secret, until) = (rotated.secret.expose(), rotated.old_until);
    if one.json {
        return say(&json!({ "id": id, "secret": secret, "old_secret_until": until }).to_string());
    }
    let until = until.format("%Y-%m-%d %H:%M UTC");
    say(&format!("secret  {secret}\n{KEEP_IT} Until {until} everything is signed with the old one as well."))
}

pub(super) async fn test(one: &One, db: &Db) -> anyhow::Result<()> {
    let id = one.id;
    let delivery = db
        .write(&Origin::operator("webhook test"), move |tx| webhooks::test(tx, Keeper::Operator, id))
        .await
        .map_err(|error| explain(error, "webhook"))?;
    if one.json {
        return say(&json!({ "id": id, "delivery": delivery }).to_string());
    }
    say(&format!(
        "{delivery}  due now: a running service sends it within a second. See: vestibule webhook deliveries {id}"
    ))
}

pub(super) async fn redeliver(arguments: &Redeliver, db: &Db) -> anyhow::Result<()> {
    let id = arguments.id;
    let done = db
        .write(&Origin::operator("webhook redeliver"), move |tx| webhooks::redeliver(tx, Keeper::Operator, None, id))
        .await
        .map_err(|error| explain(error, "delivery"))?;
    match done {
        Redelivered::Queued if arguments.json => say(&json!({ "delivery": id, "outcome": "queued" }).to_string()),
        Redelivered::Queued => say(&format!("{id}  due now: a running service sends it within a second")),
        Redelivered::BeingSent => bail!("it is being sent just now"),
    }
}
