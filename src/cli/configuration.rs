//! `vestibule config check` and `vestibule config print`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Common, say};
use crate::config::{self, Finding, Loaded, Mistakes, Sources, print};

#[derive(Subcommand)]
pub enum Command {
    /// Find every mistake at once; exit 78 if there is one
    Check(Arguments),
    /// Show every key, its value and where it came from; secrets are left out
    Print(Arguments),
}

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::Check(arguments) | Self::Print(arguments) => &arguments.common,
        }
    }
}

pub(super) fn run(command: &Command, sources: &Sources) -> anyhow::Result<()> {
    let loaded = config::load(sources);
    match command {
        Command::Check(Arguments { json: true, .. }) => {
            say(&check_as_json(&loaded).to_string())?;
            loaded.map(drop).map_err(Into::into)
        }
        Command::Check(_) => say(&check_as_text(&loaded?.warnings)),
        Command::Print(Arguments { json: true, .. }) => say(&format!("{:#}", print::as_json(&loaded?.values))),
        Command::Print(_) => say(print::as_toml(&loaded?.values).trim_end()),
    }
}

fn check_as_text(warnings: &[Finding]) -> String {
    let first = "The configuration is without mistakes.".to_owned();
    let warnings = warnings.iter().map(|warning| format!("  warning: {warning}"));
    std::iter::once(first).chain(warnings).collect::<Vec<_>>().join("\n")
}

fn check_as_json(loaded: &Result<Loaded, Mistakes>) -> serde_json::Value {
    match loaded {
        Ok(loaded) => json!({ "ok": true, "mistakes": [], "warnings": loaded.warnings }),
        Err(mistakes) => json!({ "ok": false, "mistakes": mistakes.as_slice(), "warnings": [] }),
    }
}
