//! `vestibule domain`: which domains are organizations' own.
//!
//! What the operator says needs no record.

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::database::Database;
use super::table::as_table;
use super::{Common, say};
use crate::config::Settings;
use crate::db::{Db, ReadTx, Tx};
use crate::domains::{self, Domain, Error, Name, Record};
use crate::kernel::{Clock, OrganizationId, Origin};
use crate::orgs::{self, Slug};

#[derive(Subcommand)]
pub enum Command {
    /// List the domains of an organization
    List(List),
    /// Add a domain to an organization, which has yet to prove it by a DNS record
    Add(One),
    /// Say that a domain is an organization's own: it is proved from then on, without a record
    Verify(One),
    /// Take a domain out of an organization
    Remove(One),
}

#[derive(Args)]
#[command(
    after_help = "--json: {\"organization\": its slug, \"domains\": [{\"name\", \"proved_at\", \"proved_by\": \"dns\" | \
    \"operator\", \"record\": {\"name\", \"type\", \"value\"}, \"connection\", \"missing_since\", \"created_at\"}]}"
)]
pub struct List {
    #[command(flatten)]
    common: Common,
    /// The organization's short name, as `org list` shows it
    #[arg(value_name = "SLUG")]
    slug: String,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(after_help = "--json: the domain, as `domain list` shows it")]
pub struct One {
    #[command(flatten)]
    common: Common,
    /// The organization's short name, as `org list` shows it
    #[arg(value_name = "SLUG")]
    slug: String,
    /// What stands behind the @, as in example.com
    #[arg(value_name = "DOMAIN", value_parser = Name::parse)]
    name: Name,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::List(arguments) => &arguments.common,
            Self::Add(one) | Self::Verify(one) | Self::Remove(one) => &one.common,
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
            Command::Add(one) => add(one, &db).await,
            Command::Verify(one) => verify(one, &db).await,
            Command::Remove(one) => remove(one, &db).await,
        }
    });
    database.close()?;
    result
}

async fn list(arguments: &List, db: &Db) -> anyhow::Result<()> {
    let unknown = || format!("there is no organization {}", arguments.slug);
    let Some(slug) = Slug::parse(&arguments.slug) else { bail!(unknown()) };
    let find = move |tx: &mut ReadTx<'_>| {
        let Some(organization) = orgs::find(tx, &slug)? else { return Ok::<_, crate::db::Error>(None) };
        domains::list(tx, organization.id).map(Some)
    };
    let Some(domains) = db.read(find).await? else { bail!(unknown()) };
    if arguments.json {
        let domains: Vec<Value> = domains.iter().map(as_json).collect();
        return say(&json!({ "organization": arguments.slug, "domains": domains }).to_string());
    }
    if domains.is_empty() {
        return say("It has no domain.");
    }
    let head = ["DOMAIN", "PROVED", "BY"].map(str::to_owned);
    let rows: Vec<[String; 3]> = std::iter::once(head).chain(domains.iter().map(as_row)).collect();
    as_table(&rows).iter().try_for_each(|line| say(line))
}

async fn add(one: &One, db: &Db) -> anyhow::Result<()> {
    let domain = change(one, db, "domain add", domains::claim).await?;
    let Record { name, value } = Record::of(&domain);
    let sentence = format!(
        "{} is added. It is proved by this record, once its owners have it checked, or by `vestibule domain verify`:\n\
         {name}  TXT  {value}",
        domain.name
    );
    tell(one, &domain, &sentence)
}

async fn verify(one: &One, db: &Db) -> anyhow::Result<()> {
    let domain = change(one, db, "domain verify", domains::prove_by_word).await?;
    tell(one, &domain, &format!("{} is proved to be the domain of {}.", domain.name, one.slug))
}

async fn remove(one: &One, db: &Db) -> anyhow::Result<()> {
    let domain = change(one, db, "domain remove", domains::remove).await?;
    if one.json {
        return say(&json!({ "name": domain.name.as_str(), "removed": true }).to_string());
    }
    say(&format!("{} is no longer a domain of {}.", domain.name, one.slug))
}

/// Holds the organization while `work` is at its domains.
async fn change(
    one: &One,
    db: &Db,
    command: &str,
    work: impl FnOnce(&mut Tx<'_>, OrganizationId, &Name) -> Result<Domain, Error> + Send + 'static,
) -> anyhow::Result<Domain> {
    let (slug, name) = (Slug::parse(&one.slug), one.name.clone());
    let step = move |tx: &mut Tx<'_>| {
        let found = slug.map(|slug| orgs::find(tx, &slug)).transpose()?.flatten();
        let locked = found.map(|found| orgs::lock(tx, found.id)).transpose()?.flatten();
        locked.map(|organization| work(tx, organization.id, &name)).transpose()
    };
    let changed = db.write::<_, Error, _>(&Origin::operator(command), step).await;
    let changed = changed.map_err(|error| explain(one, error))?;
    changed.ok_or_else(|| anyhow!("there is no organization {}", one.slug))
}

fn explain(one: &One, error: Error) -> anyhow::Error {
    match error {
        Error::Unknown => anyhow!("{} has no domain {}", one.slug, one.name),
        Error::Repeated => anyhow!("{} has the domain {} already", one.slug, one.name),
        Error::Taken => {
            anyhow!("another organization has proved that {} is its own: remove it there first", one.name)
        }
        error => error.into(),
    }
}

fn tell(one: &One, domain: &Domain, sentence: &str) -> anyhow::Result<()> {
    if one.json { say(&as_json(domain).to_string()) } else { say(sentence) }
}

fn as_json(domain: &Domain) -> Value {
    let record = Record::of(domain);
    json!({
        "name": domain.name.as_str(),
        "proved_at": domain.proof.map(|proof| proof.at),
        "proved_by": domain.proof.map(|proof| proof.by.as_str()),
        "record": { "name": record.name, "type": "TXT", "value": record.value },
        "connection": domain.connection,
        "missing_since": domain.missing_since,
        "created_at": domain.created_at,
    })
}

fn as_row(domain: &Domain) -> [String; 3] {
    let at = domain.proof.map_or_else(|| "no".to_owned(), |proof| proof.at.format("%Y-%m-%d %H:%M UTC").to_string());
    let by = domain.proof.map_or("", |proof| proof.by.as_str());
    [domain.name.to_string(), at, by.to_owned()]
}
