//! `vestibule mail`: does mail arrive, what waits, and another try.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::database::Database;
use super::{Common, say};
use crate::config::Settings;
use crate::db::{self, Db};
use crate::kernel::{Clock, EmailAddress, LetterId, Origin};
use crate::mail::{self, Inbox, Retried, State, Transport, Waiting};
use crate::render::Renderer;

#[derive(Subcommand)]
pub enum Command {
    /// Send a letter right now and say what happened
    Test(Test),
    /// Show the letters that are not sent
    Queue(Queue),
    /// Try letters again at once, those given up included
    Retry(Retry),
}

#[derive(Args)]
pub struct Test {
    #[command(flatten)]
    common: Common,
    /// Whom to write to
    #[arg(value_name = "ADDRESS", value_parser = EmailAddress::parse)]
    address: EmailAddress,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Queue {
    #[command(flatten)]
    common: Common,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Retry {
    #[command(flatten)]
    common: Common,
    /// The letter, by its id in `mail queue`
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    id: Option<LetterId>,
    /// Every letter that is not sent
    #[arg(long)]
    all: bool,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::Test(arguments) => &arguments.common,
            Self::Queue(arguments) => &arguments.common,
            Self::Retry(arguments) => &arguments.common,
        }
    }
}

pub(super) fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    match command {
        Command::Test(arguments) => test(arguments, settings),
        Command::Queue(arguments) => with_database(settings, |db| queue(arguments, db)),
        Command::Retry(arguments) => with_database(settings, |db| retry(arguments, db)),
    }
}

/// Needs no database: the letter goes past the outbox.
fn test(arguments: &Test, settings: &Settings) -> anyhow::Result<()> {
    let render = Renderer::new(settings.server.overrides_dir.as_deref())?;
    let transport = Transport::new(settings)?;
    let to = &arguments.address;
    if !arguments.json {
        say(&format!("Sending to {to} through {transport} …"))?;
    }
    let sending = mail::send_test(settings, &render, &transport, to.clone(), Clock::System.now());
    let sent = block_on(sending)?;
    if arguments.json {
        let error = sent.as_ref().err().map(ToString::to_string);
        say(&json!({ "to": to, "sent": sent.is_ok(), "id": sent.as_ref().ok(), "error": error }).to_string())?;
    }
    let id = sent.context("the letter was not sent")?;
    match Inbox::of(settings) {
        _ if arguments.json => Ok(()),
        Some(_) => say(&format!("Kept as {id}. Nothing left this machine: mail.transport is \"inbox\".")),
        None => say(&format!("The server took it, as {id}. If it does not arrive, look in the spam folder first.")),
    }
}

fn queue(arguments: &Queue, db: &Db) -> anyhow::Result<()> {
    let letters = block_on(db.read::<_, db::Error, _>(mail::list))??;
    if arguments.json {
        let letters: Vec<Value> = letters.iter().map(as_json).collect();
        return say(&json!({ "letters": letters }).to_string());
    }
    if letters.is_empty() {
        return say("No letter waits.");
    }
    letters.iter().try_for_each(|letter| say(&as_text(letter)))
}

fn as_json(letter: &Waiting) -> Value {
    let (state, at) = match letter.state {
        State::Queued(at) => ("queued", at),
        State::Sending(at) => ("sending", at),
        State::GivenUp(at) => ("given_up", at),
    };
    json!({
        "id": letter.id, "to": letter.to, "letter": letter.letter, "created_at": letter.created_at,
        "attempts": letter.attempts, "state": state, "at": at, "last_error": letter.last_error,
    })
}

fn as_text(letter: &Waiting) -> String {
    let Waiting { id, to, letter: kind, created_at, attempts, .. } = letter;
    let time = "%Y-%m-%d %H:%M:%S UTC";
    let state = match letter.state {
        State::Queued(at) => format!("next attempt {}", at.format(time)),
        State::Sending(_) => "being sent".to_owned(),
        State::GivenUp(at) => format!("given up {}", at.format(time)),
    };
    let error = letter.last_error.as_ref().map(|error| format!("\n  {error}")).unwrap_or_default();
    format!("{id}  {kind} to {to}\n  written {}, attempts {attempts}, {state}{error}", created_at.format(time))
}

fn retry(arguments: &Retry, db: &Db) -> anyhow::Result<()> {
    let wanted = arguments.id;
    let outcomes: Vec<(LetterId, Retried)> =
        block_on(db.write::<_, db::Error, _>(&Origin::operator("mail retry"), move |tx| match wanted {
            Some(id) => Ok(vec![(id, mail::retry(tx, id)?)]),
            None => mail::retry_all(tx),
        }))??;
    if arguments.json {
        let letters: Vec<Value> =
            outcomes.iter().map(|(id, done)| json!({ "id": id, "outcome": word(*done) })).collect();
        say(&json!({ "letters": letters }).to_string())?;
    } else if outcomes.is_empty() {
        say("No letter waits.")?;
    } else {
        outcomes.iter().try_for_each(|(id, done)| say(&format!("{id}  {}", sentence(*done))))?;
    }
    match outcomes.as_slice() {
        [(_, Retried::NotWaiting | Retried::SecretErased)] if wanted.is_some() => {
            bail!("the letter is not tried again")
        }
        _ => Ok(()),
    }
}

fn word(done: Retried) -> &'static str {
    match done {
        Retried::Queued => "queued",
        Retried::NotWaiting => "not_waiting",
        Retried::BeingSent => "being_sent",
        Retried::SecretErased => "secret_erased",
    }
}

fn sentence(done: Retried) -> &'static str {
    match done {
        Retried::Queued => "due now: a running service sends it within a second",
        Retried::NotWaiting => "there is no such letter, or it was sent",
        Retried::BeingSent => "is being sent just now",
        Retried::SecretErased => "its link was erased when it was given up: whoever needs one has to ask for a new one",
    }
}

fn with_database(settings: &Settings, work: impl FnOnce(&Db) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let database = Database::reach(settings)?;
    let result = work(&Db::new(database.url(), 1, Clock::System));
    database.close()?;
    result
}

fn block_on<F: Future>(work: F) -> anyhow::Result<F::Output> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}
