//! `vestibule webhook`: programs that are told what happens.
//!
//! The instance's are added here and nowhere else. Those of organizations are their admins', and can be looked after
//! here as well.

mod change;
mod show;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};

use super::Common;
use super::database::Database;
use crate::app::RECEIVER_PATIENCE;
use crate::config::{self, Settings};
use crate::crypto::Sealer;
use crate::db::Db;
use crate::kernel::{Clock, DeliveryId, WebhookId};
use crate::outbound::Outside;
use crate::webhooks::Error;

#[derive(Subcommand)]
pub enum Command {
    /// Have a URL told what happens in the whole instance
    Add(Add),
    /// Show the webhooks there are, those of organizations included
    List(Quiet),
    /// End a webhook, with all that it was not yet told
    Remove(One),
    /// Tell a webhook nothing for a while
    Disable(One),
    /// Turn a webhook on again that was turned off
    Enable(One),
    /// Give a webhook a new secret; the old one signs as well for a day
    Rotate(One),
    /// Send a webhook an event that says no more than that
    Test(One),
    /// Show what a webhook was told, and is yet to be told
    Deliveries(Deliveries),
    /// Send something again that was delivered or given up
    Redeliver(Redeliver),
}

#[derive(Args)]
pub struct Add {
    #[command(flatten)]
    common: Common,
    /// Where it is received
    #[arg(value_name = "URL")]
    url: String,
    /// What it is told: *, a family like member.*, or one like member.added; may be repeated [default: *]
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Quiet {
    #[command(flatten)]
    common: Common,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct One {
    #[command(flatten)]
    common: Common,
    /// The webhook, by its id in `webhook list`
    #[arg(value_name = "ID")]
    id: WebhookId,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Deliveries {
    #[command(flatten)]
    common: Common,
    /// The webhook, by its id in `webhook list`
    #[arg(value_name = "ID")]
    id: WebhookId,
    /// Only those before this one
    #[arg(long, value_name = "DELIVERY")]
    before: Option<DeliveryId>,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Redeliver {
    #[command(flatten)]
    common: Common,
    /// The delivery, by its id in `webhook deliveries`
    #[arg(value_name = "DELIVERY")]
    id: DeliveryId,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::Add(arguments) => &arguments.common,
            Self::List(arguments) => &arguments.common,
            Self::Remove(one) | Self::Disable(one) | Self::Enable(one) | Self::Rotate(one) | Self::Test(one) => {
                &one.common
            }
            Self::Deliveries(arguments) => &arguments.common,
            Self::Redeliver(arguments) => &arguments.common,
        }
    }
}

/// What the commands need.
struct Tools {
    db: Db,
    sealer: Sealer,
    outside: Outside,
}

pub(super) fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    let database = Database::reach(settings)?;
    let tools = Tools {
        db: Db::new(database.url(), 1, Clock::System),
        sealer: Sealer::new(&config::secret_keys(settings)?).context("secrets.key: there is no key")?,
        outside: Outside::new(&settings.webhooks.allowed_networks, RECEIVER_PATIENCE),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match command {
            Command::Add(arguments) => change::add(arguments, &tools).await,
            Command::List(arguments) => show::list(arguments, &tools.db).await,
            Command::Remove(one) => change::remove(one, &tools.db).await,
            Command::Disable(one) => change::disable(one, &tools.db).await,
            Command::Enable(one) => change::enable(one, &tools.db).await,
            Command::Rotate(one) => change::rotate(one, &tools).await,
            Command::Test(one) => change::test(one, &tools.db).await,
            Command::Deliveries(arguments) => show::deliveries(arguments, &tools.db).await,
            Command::Redeliver(arguments) => change::redeliver(arguments, &tools.db).await,
        }
    });
    database.close()?;
    result
}

/// `what` is what there is none of by that id.
fn explain(error: Error, what: &str) -> anyhow::Error {
    match error {
        Error::Unknown => anyhow!("there is no {what} of that id"),
        Error::Disabled => anyhow!("the webhook is turned off: `vestibule webhook enable` turns it on"),
        Error::Orgs(error) => error.into(),
        Error::TooMany => anyhow!("there are too many webhooks already"),
        Error::Db(error) => error.into(),
        Error::Unsealable(error) => error.into(),
    }
}
