use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::list::word;
use super::who::Who;
use crate::accounts::roster::{self, Entry, State};
use crate::cli::{Common, say};
use crate::config::settings;
use crate::db::{self, Db, ReadTx};
use crate::factors::{self, Factors};
use crate::orgs::{self, Membership};
use crate::sessions::{Activity, list_devices};
use crate::{api_keys, mail};

#[derive(Args)]
#[command(
    after_help = "--json: what `user list` says of them, and {\"email_verified_at\", \"password\": true | false, \
    \"mfa\": {\"totp\", \"passkeys\", \"recovery_codes_left\"}, \"sessions\", \"api_keys\", \"letters_waiting\", \
    \"organizations\": [{\"slug\", \"name\", \"role\"}], \"deletion\": {\"asked_at\", \"deletes_at\"} | null}. No secret is among it."
)]
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

/// What support needs to know.
struct Portrait {
    entry: Entry,
    factors: Factors,
    sessions: usize,
    api_keys: usize,
    letters_waiting: i64,
    organizations: Vec<Membership>,
}

pub(super) async fn run(arguments: &Arguments, db: &Db, rules: &settings::Session) -> anyhow::Result<()> {
    let (who, rules) = (arguments.who.clone(), rules.clone());
    let found = db.read::<_, db::Error, _>(move |tx| look_at(tx, &who, &rules)).await?;
    let portrait = arguments.who.known(found)?;
    if arguments.json {
        return say(&as_json(&portrait).to_string());
    }
    say(&as_text(&portrait))
}

fn look_at(tx: &mut ReadTx<'_>, who: &Who, rules: &settings::Session) -> Result<Option<Portrait>, db::Error> {
    let Some(user) = who.find(tx)? else { return Ok(None) };
    let Some(entry) = roster::find(tx, user.id)? else { return Ok(None) };
    Ok(Some(Portrait {
        entry,
        factors: factors::list(tx, user.id)?,
        // What running nodes have not written down yet is some seconds old at most.
        sessions: list_devices(tx, rules, &Activity::default(), user.id)?.len(),
        api_keys: api_keys::list(tx, user.id)?.len(),
        letters_waiting: mail::count_waiting_for(tx, user.id)?,
        organizations: orgs::list_of(tx, user.id)?,
    }))
}

fn as_json(portrait: &Portrait) -> Value {
    let Portrait { entry, factors, sessions, api_keys, letters_waiting, organizations } = portrait;
    let organizations: Vec<Value> = organizations.iter().map(membership).collect();
    let deletion = entry.deletion_asked_at.zip(entry.deletes_at);
    json!({
        "id": entry.id,
        "email": entry.email,
        "email_verified": entry.email_verified_at.is_some(),
        "email_verified_at": entry.email_verified_at,
        "name": entry.name,
        "created_at": entry.created_at,
        "came_by": entry.came_by,
        "state": word(entry.state()),
        "administrator": entry.is_admin,
        "disabled_at": entry.disabled_at,
        "deletes_at": entry.deletes_at,
        "deletion": deletion.map(|(asked_at, deletes_at)| json!({ "asked_at": asked_at, "deletes_at": deletes_at })),
        "password": entry.has_password,
        "mfa": {
            "totp": factors.totp,
            "passkeys": factors.passkeys,
            "recovery_codes_left": factors.recovery_codes_left,
        },
        "sessions": sessions,
        "api_keys": api_keys,
        "letters_waiting": letters_waiting,
        "organizations": organizations,
    })
}

fn membership(membership: &Membership) -> Value {
    let Membership { organization, role, .. } = membership;
    json!({ "slug": organization.slug, "name": organization.name, "role": role.as_str() })
}

fn as_text(portrait: &Portrait) -> String {
    let Portrait { entry, factors, sessions, api_keys, letters_waiting, organizations } = portrait;
    let roles = organizations.iter().map(|one| format!("{} ({})", one.organization.slug, one.role.as_str()));
    let verified = entry.email_verified_at.map_or_else(|| "not confirmed".to_owned(), |at| stamp("confirmed", at));
    let app = if factors.totp { "an authenticator app" } else { "no authenticator app" };
    let rows = [
        ("id", entry.id.to_string()),
        ("address", format!("{}, {verified}", entry.email)),
        ("name", entry.name.clone()),
        ("made", format!("{} ({})", stamp("on", entry.created_at), entry.came_by.replace('_', " "))),
        ("state", state(entry.state())),
        ("administrator", yes_or_no(entry.is_admin)),
        ("password", yes_or_no(entry.has_password)),
        ("factors", format!("{app}, {} passkeys, {} recovery codes", factors.passkeys, factors.recovery_codes_left)),
        ("sessions", sessions.to_string()),
        ("API keys", api_keys.to_string()),
        ("organizations", roles.collect::<Vec<_>>().join(", ")),
        ("letters", format!("{letters_waiting} not sent")),
    ];
    let lines = rows.iter().map(|(name, value)| format!("{name:14} {value}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

fn state(state: State) -> String {
    match state {
        State::Disabled(at) => stamp("disabled", at),
        State::Leaving(at) => stamp("leaving, and gone", at),
        State::Unverified | State::Active => word(state).to_owned(),
    }
}

fn yes_or_no(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

fn stamp(what: &str, at: DateTime<Utc>) -> String {
    format!("{what} {}", at.format("%Y-%m-%d %H:%M UTC"))
}
