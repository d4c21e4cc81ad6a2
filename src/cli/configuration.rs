//! `vestibule config check` and `vestibule config print`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Common, say};
use crate::config::settings::Session;
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
        Command::Check(_) => say(&check_as_text(&loaded?)),
        Command::Print(Arguments { json: true, .. }) => say(&format!("{:#}", print::as_json(&loaded?.values))),
        Command::Print(_) => say(print::as_toml(&loaded?.values).trim_end()),
    }
}

fn check_as_text(loaded: &Loaded) -> String {
    let first = "The configuration is without mistakes.".to_owned();
    let domains = ways_to_sign_on(&loaded.settings.session).into_iter().map(|(domain, way)| match way {
        Way::Cookie => format!("  {domain}: apps share the gate's cookie."),
        Way::HandOver => format!("  {domain}: each app's host is handed its own cookie, by way of /.vestibule/ there."),
    });
    let warnings = loaded.warnings.iter().map(|warning: &Finding| format!("  warning: {warning}"));
    std::iter::once(first).chain(domains).chain(warnings).collect::<Vec<_>>().join("\n")
}

/// How people are signed on at the apps below a domain.
#[derive(Clone, Copy)]
enum Way {
    Cookie,
    HandOver,
}

impl Way {
    fn as_str(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::HandOver => "hand_over",
        }
    }
}

fn ways_to_sign_on(session: &Session) -> Vec<(&str, Way)> {
    let by_cookie = session.cookie_domains.iter().map(|domain| (domain.as_str(), Way::Cookie));
    let by_hand_over = session.handed_domains.iter().map(|domain| (domain.as_str(), Way::HandOver));
    by_cookie.chain(by_hand_over).collect()
}

fn check_as_json(loaded: &Result<Loaded, Mistakes>) -> serde_json::Value {
    match loaded {
        Ok(loaded) => {
            let ways = ways_to_sign_on(&loaded.settings.session).into_iter();
            let domains: Vec<_> = ways.map(|(domain, way)| json!({ "domain": domain, "by": way.as_str() })).collect();
            json!({ "ok": true, "mistakes": [], "warnings": loaded.warnings, "domains": domains })
        }
        Err(mistakes) => json!({ "ok": false, "mistakes": mistakes.as_slice(), "warnings": [], "domains": [] }),
    }
}
