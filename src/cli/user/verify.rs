use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::who::Who;
use crate::accounts::verify_email::{Vouching, vouch};
use crate::cli::{Common, say};
use crate::db::Db;

#[derive(Args)]
#[command(
    after_help = "You vouch for the account as it is: its password and whatever else is on it stay, whoever has \
    put them there. If it may have been made by somebody else, let them choose a new password by the letter for a \
    forgotten one instead: that confirms the address too, and removes what was there before.\n\n\
    --json: {\"id\", \"email\", \"email_verified\": true, \"changed\"}"
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

pub(super) async fn run(arguments: &Arguments, db: &Db) -> anyhow::Result<()> {
    let (vouching, user) = arguments.who.change(db, "user verify", vouch).await?;
    let (is_new, said) = match vouching {
        Vouching::Verified => (true, "is confirmed now"),
        Vouching::WasVerified => (false, "was confirmed already"),
        Vouching::Unknown => bail!(arguments.who.unknown()),
    };
    if arguments.json {
        let said = json!({ "id": user.id, "email": user.email, "email_verified": true, "changed": is_new });
        return say(&said.to_string());
    }
    say(&format!("{} {said}.", user.email))
}
