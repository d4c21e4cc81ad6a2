//! People brought over from a file, beside PostgreSQL's own COPY of the rows that they become.

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use diesel::prelude::*;
use vestibule::db::schema::{audit_events, users};

use crate::database::Database;
use crate::gate::SECRET;
use crate::report::{Report, median, ratios, section};
use crate::{Stage, meter};

const ROUNDS: usize = 3;
const PEOPLE: u32 = 1_000_000;
/// How often the memory of the running program is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// What one run of the program came to.
struct Run {
    per_second: f64,
    /// MiB, the most there ever was.
    peak: f64,
}

pub fn measure(report: &mut Report, stage: &Stage) -> anyhow::Result<()> {
    let count = stage.scaled(PEOPLE);
    let [file, tenth] = [count, count / 10].map(|count| (stage.folder.join(format!("people-{count}.csv")), count));
    for (path, count) in [&file, &tenth] {
        write(path, *count)?;
    }
    let rounds: Vec<Round> = (0..ROUNDS).map(|_| round(stage, &file, &tenth)).collect::<Result<_, _>>()?;
    let all = |figure: fn(&Round) -> f64| rounds.iter().map(figure).collect::<Vec<f64>>();
    let (ours, checked) = (all(|round| round.imported.per_second), all(|round| round.checked.per_second));
    let (copied, peaks) = (all(|round| round.copied), all(|round| round.imported.peak));
    let peaks_of_tenth = all(|round| round.tenth.peak);
    section(&format!("Import of {count} people with bcrypt hashes, from CSV: by the clock"));
    report.ratio("import.by_copy", "people per second ÷ COPY of the same rows", &ratios(&ours, &copied));
    report.ratio("import.check_by_copy", "a dry run ÷ COPY of the same rows", &ratios(&checked, &copied));
    report.ratio("import.memory", "peak memory ÷ the same for a tenth of them", &ratios(&peaks, &peaks_of_tenth));
    report.value("import.per_second", "people per second", (median(&ours), ""));
    report.value("import.copy_per_second", "by COPY into the same tables", (median(&copied), ""));
    report.value("import.peak", "peak memory", (median(&peaks), "MiB"));
    Ok(())
}

struct Round {
    checked: Run,
    imported: Run,
    tenth: Run,
    /// People per second.
    copied: f64,
}

fn round(stage: &Stage, (file, count): &(PathBuf, u32), (tenth, tenths): &(PathBuf, u32)) -> anyhow::Result<Round> {
    let first = stage.another_database("import")?;
    let tenth = run(&first, (tenth, *tenths), &[])?;
    drop(first);
    let ours = stage.another_database("import")?;
    let checked = run(&ours, (file, *count), &["--dry-run"])?;
    let imported = run(&ours, (file, *count), &[])?;
    let theirs = stage.another_database("copy")?;
    let copied = f64::from(*count) / copy(&ours, &theirs, *count)?.as_secs_f64();
    Ok(Round { checked, imported, tenth, copied })
}

/// As another system may have exported it.
fn write(path: &Path, count: u32) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "email,name,password_hash,email_verified,created_at")?;
    for n in 0..count {
        // 21 characters of a salt, and one that ends it as base64 has to end.
        let hash = format!("$2b$12${n:021}OMsTA3cMGxhIh8pYKqWOSAYGWOf9Pw2e");
        writeln!(file, "person{n}@example.com,Person Number {n},{hash},true,2020-01-01T00:00:00Z")?;
    }
    Ok(file.flush()?)
}

fn run(database: &Database, (file, count): (&Path, u32), arguments: &[&str]) -> anyhow::Result<Run> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command.args(["--set", &database.setting(), "--set", SECRET, "user", "import", "--json"]).arg(file).args(arguments);
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut peak: f64 = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // It may have ended a moment ago.
        peak = peak.max(meter::peak(child.id()).unwrap_or_default());
        thread::sleep(PAUSE);
    };
    let took = started.elapsed();
    let mut said = String::new();
    child.stdout.context("what it says")?.read_to_string(&mut said)?;
    let said: serde_json::Value = serde_json::from_str(&said)?;
    ensure!(status.success() && said.get("imported") == Some(&count.into()), "{status}: {said}");
    Ok(Run { per_second: f64::from(count) / took.as_secs_f64(), peak })
}

/// Only the writing is counted.
fn copy(from: &Database, to: &Database, count: u32) -> anyhow::Result<Duration> {
    let (mut people, mut events) = (Vec::new(), Vec::new());
    // A connection each: diesel leaves one that has been copied from in the middle of it.
    diesel::copy_to(users::table).load_raw(&mut from.connect()?)?.read_to_end(&mut people)?;
    diesel::copy_to(audit_events::table).load_raw(&mut from.connect()?)?.read_to_end(&mut events)?;
    let to = &mut to.connect()?;
    let started = Instant::now();
    to.transaction(|to| {
        diesel::copy_from(users::table)
            .from_raw_data(users::table, |copy| copy.write_all(&people).map_err(into_diesel))
            .execute(to)?;
        diesel::copy_from(audit_events::table)
            .from_raw_data(audit_events::table, |copy| copy.write_all(&events).map_err(into_diesel))
            .execute(to)
    })?;
    let took = started.elapsed();
    let there: i64 = users::table.count().get_result(to)?;
    ensure!(there == i64::from(count), "{there} were copied");
    Ok(took)
}

fn into_diesel(error: std::io::Error) -> diesel::result::Error {
    diesel::result::Error::SerializationError(Box::new(error))
}
