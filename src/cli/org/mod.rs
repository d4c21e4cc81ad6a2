//! `vestibule org`: looking after organizations.

mod create;
mod list;
mod members;

use clap::Subcommand;

use super::Common;
use super::database::Database;
use crate::config::Settings;
use crate::db::Db;
use crate::kernel::Clock;

#[derive(Subcommand)]
pub enum Command {
    /// Make an organization, and somebody its owner
    Create(create::Arguments),
    /// List all organizations
    List(list::Arguments),
    /// List who belongs to an organization, and in which role
    Members(members::Arguments),
}

impl Command {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::Create(arguments) => &arguments.common,
            Self::List(arguments) => &arguments.common,
            Self::Members(arguments) => &arguments.common,
        }
    }
}

pub(super) fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    let database = Database::reach(settings)?;
    let db = Db::new(database.url(), 1, Clock::System);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match command {
            Command::Create(arguments) => create::run(arguments, &db).await,
            Command::List(arguments) => list::run(arguments, &db).await,
            Command::Members(arguments) => members::run(arguments, &db).await,
        }
    });
    database.close()?;
    result
}
