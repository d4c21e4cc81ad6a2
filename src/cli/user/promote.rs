use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::who::Who;
use crate::accounts::promotion::{Error, Promotion, promote};
use crate::cli::{Common, say};
use crate::db::Db;
use crate::kernel::Origin;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Their address, which must be verified, or the id of their account
    #[arg(value_name = "PERSON", value_parser = Who::parse)]
    who: Who,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, db: &Db) -> anyhow::Result<()> {
    let who = arguments.who.clone();
    let origin = Origin::operator("user promote");
    let promoted = db.write(&origin, move |tx| {
        let user = who.find(tx)?.ok_or(Error::Unknown)?;
        Ok((promote(tx, user.id)?, user.email))
    });
    let (promotion, email) = promoted.await.map_err(|error| explain(&arguments.who, error))?;
    if arguments.json {
        let is_new = promotion == Promotion::Promoted;
        return say(&json!({ "email": email, "administrator": true, "changed": is_new }).to_string());
    }
    match promotion {
        Promotion::Promoted => say(&format!("{email} is an administrator now, wherever they are signed in.")),
        Promotion::WasAdministrator => say(&format!("{email} is an administrator already.")),
    }
}

fn explain(who: &Who, error: Error) -> anyhow::Error {
    match error {
        Error::Unknown => anyhow!("{}: let them sign up first", who.unknown()),
        Error::Unverified => anyhow!(
            "{who} is not verified, so it may be somebody else's account: let them follow the mailed link first"
        ),
        Error::Db(error) => error.into(),
    }
}
