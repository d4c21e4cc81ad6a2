//! `vestibule sso`: how organizations' people sign in by their identity providers.
//!
//! Whatever its pages can do, and more: a domain that is named here is proved by the operator's word.

mod change;
mod show;
mod wish;

use anyhow::anyhow;
use clap::{Args, Subcommand};

use super::Common;
use super::database::Database;
use crate::app::App;
use crate::config::{self, Settings};
use crate::db::{self, Db};
use crate::kernel::{Clock, ConnectionId, ConnectionKeyId, EmailAddress};
use crate::sso::connections::Error;
use crate::sso::connections::enforcement::Missing;
use wish::Wanted;

#[derive(Subcommand)]
pub enum Command {
    /// Connect an organization to its identity provider
    Add(Box<Add>),
    /// Show the connections there are
    List(List),
    /// Show all of one connection
    Show(One),
    /// Change a connection; what is not named stays as it is
    Change(Box<Change>),
    /// Take a connection away: its people sign in as everybody does
    Remove(One),
    /// Fetch the provider's metadata now
    Refresh(One),
    /// Show who is affected when the provider becomes the only way in, and what lacks for that
    Preflight(One),
    /// Forget as what somebody comes by a connection, and sign them out: the provider calls them something else by now
    Forget(Somebody),
    /// Give a connection a further key of ours, which does not sign yet
    AddKey(One),
    /// Sign with another key of ours
    UseKey(OneKey),
    /// Take a key of ours away that does not sign
    RemoveKey(OneKey),
}

const AS_SHOWN: &str = "--json: the connection, as GET /orgs/{slug}/sso/{id} has it";

#[derive(Args)]
#[command(after_help = AS_SHOWN)]
pub struct Add {
    #[command(flatten)]
    common: Common,
    /// The organization's short name, as `org list` shows it
    #[arg(value_name = "SLUG")]
    slug: String,
    #[command(flatten)]
    wanted: Wanted,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(after_help = AS_SHOWN)]
pub struct Change {
    #[command(flatten)]
    common: Common,
    /// The connection, by its id in `sso list`
    #[arg(value_name = "ID")]
    id: ConnectionId,
    #[command(flatten)]
    wanted: Wanted,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct List {
    #[command(flatten)]
    common: Common,
    /// Only those of this organization, by its short name
    #[arg(value_name = "SLUG")]
    slug: Option<String>,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct One {
    #[command(flatten)]
    common: Common,
    /// The connection, by its id in `sso list`
    #[arg(value_name = "ID")]
    id: ConnectionId,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct OneKey {
    #[command(flatten)]
    common: Common,
    /// The connection, by its id in `sso list`
    #[arg(value_name = "ID")]
    id: ConnectionId,
    /// The key, by its id in `sso show`
    #[arg(value_name = "KEY")]
    key: ConnectionKeyId,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Somebody {
    #[command(flatten)]
    common: Common,
    /// The connection, by its id in `sso list`
    #[arg(value_name = "ID")]
    id: ConnectionId,
    /// The address of the account
    #[arg(value_name = "ADDRESS", value_parser = EmailAddress::parse)]
    email: EmailAddress,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::Add(arguments) => &arguments.common,
            Self::Change(arguments) => &arguments.common,
            Self::List(arguments) => &arguments.common,
            Self::Show(one) | Self::Remove(one) | Self::Refresh(one) | Self::Preflight(one) | Self::AddKey(one) => {
                &one.common
            }
            Self::UseKey(one) | Self::RemoveKey(one) => &one.common,
            Self::Forget(somebody) => &somebody.common,
        }
    }
}

pub(super) fn run(command: &Command, mut settings: Settings) -> anyhow::Result<()> {
    settings.secrets.keys = config::secret_keys(&settings)?;
    let database = Database::reach(&settings)?;
    let mut app = App::new(settings, database.url(), Clock::System)?;
    app.db = Db::new(database.url(), 1, Clock::System);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match command {
            Command::Add(arguments) => change::add(arguments, &app).await,
            Command::Change(arguments) => change::change(arguments, &app).await,
            Command::Remove(one) => change::remove(one, &app).await,
            Command::Refresh(one) => change::refresh(one, &app).await,
            Command::Forget(somebody) => change::forget(somebody, &app).await,
            Command::AddKey(one) => change::add_key(one, &app).await,
            Command::UseKey(one) => change::use_key(one, &app).await,
            Command::RemoveKey(one) => change::remove_key(one, &app).await,
            Command::List(arguments) => show::list(arguments, &app).await,
            Command::Show(one) => show::show(one, &app).await,
            Command::Preflight(one) => show::preflight(one, &app).await,
        }
    });
    database.close()?;
    result
}

fn explain(error: Error) -> anyhow::Error {
    match error {
        Error::Unknown => anyhow!("there is no connection of that id"),
        Error::NotReady(missing) => {
            let why: Vec<&str> = missing.into_iter().map(Missing::sentence).collect();
            anyhow!("it cannot be the only way in yet: {}", why.join(" "))
        }
        error => error.into(),
    }
}

fn not_read(error: db::Error) -> anyhow::Error {
    error.into()
}
