//! `vestibule gateway reload`

use clap::Args;

use crate::cli::database::Database;
use crate::cli::{Common, say};
use crate::config::Settings;
use crate::db::{Db, feed};
use crate::kernel::Clock;

#[derive(Args)]
#[command(
    long_about = "Asks every running service on this database to read its configuration again: the gate's rules, the \
    trusted proxies, templates and static files, the log's level. The configuration that this command itself is started \
    with is checked first, and where it has a mistake nobody is asked. Each service reads its own; one that finds a \
    mistake keeps what it has, and says so in its log and in vestibule_config_reloads_total. SIGHUP asks a single one."
)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
}

/// The configuration is sound when this is called.
pub(super) fn run(settings: &Settings) -> anyhow::Result<()> {
    let database = Database::reach(settings)?;
    let db = Db::new(database.url(), 1, Clock::System);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(db.look_up(feed::ask_to_reload));
    database.close()?;
    asked?;
    say(
        "The configuration has no mistake. Every running service was asked to read its own again. What takes a new start, \
         such as session.cookie_domains, is named in its log.",
    )
}
