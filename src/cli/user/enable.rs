use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::who::Who;
use crate::accounts::disabling::{Enabling, enable};
use crate::cli::{Common, say};
use crate::db::Db;

#[derive(Args)]
#[command(after_help = "--json: {\"id\", \"email\", \"disabled\": false, \"changed\"}")]
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

pub(super) async fn run(arguments: &Arguments, db: &Db) -> anyhow::Result<()> {
    let (enabling, user) = arguments.who.change(db, "user enable", enable).await?;
    let (is_new, said) = match enabling {
        Enabling::Enabled => (true, "can sign in again"),
        Enabling::WasEnabled => (false, "was not disabled"),
        Enabling::Unknown => bail!(arguments.who.unknown()),
    };
    if arguments.json {
        let said = json!({ "id": user.id, "email": user.email, "disabled": false, "changed": is_new });
        return say(&said.to_string());
    }
    say(&format!("{} {said}.", user.email))
}
