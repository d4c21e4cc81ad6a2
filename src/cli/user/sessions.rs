use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::who::Who;
use crate::cli::table::as_table;
use crate::cli::{Common, say};
use crate::config::settings;
use crate::db::{self, Db};
use crate::sessions::{Activity, Device, Method, list_devices};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Their address, or the id of their account
    #[arg(value_name = "PERSON", value_parser = Who::parse)]
    who: Who,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

const COLUMNS: [&str; 6] = ["DEVICE", "FROM", "LAST SEEN", "SIGNED IN", "EXPIRES", "ID"];

pub(super) async fn run(arguments: &Arguments, db: &Db, rules: &settings::Session) -> anyhow::Result<()> {
    let (who, rules) = (arguments.who.clone(), rules.clone());
    let listed = db.read::<_, db::Error, _>(move |tx| {
        let Some(user) = who.find(tx)? else { return Ok(None) };
        // What running nodes have not written down yet is some seconds old at most.
        Ok(Some((list_devices(tx, &rules, &Activity::default(), user.id)?, user.email)))
    });
    let (devices, email) = arguments.who.known(listed.await?)?;
    if arguments.json {
        let sessions: Vec<Value> = devices.iter().map(as_json).collect();
        return say(&json!({ "email": email, "sessions": sessions }).to_string());
    }
    if devices.is_empty() {
        return say(&format!("{email} is signed in nowhere."));
    }
    let head = COLUMNS.map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(devices.iter().map(as_row)).collect();
    as_table(&rows).iter().try_for_each(|line| say(line))
}

fn as_json(device: &Device) -> Value {
    let live = &device.live;
    json!({
        "id": live.session,
        "device_name": device.name(),
        "user_agent": device.user_agent,
        "ip": device.address,
        "created_at": live.created_at,
        "last_active_at": live.last_active_at,
        "last_auth_at": live.last_auth_at,
        "expires_at": live.expires_at,
        "remembered": live.is_remembered,
        "methods": device.methods.iter().copied().map(Method::as_str).collect::<Vec<_>>(),
    })
}

fn as_row(device: &Device) -> [String; 6] {
    let (live, unknown) = (&device.live, || "unknown".to_owned());
    [
        device.name().unwrap_or_else(unknown),
        device.address.map_or_else(unknown, |address| address.to_string()),
        moment(live.last_active_at),
        moment(live.created_at),
        moment(live.expires_at),
        live.session.to_string(),
    ]
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
