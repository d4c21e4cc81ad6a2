//! `vestibule gateway replay`: which recorded decisions other rules would change.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::words;
use crate::cli::database::Database;
use crate::cli::table::as_table;
use crate::cli::{Common, say};
use crate::config::settings::{Gateway, Organizations};
use crate::config::{self, Settings, Sources};
use crate::db::{self, Db};
use crate::decisions::replay::{Change, Kind, People, Replay, Report, Shares, Wanted};
use crate::decisions::{self, Outcome};
use crate::kernel::{Clock, UserId};

#[derive(Args)]
#[command(
    long_about = "Judges what the running services have recorded of the gate's decisions by the rules of FILE, as of the \
    moment when each request came and for whoever it was then, and says which of them would be decided otherwise. Nothing \
    is changed. What is recorded is a share of all checks, gateway.record, and none unless that is set; a reload is enough \
    to switch it on.",
    after_help = "FILE is a whole configuration or one with [gateway] alone; its [gateway] comes in place of the one that \
    this command is started with, also where variables or --set say it. Rules with shadow = true have no effect in it.\n\n\
    Ends with 0 whatever would change, with 1 if --fail-on-change is given and something would, with 78 if FILE has a \
    mistake.\n\n--json: {\"since\", \"looked_at\", \"stand_for\", \"changed\", \"people\", \"already\", \"untold\", \
    \"unreadable\", \"by_other_rules\", \"changes\": [{\"host\", \"path\", \"was\": {\"decision\", \"reason\"}, \
    \"would_be\": {\"decision\", \"reason\"}, \"rule\": number or null, \"count\", \"people\", \"already\", \"example\": {\"at\", \
    \"request_id\", \"method\", \"url\", \"client\", \"user\", \"rule\"}}]}"
)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// The other rules
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// How far back
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = humantime::parse_duration)]
    since: std::time::Duration,
    /// Of this host alone
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// How many kinds of changes to show, those that happened most
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// End with 1 if something would change
    #[arg(long)]
    fail_on_change: bool,
    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, settings: &Settings, sources: &Sources) -> anyhow::Result<()> {
    let other = config::load_with_gateway_of(&arguments.rules, sources)?;
    for warning in &other.warnings {
        log::warn!("{}: {warning}", arguments.rules.display());
    }
    let (other, today) = (other.settings.gateway, &settings.gateway);
    let since = TimeDelta::from_std(arguments.since).ok().and_then(|age| Clock::System.now().checked_sub_signed(age));
    let wanted = Wanted {
        since: since.context("--since is too long")?,
        host: arguments.host.as_ref().map(|host| host.trim_end_matches('.').to_ascii_lowercase()),
    };
    let (report, addresses) = find_out(settings, Replay::new(&other, today), &wanted, arguments.limit)?;
    let told = Told { report: &report, addresses: &addresses, limit: arguments.limit };
    if arguments.json {
        say(&told.as_json(wanted.since).to_string())?;
    } else {
        told.as_text(arguments, today).iter().try_for_each(|line| say(line))?;
        unknown_organizations(&other, today).iter().try_for_each(|line| say(line))?;
    }
    if arguments.fail_on_change && report.changed > 0 {
        bail!("{} would be decided otherwise", checks(report.changed));
    }
    Ok(())
}

/// With the addresses of those who stand in examples.
fn find_out(
    settings: &Settings,
    replay: Replay,
    wanted: &Wanted,
    limit: usize,
) -> anyhow::Result<(Report, HashMap<UserId, String>)> {
    let database = Database::reach(settings)?;
    let db = Db::new(database.url(), 1, Clock::System);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(async {
        let report = replay.run(&db, wanted).await?;
        let shown = report.changes().into_iter().take(limit);
        let people: Vec<UserId> = shown.filter_map(|(_, change)| change.example.user).collect();
        let addresses = db.look_up(move |tx| decisions::addresses(tx, &people)).await?;
        Ok::<_, db::Error>((report, addresses))
    });
    database.close()?;
    Ok(found?)
}

/// Nothing is recorded of organizations that nobody was told of.
fn unknown_organizations(other: &Gateway, today: &Gateway) -> Option<String> {
    let unknown = match (&other.organizations, &today.organizations) {
        (_, Organizations::All) => return None,
        (Organizations::All, Organizations::Named(_)) => "all other organizations".to_owned(),
        (Organizations::Named(other), Organizations::Named(today)) => {
            let unknown: Vec<&str> = other.iter().filter(|slug| !today.contains(slug)).map(String::as_str).collect();
            unknown.join(", ")
        }
    };
    let sentence = "The other rules know of organizations of which nothing is recorded, so for those who belong to them \
                    more may change";
    (!unknown.is_empty()).then(|| format!("{sentence}: {unknown}."))
}

/// What is said of a report.
struct Told<'a> {
    report: &'a Report,
    addresses: &'a HashMap<UserId, String>,
    limit: usize,
}

impl Told<'_> {
    fn as_text(&self, arguments: &Arguments, today: &Gateway) -> Vec<String> {
        let report = self.report;
        let since = humantime::format_duration(arguments.since);
        let at = arguments.host.as_ref().map(|host| format!(" for {host}")).unwrap_or_default();
        if report.looked_at == 0 {
            return nothing_recorded(&format!("in the last {since}{at}"), today);
        }
        let mut lines = vec![format!(
            "Looked at {} of the last {since}{at}{}.",
            checks(report.looked_at),
            in_shares(report.shares, report.stand_for)
        )];
        lines.push(match report.changed {
            0 => "None would be decided otherwise.".to_owned(),
            changed => format!("{} would be decided otherwise, of {}.", checks(changed), people(&report.people)),
        });
        lines.extend(self.asides());
        lines.extend(self.table());
        lines
    }

    /// What else there is to know, where there is any of it.
    fn asides(&self) -> Vec<String> {
        let Report { already, untold, unreadable, by_others, unsorted, .. } = *self.report;
        let asides = [
            (already, "of these are so already by the rules of today."),
            (by_others, "were judged by other rules than those of today."),
            (untold, "showed a key that was not looked at, and the other rules take keys there: nobody can say."),
            (unreadable, "were recorded by another release, and cannot be judged."),
            (unsorted, "of the changes are of more kinds than can be told apart, and are not shown."),
        ];
        asides.into_iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect()
    }

    fn table(&self) -> Vec<String> {
        let changes = self.report.changes();
        if changes.is_empty() || self.limit == 0 {
            return Vec::new();
        }
        let shown: Vec<_> = changes.iter().take(self.limit).collect();
        let head = ["CHECKS", "PEOPLE", "WHERE", "WAS", "WOULD BE", "BY"].map(str::to_owned);
        let rows: Vec<[String; 6]> =
            std::iter::once(head).chain(shown.iter().map(|(kind, change)| as_row(kind, change))).collect();
        let mut lines = vec![String::new()];
        lines.extend(as_table(&rows));
        lines.extend([String::new(), "For example:".to_owned()]);
        lines.extend(shown.iter().map(|(_, change)| self.example(change)));
        let hidden = changes.len() - shown.len();
        if hidden > 0 {
            lines.push(format!("{hidden} more kinds of changes are not shown: --limit {}", changes.len()));
        }
        lines
    }

    fn example(&self, change: &Change) -> String {
        let record = &change.example;
        let (method, url) = (&record.place.method, record.place.url());
        let by =
            record.user.map_or_else(|| format!("from {}", record.client), |user| format!("by {}", self.name(user)));
        format!("  {method} {url} {by} at {} ({})", in_words(record.at), record.request_id)
    }

    /// Their address today.
    fn name(&self, user: UserId) -> String {
        self.addresses.get(&user).cloned().unwrap_or_else(|| user.to_string())
    }

    fn as_json(&self, since: DateTime<Utc>) -> Value {
        let report = self.report;
        let shown = report.changes().into_iter().take(self.limit);
        json!({
            "since": in_words(since),
            "looked_at": report.looked_at,
            "stand_for": report.stand_for.round(),
            "changed": report.changed,
            "people": report.people.count(),
            "already": report.already,
            "untold": report.untold,
            "unreadable": report.unreadable,
            "by_other_rules": report.by_others,
            "changes": shown.map(|(kind, change)| self.change(kind, change)).collect::<Vec<_>>(),
        })
    }

    fn change(&self, kind: &Kind, change: &Change) -> Value {
        let record = &change.example;
        json!({
            "host": kind.host,
            "path": kind.shape,
            "was": outcome(&kind.was),
            "would_be": outcome(&kind.would_be),
            "rule": change.by.as_ref().map(|rule| rule.number),
            "count": change.count,
            "people": change.people.count(),
            "already": change.already,
            "example": {
                "at": in_words(record.at),
                "request_id": record.request_id,
                "method": record.place.method,
                "url": record.place.url(),
                "client": record.client,
                "user": record.user.map(|user| self.name(user)),
                "rule": record.rule.as_ref().map(|rule| rule.number),
            },
        })
    }
}

fn nothing_recorded(when: &str, today: &Gateway) -> Vec<String> {
    let share = today.record.share;
    let why = if share > 0.0 {
        format!("A share of {share} of all checks is recorded (gateway.record), and none of them came {when}.")
    } else {
        "Recording is off: set gateway.record = 0.1 for a tenth of all checks, or 1 for each, and have it read by \
         `vestibule gateway reload`. Then wait for people to come."
            .to_owned()
    };
    vec![format!("Nothing was recorded {when}."), why]
}

fn as_row(kind: &Kind, change: &Change) -> [String; 6] {
    let by = change.by.as_ref().map(|rule| (rule.number, rule.name.as_deref()));
    [
        change.count.to_string(),
        change.people.count().to_string(),
        format!("{}{}", kind.host, kind.shape),
        sentence(&kind.was),
        sentence(&kind.would_be),
        words::rule(by),
    ]
}

fn sentence(outcome: &Outcome) -> String {
    let what = words::decision(&outcome.decision);
    match outcome.reason.as_ref() {
        "rule" | "invalid_key" => what.to_owned(),
        reason => format!("{what} ({reason})"),
    }
}

fn outcome(outcome: &Outcome) -> Value {
    json!({ "decision": outcome.decision, "reason": outcome.reason })
}

fn checks(count: u64) -> String {
    if count == 1 { "1 check".to_owned() } else { format!("{count} checks") }
}

fn people(people: &People) -> String {
    match (people.count(), people.is_full()) {
        (0, _) => "strangers alone".to_owned(),
        (1, _) => "1 person".to_owned(),
        (count, true) => format!("{count} people or more"),
        (count, false) => format!("{count} people"),
    }
}

/// How many checks there were, as far as can be told from those that were kept.
fn in_shares(shares: Shares, stand_for: f64) -> String {
    let Shares { least, most } = shares;
    match (least, most) {
        _ if least >= 1.0 => ", all there were".to_owned(),
        _ if most - least <= f64::EPSILON => format!(", a share of {most}: there were about {stand_for:.0}"),
        _ => format!(", shares of {least} to {most}: there were about {stand_for:.0}"),
    }
}

fn in_words(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
