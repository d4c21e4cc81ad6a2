use std::io::{self, BufWriter, Write};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde_json::{Value, json};

use crate::audit::{self, Extent, Recorded, Which};
use crate::cli::Common;
use crate::cli::database::Database;
use crate::config::Settings;
use crate::db::{self, Db};
use crate::kernel::{Clock, EventId, OrganizationId, When};
use crate::orgs::{self, Slug};

const HELP: &str = "One JSON object a line: id, at, kind, hand (visitor, operator or service), actor, subject, session, \
    organization (ids or null), ip, user_agent, request_id, details. `vestibule audit kinds` lists the kinds; a later \
    version may add some, and further fields.\n\n\
    To go on where an earlier run has ended, give the id of its last line to --after. An event is written when its \
    transaction commits, which may be some seconds after the time that its id was made of, and the clocks of several \
    nodes differ a little. So the last minute is left for the next run, unless --until says otherwise: then what is \
    written late is not missed. `--until 0s` takes everything there is now.\n\n\
    Events are read some thousand at a time, each time by a short read: the service is not held up, and any number of \
    them takes no more memory.";

/// Whatever a transaction may take, and clocks may differ by.
const SETTLED_AFTER: TimeDelta = TimeDelta::minutes(1);

#[derive(Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// From then on: an instant or a day (2026-11-21T15:30:00Z, 2026-11-21), or how long ago (24h)
    #[arg(long, value_name = "TIME|DURATION", value_parser = point, required_unless_present = "after")]
    since: Option<Point>,
    /// Until then; a day counts as a whole [default: 1m ago]
    #[arg(long, value_name = "TIME|DURATION", value_parser = point)]
    until: Option<Point>,
    /// After the event of this id, which need not be there any more
    #[arg(long, value_name = "ID")]
    after: Option<EventId>,
    /// Of this kind or area alone; see `vestibule audit kinds`
    #[arg(long, value_name = "KIND", value_parser = which, default_value = "")]
    kind: Which,
    /// What happened in this organization alone
    #[arg(long, value_name = "SLUG", value_parser = slug)]
    organization: Option<Slug>,
}

/// A point in time, as the command line names it.
#[derive(Clone, Copy, Debug)]
enum Point {
    At(When),
    Ago(TimeDelta),
}

fn point(text: &str) -> Result<Point, String> {
    if let Ok(when) = When::parse(text) {
        return Ok(Point::At(when));
    }
    let ago = humantime::parse_duration(text).ok().and_then(|ago| TimeDelta::from_std(ago).ok());
    ago.map(Point::Ago).ok_or_else(|| "write an instant, a day, or how long ago, as in 24h".to_owned())
}

fn which(word: &str) -> Result<Which, String> {
    Which::parse(word).ok_or_else(|| "there is no such kind; see `vestibule audit kinds`".to_owned())
}

fn slug(text: &str) -> Result<Slug, String> {
    Slug::parse(text).ok_or_else(|| "this is no slug of an organization".to_owned())
}

/// How the writing went.
#[derive(PartialEq, Eq)]
enum Written {
    All,
    /// The reader went away, as `head` does: it has what it wanted.
    NobodyReads,
}

pub(super) fn run(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let database = Database::reach(settings)?;
    let db = Db::new(database.url(), 1, Clock::System);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(export(arguments, &db));
    database.close()?;
    result
}

async fn export(arguments: &Arguments, db: &Db) -> anyhow::Result<()> {
    let organization = match arguments.organization.clone() {
        Some(slug) => Some(find(db, slug).await?),
        None => None,
    };
    let extent = extent(arguments, organization, Clock::System.now());
    let mut out = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let mut after = extent.after();
    loop {
        let (extent, from) = (extent.clone(), after);
        let batch = db.read(move |tx| audit::next_batch(tx, &extent, from)).await?;
        if write_down(&mut out, &batch.events)? == Written::NobodyReads {
            return Ok(());
        }
        match batch.end {
            Some(end) => after = Some(end),
            None => return Ok(()),
        }
    }
}

async fn find(db: &Db, slug: Slug) -> anyhow::Result<OrganizationId> {
    let wanted = slug.clone();
    let found = db.read::<_, db::Error, _>(move |tx| orgs::find(tx, &wanted)).await?;
    Ok(found.with_context(|| format!("there is no organization {}", slug.as_str()))?.id)
}

fn extent(arguments: &Arguments, organization: Option<OrganizationId>, now: DateTime<Utc>) -> Extent {
    // Further back than any calendar is everything.
    let ago = |ago| now.checked_sub_signed(ago).unwrap_or(DateTime::<Utc>::MIN_UTC);
    let since = arguments.since.map(|since| match since {
        Point::At(when) => when.begin(),
        Point::Ago(time) => ago(time),
    });
    let until = match arguments.until {
        Some(Point::At(when)) => when.end(),
        Some(Point::Ago(time)) => ago(time),
        None => ago(SETTLED_AFTER),
    };
    Extent { which: arguments.kind, organization, since, until, after: arguments.after }
}

/// A batch at a time, so that whoever reads sees what there is.
fn write_down(out: &mut impl Write, events: &[Recorded]) -> anyhow::Result<Written> {
    let written = events.iter().try_for_each(|event| writeln!(out, "{}", line(event))).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Written::NobodyReads),
        Err(error) => Err(error).context("writing to standard output"),
        Ok(()) => Ok(Written::All),
    }
}

/// Other programs rely on these names.
fn line(event: &Recorded) -> Value {
    json!({
        "id": event.id,
        "at": event.at,
        "kind": event.kind,
        "hand": event.hand.as_str(),
        "actor": event.actor,
        "subject": event.subject,
        "session": event.session,
        "organization": event.organization,
        "ip": event.address,
        "user_agent": event.user_agent,
        "request_id": event.request_id,
        "details": event.details,
    })
}
