use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use crate::accounts::promotion::{Error, Promotion, promote};
use crate::cli::{Common, say};
use crate::db::Db;
use crate::kernel::{EmailAddress, Origin};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// The address of their account, which must be verified
    #[arg(value_name = "EMAIL", value_parser = EmailAddress::parse)]
    email: EmailAddress,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, db: &Db) -> anyhow::Result<()> {
    let (email, wanted) = (&arguments.email, arguments.email.clone());
    let promoted = db.write(&Origin::operator("user promote"), move |tx| promote(tx, &wanted)).await;
    let promotion = promoted.map_err(|error| explain(email, error))?;
    if arguments.json {
        let is_new = promotion == Promotion::Promoted;
        return say(&json!({ "email": email, "administrator": true, "changed": is_new }).to_string());
    }
    match promotion {
        Promotion::Promoted => say(&format!("{email} is an administrator now, wherever they are signed in.")),
        Promotion::WasAdministrator => say(&format!("{email} is an administrator already.")),
    }
}

fn explain(email: &EmailAddress, error: Error) -> anyhow::Error {
    match error {
        Error::Unknown => anyhow!("{email} has no account: let them sign up first"),
        Error::Unverified => anyhow!(
            "{email} is not verified, so it may be somebody else's account: let them follow the mailed link first"
        ),
        Error::Db(error) => error.into(),
    }
}
