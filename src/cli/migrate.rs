//! `vestibule migrate`: brings the database up to date, or says what that would do.

use clap::Args;
use secrecy::ExposeSecret as _;

use super::{Common, say};
use crate::config::Settings;
use crate::db::cluster::Cluster;
use crate::db::migrations;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Say what would be applied, and apply nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn run(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    if let Some(url) = &settings.database.url {
        return migrate(arguments, url.expose_secret());
    }
    let cluster = Cluster::start(&settings.server.data_dir)?;
    migrate(arguments, cluster.url())?;
    Ok(cluster.stop()?)
}

fn migrate(arguments: &Arguments, url: &str) -> anyhow::Result<()> {
    let (names, verb) =
        if arguments.dry_run { (migrations::pending(url)?, "would apply") } else { (migrations::run(url)?, "applied") };
    if names.is_empty() {
        return say("The database is up to date.");
    }
    names.iter().try_for_each(|name| say(&format!("{verb} {name}")))
}
