//! `vestibule user`: looking after people's accounts.

mod import;
mod promote;
mod reset_mfa;
mod sessions;
mod sign_out;

use anyhow::Context as _;
use clap::Subcommand;

use super::Common;
use super::database::Database;
use crate::accounts;
use crate::config::Settings;
use crate::db::{self, Db, ReadTx};
use crate::kernel::{Clock, EmailAddress, UserId};

#[derive(Subcommand)]
pub enum Command {
    /// Bring people over from another system, with their passwords
    Import(import::Arguments),
    /// Make an administrator of somebody, with the service's own pages and powers
    Promote(promote::Arguments),
    /// Take away somebody's second factors, who has lost them
    ResetMfa(reset_mfa::Arguments),
    /// Show where somebody is signed in
    Sessions(sessions::Arguments),
    /// Sign somebody out, everywhere or on one device
    SignOut(sign_out::Arguments),
}

impl Command {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::Import(arguments) => &arguments.common,
            Self::Promote(arguments) => &arguments.common,
            Self::ResetMfa(arguments) => &arguments.common,
            Self::Sessions(arguments) => &arguments.common,
            Self::SignOut(arguments) => &arguments.common,
        }
    }
}

pub(super) fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    let database = Database::reach(settings)?;
    let db = Db::new(database.url(), 1, Clock::System);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match command {
            Command::Import(arguments) => import::run(arguments, &db).await,
            Command::Promote(arguments) => promote::run(arguments, &db).await,
            Command::ResetMfa(arguments) => reset_mfa::run(arguments, &db, settings).await,
            Command::Sessions(arguments) => sessions::run(arguments, &db, &settings.session).await,
            Command::SignOut(arguments) => sign_out::run(arguments, &db).await,
        }
    });
    database.close()?;
    result
}

/// Whose address it is; without an account, `Ok(None)`.
fn find(tx: &mut ReadTx<'_>, email: &EmailAddress) -> Result<Option<UserId>, db::Error> {
    Ok(accounts::find_credentials(tx, email)?.map(|found| found.user))
}

fn known<T>(found: Option<T>, email: &EmailAddress) -> anyhow::Result<T> {
    found.with_context(|| format!("{email} has no account"))
}
