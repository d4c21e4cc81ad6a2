use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::who::Who;
use crate::accounts::disabling::{Disabling, disable};
use crate::cli::{Common, say};
use crate::db::Db;

#[derive(Args)]
#[command(after_help = "They are signed out everywhere, sign in by no way, and their API keys are refused. What they \
    have stays, and works again after `user enable`.\n\n\
    --json: {\"id\", \"email\", \"disabled\": true, \"changed\", \"revoked\": sessions that have ended}")]
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
    let (disabling, user) = arguments.who.change(db, "user disable", disable).await?;
    let (is_new, revoked) = match disabling {
        Disabling::Disabled { sessions_ended } => (true, sessions_ended),
        Disabling::WasDisabled => (false, 0),
        Disabling::Unknown => bail!(arguments.who.unknown()),
    };
    if arguments.json {
        let said =
            json!({ "id": user.id, "email": user.email, "disabled": true, "changed": is_new, "revoked": revoked });
        return say(&said.to_string());
    }
    match (is_new, revoked) {
        (false, _) => say(&format!("{} was disabled already.", user.email)),
        (true, 1) => say(&format!("{} is disabled: 1 session has ended.", user.email)),
        (true, count) => say(&format!("{} is disabled: {count} sessions have ended.", user.email)),
    }
}
