//! `vestibule user`: looking after people's accounts.

mod create;
mod delete;
mod disable;
mod enable;
mod import;
mod list;
mod promote;
mod reset_mfa;
mod sessions;
mod show;
mod sign_out;
mod verify;
pub(super) mod who;

use clap::Subcommand;

use super::Common;
use super::database::Database;
use crate::app::App;
use crate::config::{self, Settings};
use crate::db::Db;
use crate::kernel::Clock;

#[derive(Subcommand)]
pub enum Command {
    /// Make an account for somebody
    Create(create::Arguments),
    /// List those who have an account
    List(list::Arguments),
    /// Show how somebody's account stands
    Show(show::Arguments),
    /// Confirm somebody's address on your word
    Verify(verify::Arguments),
    /// Delete somebody's account, after a time to come back or at once
    Delete(delete::Arguments),
    /// Shut somebody out, at once and everywhere
    Disable(disable::Arguments),
    /// Let somebody in again who was disabled
    Enable(enable::Arguments),
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
            Self::Create(arguments) => &arguments.common,
            Self::List(arguments) => &arguments.common,
            Self::Show(arguments) => &arguments.common,
            Self::Verify(arguments) => &arguments.common,
            Self::Delete(arguments) => &arguments.common,
            Self::Disable(arguments) => &arguments.common,
            Self::Enable(arguments) => &arguments.common,
            Self::Import(arguments) => &arguments.common,
            Self::Promote(arguments) => &arguments.common,
            Self::ResetMfa(arguments) => &arguments.common,
            Self::Sessions(arguments) => &arguments.common,
            Self::SignOut(arguments) => &arguments.common,
        }
    }
}

pub(super) fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    if let Command::Delete(arguments) = command {
        arguments.require_consent()?;
    }
    let database = Database::reach(settings)?;
    let db = Db::new(database.url(), 1, Clock::System);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match command {
            Command::Create(arguments) => create::run(arguments, &app(settings, &database)?).await,
            Command::List(arguments) => list::run(arguments, &db).await,
            Command::Show(arguments) => show::run(arguments, &db, &settings.session).await,
            Command::Verify(arguments) => verify::run(arguments, &db).await,
            Command::Delete(arguments) => delete::run(arguments, &app(settings, &database)?).await,
            Command::Disable(arguments) => disable::run(arguments, &db).await,
            Command::Enable(arguments) => enable::run(arguments, &db).await,
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

/// For those that need more than the database.
fn app(settings: &Settings, database: &Database) -> anyhow::Result<App> {
    let mut settings = settings.clone();
    settings.secrets.keys = config::secret_keys(&settings)?;
    Ok(App::new(settings, database.url(), Clock::System)?)
}
