//! `vestibule keys`: what assertions are signed with.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::database::Database;
use super::table::as_table;
use super::{Common, say};
use crate::config::{self, Settings};
use crate::crypto::Sealer;
use crate::db::{self, Db};
use crate::kernel::{Clock, Origin};
use crate::signing_keys::{self, Listed, Rotated};

#[derive(Subcommand)]
pub enum Command {
    /// List the keys that apps verify assertions by, and which of them signs
    List(List),
    /// Make the next key: apps can fetch it at once, and it signs from tomorrow on
    Rotate(Rotate),
}

#[derive(Args)]
#[command(
    after_help = "--json: {\"keys\": [{\"kid\", \"state\": \"waiting\" | \"signing\" | \"retired\", \"created_at\", \
    \"signs_at\", \"signs_until\": null as long as there is no next one}]}"
)]
pub struct List {
    #[command(flatten)]
    common: Common,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(after_help = "--json: the key, as `keys list` shows it, and \"made\": false if one was waiting already")]
pub struct Rotate {
    #[command(flatten)]
    common: Common,
    /// After a leak: the new key signs at once, and all others are worth nothing. Until apps have fetched it, which most do
    /// as soon as they meet it, they refuse everybody
    #[arg(long)]
    now: bool,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::List(arguments) => &arguments.common,
            Self::Rotate(arguments) => &arguments.common,
        }
    }
}

pub(super) fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    let database = Database::reach(settings)?;
    let db = Db::new(database.url(), 1, Clock::System);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match command {
            Command::List(arguments) => list(arguments, &db).await,
            Command::Rotate(arguments) => {
                let sealer = Sealer::new(&config::secret_keys(settings)?).context("secrets.key: there is no key")?;
                rotate(arguments, &db, sealer).await
            }
        }
    });
    database.close()?;
    result
}

async fn list(arguments: &List, db: &Db) -> anyhow::Result<()> {
    let keys = db.read::<_, db::Error, _>(signing_keys::list).await?;
    if arguments.json {
        let keys: Vec<Value> = keys.iter().map(as_json).collect();
        return say(&json!({ "keys": keys }).to_string());
    }
    if keys.is_empty() {
        return say("There is none. The first one is made when gateway.assertion is on and somebody comes.");
    }
    let head = ["KEY", "STATE", "SIGNS FROM", "UNTIL"].map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(keys.iter().map(as_row)).collect();
    as_table(&rows).iter().try_for_each(|line| say(line))
}

async fn rotate(arguments: &Rotate, db: &Db, sealer: Sealer) -> anyhow::Result<()> {
    let origin = Origin::operator("keys rotate");
    let rotated = if arguments.now {
        Rotated::Made(db.write(&origin, move |tx| signing_keys::replace(tx, &sealer)).await?)
    } else {
        db.write(&origin, move |tx| signing_keys::rotate(tx, &sealer)).await?
    };
    let (key, is_made) = match &rotated {
        Rotated::Made(key) => (key, true),
        Rotated::Waits(key) => (key, false),
    };
    if arguments.json {
        let mut said = as_json(key);
        said.as_object_mut().into_iter().for_each(|said| drop(said.insert("made".to_owned(), json!(is_made))));
        return say(&said.to_string());
    }
    let (kid, from) = (&key.kid, stamp(key.signs_at));
    match rotated {
        Rotated::Made(_) if arguments.now => {
            say(&format!("{kid} signs from now on, and every other key is removed. Nodes follow within seconds."))
        }
        Rotated::Made(_) => say(&format!("{kid} is made. Apps can fetch it from now on, and it signs from {from} on.")),
        Rotated::Waits(_) => say(&format!("{kid} was made already, and signs from {from} on.")),
    }
}

fn as_json(key: &Listed) -> Value {
    json!({
        "kid": key.kid,
        "state": key.state.as_str(),
        "created_at": key.created_at,
        "signs_at": key.signs_at,
        "signs_until": key.signs_until,
    })
}

fn as_row(key: &Listed) -> [String; 4] {
    [
        key.kid.clone(),
        key.state.as_str().to_owned(),
        stamp(key.signs_at),
        key.signs_until.map(stamp).unwrap_or_default(),
    ]
}

fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
