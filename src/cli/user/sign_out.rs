use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::who::Who;
use crate::cli::{Common, say};
use crate::db::{self, Db, Tx};
use crate::kernel::{EmailAddress, Origin, SessionId};
use crate::sessions::{EndReason, revoke_all, revoke_own};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Their address, or the id of their account
    #[arg(value_name = "PERSON", value_parser = Who::parse)]
    who: Who,
    /// This session alone, by its id in `user sessions`
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, db: &Db) -> anyhow::Result<()> {
    let (who, session) = (arguments.who.clone(), arguments.session);
    let ended = db.write(&Origin::operator("user sign-out"), move |tx| end(tx, &who, session)).await?;
    let (revoked, email) = arguments.who.known(ended)?;
    if session.is_some() && revoked == 0 {
        bail!("{email} has no session of that id: `vestibule user sessions {email}` shows those there are");
    }
    if arguments.json {
        return say(&json!({ "email": email, "revoked": revoked }).to_string());
    }
    match (session, revoked) {
        (Some(_), _) => say(&format!("{email} is signed out there.")),
        (None, 0) => say(&format!("{email} was signed in nowhere.")),
        (None, 1) => say(&format!("{email} is signed out everywhere: 1 session has ended.")),
        (None, count) => say(&format!("{email} is signed out everywhere: {count} sessions have ended.")),
    }
}

/// How many ended, and whose they were; `None` for nobody.
fn end(tx: &mut Tx<'_>, who: &Who, session: Option<SessionId>) -> Result<Option<(usize, EmailAddress)>, db::Error> {
    let Some(user) = who.find(tx)? else { return Ok(None) };
    let ended = match session {
        Some(id) => revoke_own(tx, user.id, id, EndReason::ByOperator)?.into(),
        None => revoke_all(tx, user.id, None, EndReason::ByOperator)?,
    };
    Ok(Some((ended, user.email)))
}
