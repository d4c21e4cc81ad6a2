//! `vestibule jobs`: what happens by itself, for all to see, and on demand.

use std::time::Duration;

use anyhow::bail;
use chrono::{DateTime, Utc};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::database::Database;
use super::stop::Stop;
use super::{Common, say};
use crate::app::App;
use crate::config::{self, Settings};
use crate::db::{self, Db};
use crate::jobs::{self, Entry, Job, Outcome, Ran, Round};
use crate::kernel::{Clock, shutdown};
use crate::mail::Transport;

#[derive(Subcommand)]
pub enum Command {
    /// Show what happens by itself: how often, when last, and how that went
    List(List),
    /// Do one round of a job now, whether the service runs or not
    Run(Run),
}

#[derive(Args)]
pub struct List {
    #[command(flatten)]
    common: Common,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Run {
    #[command(flatten)]
    common: Common,
    /// Which one
    #[arg(value_name = "NAME", value_parser = names().try_map(|name| Job::find(&name).ok_or("no such job")))]
    job: Job,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

fn names() -> PossibleValuesParser {
    let value = |job: Job| PossibleValue::new(job.card().name).help(job.card().about);
    PossibleValuesParser::new(Job::ALL.map(value))
}

impl Command {
    pub(super) fn common(&self) -> &Common {
        match self {
            Self::List(arguments) => &arguments.common,
            Self::Run(arguments) => &arguments.common,
        }
    }
}

pub(super) fn run(command: &Command, settings: Settings) -> anyhow::Result<()> {
    match command {
        Command::List(arguments) => list(arguments, &settings),
        Command::Run(arguments) => run_now(arguments, settings),
    }
}

fn list(arguments: &List, settings: &Settings) -> anyhow::Result<()> {
    let database = Database::reach(settings)?;
    let db = Db::new(database.url(), 1, Clock::System);
    let entries = block_on(db.read::<_, db::Error, _>(jobs::list))?;
    database.close()?;
    let (entries, now) = (entries?, Clock::System.now());
    if arguments.json {
        let jobs: Vec<Value> = entries.iter().map(|entry| as_json(entry, now)).collect();
        return say(&json!({ "jobs": jobs }).to_string());
    }
    entries.iter().try_for_each(|entry| say(&as_text(entry, now)))
}

fn as_json(entry: &Entry, now: DateTime<Utc>) -> Value {
    let (card, ran) = (entry.job.card(), entry.ran.as_ref());
    json!({
        "name": card.name,
        "about": card.about,
        "every_ms": milliseconds(card.every),
        "state": entry.standing(now).as_str(),
        "due_at": entry.due_at(),
        "last_started_at": ran.map(|ran| ran.last_started_at),
        "last_finished_at": ran.map(|ran| ran.last_finished_at),
        "last_duration_ms": ran.map(|ran| ran.last_milliseconds),
        "last_done": ran.map(|ran| ran.last_done),
        "last_succeeded_at": ran.and_then(|ran| ran.last_succeeded_at),
        "last_failed_at": ran.and_then(|ran| ran.last_failed_at),
        "last_error": ran.and_then(|ran| ran.last_error.as_deref()),
        "runs": ran.map_or(0, |ran| ran.runs),
        "failures": ran.map_or(0, |ran| ran.failures),
        "done": ran.map_or(0, |ran| ran.done),
    })
}

fn as_text(entry: &Entry, now: DateTime<Utc>) -> String {
    let card = entry.job.card();
    let state = entry.standing(now).as_str().replace('_', " ");
    let head = format!("{}, every {}: {state}\n  {}", card.name, interval(card.every), card.about);
    let (Some(ran), Some(due)) = (&entry.ran, entry.due_at()) else { return head };
    let Ran { last_milliseconds, last_done, runs, failures, done, .. } = ran;
    let error = ran.last_failed_at.zip(ran.last_error.as_ref());
    let error = error.map(|(at, error)| format!("\n  last error {}: {error}", stamp(at))).unwrap_or_default();
    format!(
        "{head}\n  last run {} in {last_milliseconds} ms, did {last_done}; due by {}\n  \
         {runs} runs so far, {failures} failed, did {done}{error}",
        stamp(ran.last_started_at),
        stamp(due),
    )
}

fn run_now(arguments: &Run, mut settings: Settings) -> anyhow::Result<()> {
    settings.secrets.keys = config::secret_keys(&settings)?;
    let transport = Transport::new(&settings)?;
    let stop = Stop::listen()?;
    let database = Database::reach(&settings)?;
    let app = App::new(settings, database.url(), Clock::System)?;
    let (trigger, shutdown) = shutdown::pair();
    let work = async {
        let round = jobs::run_once(arguments.job, app, transport, shutdown);
        let pull = async {
            stop.requested().await;
            trigger.pull();
            std::future::pending().await
        };
        tokio::select! {
            round = round => round,
            never = pull => never,
        }
    };
    let round = block_on(work)?;
    database.close()?;
    report(arguments, &round?)
}

fn report(arguments: &Run, round: &Round) -> anyhow::Result<()> {
    let (name, took) = (arguments.job.card().name, milliseconds(round.took));
    if arguments.json {
        let Round { started_at, finished_at, outcome, .. } = round;
        let said = json!({
            "name": name, "outcome": outcome.as_str(), "done": outcome.done(), "error": outcome.error(),
            "started_at": started_at, "finished_at": finished_at, "duration_ms": took,
        });
        say(&said.to_string())?;
    }
    match &round.outcome {
        Outcome::Done(_) if arguments.json => Ok(()),
        Outcome::Done(0) => say(&format!("{name}: there was nothing to do ({took} ms).")),
        Outcome::Done(done) => say(&format!("{name}: did {done} in {took} ms.")),
        Outcome::Failed(error) => bail!("{name} failed: {error}"),
        Outcome::Panicked(panic) => bail!("{name} failed: it panicked: {panic}"),
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn interval(time: Duration) -> String {
    match (time.as_secs(), time.subsec_millis()) {
        (0, milliseconds) => format!("{milliseconds} ms"),
        (seconds, _) if seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
        (seconds, _) if seconds % 60 == 0 => format!("{} min", seconds / 60),
        (seconds, _) => format!("{seconds} s"),
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn block_on<F: Future>(work: F) -> anyhow::Result<F::Output> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}
