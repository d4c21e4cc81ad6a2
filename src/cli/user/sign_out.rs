use anyhow::bail;
use clap::Args;
use serde_json::json;

use crate::cli::{Common, say};
use crate::db::{self, Db, Tx};
use crate::kernel::{EmailAddress, Origin, SessionId};
use crate::sessions::{EndReason, revoke_all, revoke_own};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// The address of their account
    #[arg(value_name = "EMAIL", value_parser = EmailAddress::parse)]
    email: EmailAddress,
    /// This session alone, by its id in `user sessions`
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, db: &Db) -> anyhow::Result<()> {
    let (email, wanted, session) = (&arguments.email, arguments.email.clone(), arguments.session);
    let ended = db.write(&Origin::operator("user sign-out"), move |tx| end(tx, &wanted, session)).await?;
    let revoked = super::known(ended, email)?;
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

/// How many ended; `None` for an address without an account.
fn end(tx: &mut Tx<'_>, email: &EmailAddress, session: Option<SessionId>) -> Result<Option<usize>, db::Error> {
    let Some(user) = super::find(tx, email)? else { return Ok(None) };
    match session {
        Some(id) => revoke_own(tx, user, id, EndReason::ByOperator).map(usize::from).map(Some),
        None => revoke_all(tx, user, None, EndReason::ByOperator).map(Some),
    }
}
