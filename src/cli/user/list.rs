use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;

use clap::Args;
use serde_json::{Value, json};

use crate::accounts::roster::{self, Entry, Only, State};
use crate::cli::Common;
use crate::db::{self, Db};
use crate::kernel::UserId;

#[derive(Args)]
#[command(
    after_help = "All of them are written as they are read, however many there are, in the order in which their \
    accounts were made. With several of --unverified, --disabled, --leaving and --administrators: those who are all of \
    it.\n\n\
    --json: a document a line, {\"id\", \"email\", \"email_verified\", \"name\", \"created_at\", \"came_by\": \"sign_up\" | \
    \"operator\" | \"invitation\" | \"sso\", \"state\": \"active\" | \"unverified\" | \"disabled\" | \"leaving\", \
    \"administrator\", \"disabled_at\", \"deletes_at\"}"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Those after the account of this id
    #[arg(long, value_name = "ID")]
    after: Option<UserId>,
    /// So many at most
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,
    /// Whose address is not confirmed
    #[arg(long)]
    unverified: bool,
    /// Who are disabled
    #[arg(long)]
    disabled: bool,
    /// Who have asked to be deleted
    #[arg(long)]
    leaving: bool,
    /// Who are administrators
    #[arg(long)]
    administrators: bool,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

/// Rows that are held in memory at once.
const BATCH: i64 = 1_000;

impl Arguments {
    fn only(&self) -> Vec<Only> {
        let wanted = [
            (self.unverified, Only::Unverified),
            (self.disabled, Only::Disabled),
            (self.leaving, Only::Leaving),
            (self.administrators, Only::Administrators),
        ];
        wanted.into_iter().filter_map(|(is_wanted, only)| is_wanted.then_some(only)).collect()
    }
}

pub(super) async fn run(arguments: &Arguments, db: &Db) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout());
    let (mut after, mut left) = (arguments.after, arguments.limit.unwrap_or(u64::MAX));
    let mut going = if arguments.json { ControlFlow::Continue(()) } else { write(&mut out, HEAD)? };
    while going.is_continue() && left > 0 {
        let (only, most) = (arguments.only(), i64::try_from(left).unwrap_or(BATCH).min(BATCH));
        let batch = db.read::<_, db::Error, _>(move |tx| roster::list(tx, after, &only, most)).await?;
        let Some(last) = batch.last() else { break };
        after = Some(last.id);
        left = left.saturating_sub(u64::try_from(batch.len())?);
        for entry in &batch {
            let line = if arguments.json { as_json(entry).to_string() } else { as_text(entry) };
            going = write(&mut out, &line)?;
        }
    }
    Ok(ended(out.flush()).map(drop)?)
}

/// Whether anybody reads on: `| head` has what it wanted.
fn write(out: &mut impl Write, line: &str) -> io::Result<ControlFlow<()>> {
    ended(writeln!(out, "{line}"))
}

fn ended(written: io::Result<()>) -> io::Result<ControlFlow<()>> {
    match written {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(error),
    }
}

/// An id has 36 characters, an instant 20.
const HEAD: &str = "ID                                    MADE                  STATE       EMAIL";

fn as_text(entry: &Entry) -> String {
    let Entry { id, email, name, created_at, .. } = entry;
    let made = created_at.format("%Y-%m-%d %H:%M UTC");
    let name = if name.is_empty() { String::new() } else { format!("  {name}") };
    format!("{id}  {made}  {:10}  {email}{name}", word(entry.state()))
}

fn as_json(entry: &Entry) -> Value {
    json!({
        "id": entry.id,
        "email": entry.email,
        "email_verified": entry.email_verified_at.is_some(),
        "name": entry.name,
        "created_at": entry.created_at,
        "came_by": entry.came_by,
        "state": word(entry.state()),
        "administrator": entry.is_admin,
        "disabled_at": entry.disabled_at,
        "deletes_at": entry.deletes_at,
    })
}

/// The stable word for scripts.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::Disabled(_) => "disabled",
        State::Leaving(_) => "leaving",
        State::Unverified => "unverified",
        State::Active => "active",
    }
}
