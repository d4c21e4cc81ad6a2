//! `vestibule audit`: what has happened, for other programs.

mod export;
mod kinds;

use clap::Subcommand;

use super::Common;
use crate::config::Settings;

#[derive(Subcommand)]
pub enum Command {
    /// Write events as JSON lines, the oldest first
    Export(export::Arguments),
    /// Show the kinds of events there are
    Kinds(kinds::Arguments),
}

impl Command {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::Export(arguments) => &arguments.common,
            Self::Kinds(arguments) => &arguments.common,
        }
    }
}

pub(super) fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    match command {
        Command::Export(arguments) => export::run(arguments, settings),
        Command::Kinds(arguments) => kinds::run(arguments),
    }
}
