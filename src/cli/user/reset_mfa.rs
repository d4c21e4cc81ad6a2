use anyhow::{Context as _, anyhow};
use clap::Args;
use serde_json::json;

use super::who::Who;
use crate::accounts::mfa_reset::{Error, MfaReset, reset_mfa};
use crate::cli::{Common, say};
use crate::config::{self, Settings};
use crate::crypto::Sealer;
use crate::db::Db;
use crate::kernel::Origin;

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

pub(super) async fn run(arguments: &Arguments, db: &Db, settings: &Settings) -> anyhow::Result<()> {
    let who = arguments.who.clone();
    let sealer = Sealer::new(&config::secret_keys(settings)?).context("secrets.key: there is no key")?;
    let origin = Origin::operator("user reset-mfa");
    let done = db.write(&origin, move |tx| {
        let user = who.find(tx)?.ok_or(Error::Unknown)?;
        Ok((reset_mfa(tx, &sealer, user.id)?, user.email))
    });
    let (done, email) = done.await.map_err(|error| explain(&arguments.who, error))?;
    if arguments.json {
        let (changed, revoked) = match done {
            MfaReset::Removed { sessions_ended } => (true, sessions_ended),
            MfaReset::HadNone => (false, 0),
        };
        return say(&json!({ "email": email, "changed": changed, "revoked": revoked }).to_string());
    }
    match done {
        MfaReset::Removed { .. } => say(&format!(
            "{email} signs in with the password alone now, and is signed out everywhere. If they had \
             removed it, \"Forgot your password?\" leads to a new one. If the address is confirmed, a letter says so."
        )),
        MfaReset::HadNone => say(&format!("{email} has no second factor.")),
    }
}

fn explain(who: &Who, error: Error) -> anyhow::Error {
    match error {
        Error::Unknown => anyhow!(who.unknown()),
        Error::Factors(error) => error.into(),
        Error::Db(error) => error.into(),
    }
}
