//! `vestibule serve`: everything, until it is told to stop.

use clap::Args;

use super::Common;
use crate::config::{self, Settings};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
}

pub fn run(mut settings: Settings) -> anyhow::Result<()> {
    settings.secrets.keys = config::secret_keys(&settings)?;
    anyhow::bail!("there is nothing to listen on {} with yet", settings.server.listen)
}
