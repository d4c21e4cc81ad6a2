//! `vestibule user promote`.

use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde_json::json;

use super::database::Database;
use super::{Common, say};
use crate::accounts::promotion::{Error, Promotion, promote};
use crate::config::Settings;
use crate::db::Db;
use crate::kernel::{Clock, EmailAddress, Origin};

#[derive(Subcommand)]
pub enum Command {
    /// Make an administrator of somebody, with the service's own pages and powers
    Promote(Promote),
}

#[derive(Args)]
pub struct Promote {
    #[command(flatten)]
    common: Common,
    /// The address of their account, which must be verified
    #[arg(value_name = "EMAIL", value_parser = EmailAddress::parse)]
    email: EmailAddress,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::Promote(arguments) => &arguments.common,
        }
    }
}

pub(super) fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    let database = Database::reach(settings)?;
    let result = match command {
        Command::Promote(arguments) => run_promote(arguments, database.url()),
    };
    database.close()?;
    result
}

fn run_promote(arguments: &Promote, database_url: &str) -> anyhow::Result<()> {
    let db = Db::new(database_url, 1, Clock::System);
    let (email, wanted) = (&arguments.email, arguments.email.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let promoted =
        runtime.block_on(async { db.write(&Origin::system("user promote"), move |tx| promote(tx, &wanted)).await });
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
