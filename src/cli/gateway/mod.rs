//! `vestibule gateway …`

mod explain;
mod reload;
mod replay;
mod words;

use clap::Subcommand;

use super::Common;
use crate::config::{Settings, Sources};

#[derive(Subcommand)]
pub enum Command {
    /// Say which rule decides about a request, and why
    Explain(explain::Arguments),
    /// Say which recorded decisions other rules would change
    Replay(replay::Arguments),
    /// Have every running service on this database read its configuration again
    Reload(reload::Arguments),
}

impl Command {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::Explain(arguments) => &arguments.common,
            Self::Replay(arguments) => &arguments.common,
            Self::Reload(arguments) => &arguments.common,
        }
    }
}

/// `settings` are what `sources` come to.
pub fn run(command: &Command, settings: &Settings, sources: &Sources) -> anyhow::Result<()> {
    match command {
        Command::Explain(arguments) => explain::run(arguments, settings),
        Command::Replay(arguments) => replay::run(arguments, settings, sources),
        Command::Reload(_) => reload::run(settings),
    }
}
