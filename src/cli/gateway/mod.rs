//! `vestibule gateway …`

mod explain;
mod reload;

use clap::Subcommand;

use super::Common;
use crate::config::Settings;

#[derive(Subcommand)]
pub enum Command {
    /// Say which rule decides about a request, and why
    Explain(explain::Arguments),
    /// Have every running service on this database read its configuration again
    Reload(reload::Arguments),
}

impl Command {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::Explain(arguments) => &arguments.common,
            Self::Reload(arguments) => &arguments.common,
        }
    }
}

pub fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    match command {
        Command::Explain(arguments) => explain::run(arguments, settings),
        Command::Reload(_) => reload::run(settings),
    }
}
