use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use crate::cli::user::who::Who;
use crate::cli::{Common, say};
use crate::db::Db;
use crate::kernel::{Label, Origin};
use crate::orgs::{Error, MOST_OWNED, Slug, found};

#[derive(Args)]
#[command(after_help = "--json: {\"id\", \"slug\", \"name\", \"created_at\", \"owner\": their id}")]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// What it is called
    #[arg(value_name = "NAME", value_parser = Label::parse)]
    name: Label,
    /// Its first owner, whose address must be verified: by the address or the id of their account
    #[arg(long, value_name = "PERSON", value_parser = Who::parse)]
    owner: Who,
    /// Its name in addresses and before apps, which never changes [default: made from the name]
    #[arg(long, value_parser = Slug::choose)]
    slug: Option<Slug>,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, db: &Db) -> anyhow::Result<()> {
    let (owner, name, slug) = (arguments.owner.clone(), arguments.name.clone(), arguments.slug.clone());
    let origin = Origin::operator("org create");
    let founded = db.write(&origin, move |tx| {
        let Some(owner) = owner.find(tx)? else { return Ok(None) };
        Ok(Some((found(tx, owner.id, &name, slug)?, owner)))
    });
    let founded = founded.await.map_err(|error| explain(arguments, error))?;
    let (organization, owner) = arguments.owner.known(founded)?;
    if arguments.json {
        let said = json!({
            "id": organization.id, "slug": organization.slug, "name": organization.name,
            "created_at": organization.created_at, "owner": owner.id,
        });
        return say(&said.to_string());
    }
    say(&format!("{} is there now, as {}; {} is its owner.", organization.name, organization.slug, owner.email))
}

fn explain(arguments: &Arguments, error: Error) -> anyhow::Error {
    let owner = &arguments.owner;
    match error {
        Error::NotVerified => {
            anyhow!("{owner} is not verified, and an owner has to be: `vestibule user verify {owner}`")
        }
        Error::Ended => anyhow!("{owner} is disabled or about to be deleted, and cannot own anything"),
        Error::TooMany => anyhow!("{owner} owns {MOST_OWNED} organizations already, which is the most there can be"),
        Error::SlugTaken => anyhow!("that short name is taken, or was: choose another one with --slug"),
        error => error.into(),
    }
}
