//! `vestibule user import`: people of another system, from a file.
//!
//! The file is read once, from its beginning to its end, and people are written in batches, each in one transaction. So
//! memory does not grow with the file, but for some thirty bytes a row by which two rows with one address are found; and
//! what was written stays when the rest fails. The same command again then does the rest, since whoever has an account is
//! left alone.

mod input;
mod lines;
mod row;
mod table;

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufReader, Read, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::accounts::import::{Fate, Field, Newcomer, Wrong, foresee, import};
use crate::cli::{Common, say};
use crate::db::{self, Db};
use crate::kernel::{Clock, Origin};
use input::Input;
use lines::Lines;
use row::Row;
use table::Table;

/// A transaction each. Large enough that one more costs nothing, small enough that nobody waits for it.
const BATCH: usize = 5_000;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// What to read: one JSON object a line, or CSV with a header; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What it is written in, if its name does not end in .jsonl, .ndjson or .csv
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Check everything, also against the database, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write JSON, for scripts: what is wrong a line each to standard error, and the counts to standard output
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values with a header
    Csv,
}

impl Arguments {
    fn format(&self) -> anyhow::Result<Format> {
        let ending = self.file.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        match (self.format, ending.as_deref()) {
            (Some(format), _) => Ok(format),
            (None, Some("jsonl" | "ndjson")) => Ok(Format::Jsonl),
            (None, Some("csv")) => Ok(Format::Csv),
            (None, _) => bail!("say what it is written in: --format jsonl or --format csv"),
        }
    }

    fn open(&self) -> anyhow::Result<Box<dyn Read>> {
        if self.file.as_os_str() == "-" {
            return Ok(Box::new(io::stdin().lock()));
        }
        let opened = File::open(&self.file).with_context(|| format!("opening {}", self.file.display()));
        Ok(Box::new(opened?))
    }
}

pub(super) async fn run(arguments: &Arguments, db: &Db) -> anyhow::Result<()> {
    let input = Input::new(arguments.open()?)?;
    let mut rows = match arguments.format()? {
        Format::Jsonl => Rows::Lines(Lines::new(BufReader::new(input))),
        Format::Csv => Rows::Table(Table::new(input)?),
    };
    let mut desk = Desk::new(arguments);
    let ended = desk.take_all(&mut rows, db).await;
    desk.tell_counts()?;
    ended.with_context(|| desk.how_to_go_on())?;
    match desk.tally.refused {
        0 => Ok(()),
        1 => bail!("1 row was refused"),
        refused => bail!("{refused} rows were refused"),
    }
}

enum Rows {
    Lines(Lines<BufReader<Input>>),
    Table(Table),
}

impl Rows {
    /// # Errors
    /// When nothing after it can be read either.
    fn next(&mut self) -> anyhow::Result<Option<Row>> {
        match self {
            Self::Lines(lines) => Ok(lines.next()?),
            Self::Table(table) => table.next(),
        }
    }

    fn remark(&self) -> Option<(u64, &'static str)> {
        match self {
            Self::Lines(_) => None,
            Self::Table(table) => table.remark(),
        }
    }
}

#[derive(Default)]
struct Tally {
    rows: u64,
    imported: u64,
    already_there: u64,
    refused: u64,
}

/// Where rows become people, and people are turned away.
struct Desk<'a> {
    arguments: &'a Arguments,
    tally: Tally,
    waiting: Vec<(u64, Newcomer)>,
    /// The line of each address so far, under 64 bits of a keyed hash: that two of a million addresses meet in one is a
    /// matter of one in forty million files, and nobody can bring it about.
    lines: HashMap<Short, u32>,
    hashing: RandomState,
}

/// In two halves: twelve bytes an entry with the line, and not sixteen.
type Short = (u32, u32);

impl<'a> Desk<'a> {
    fn new(arguments: &'a Arguments) -> Self {
        let (tally, lines) = (Tally::default(), HashMap::new());
        Self { arguments, tally, waiting: Vec::with_capacity(BATCH), lines, hashing: RandomState::new() }
    }

    async fn take_all(&mut self, rows: &mut Rows, db: &Db) -> anyhow::Result<()> {
        while let Some(row) = rows.next()? {
            self.tally.rows += 1;
            match self.read(&row) {
                Ok(person) => self.waiting.push((row.line, person)),
                Err(wrong) => self.refuse(row.line, &wrong),
            }
            if self.waiting.len() == BATCH {
                self.settle(db).await?;
            }
        }
        self.settle(db).await?;
        if let Some((line, remark)) = rows.remark() {
            self.complain(line, None, remark);
        }
        Ok(())
    }

    fn read(&mut self, row: &Row) -> Result<Newcomer, Vec<Wrong>> {
        let given = row.given.as_ref().map_err(Clone::clone)?;
        let person = Newcomer::read(given, Clock::System.now())?;
        let hash = self.hashing.hash_one(person.email.key());
        let short =
            (u32::try_from(hash >> 32).unwrap_or_default(), u32::try_from(hash & 0xffff_ffff).unwrap_or_default());
        let line = u32::try_from(row.line).unwrap_or(u32::MAX);
        match self.lines.insert(short, line) {
            None => Ok(person),
            Some(before) => {
                self.lines.insert(short, before);
                Err(vec![Wrong::with(Field::Email, format!("the same address as in line {before}"))])
            }
        }
    }

    /// Writes those who wait, or looks at what would become of them.
    async fn settle(&mut self, db: &Db) -> anyhow::Result<()> {
        let (lines, people): (Vec<u64>, Vec<Newcomer>) = self.waiting.drain(..).unzip();
        if people.is_empty() {
            return Ok(());
        }
        let fates = if self.arguments.dry_run {
            db.read::<_, db::Error, _>(move |tx| foresee(tx, &people)).await?
        } else {
            db.write::<_, db::Error, _>(&Origin::operator("user import"), move |tx| import(tx, &people)).await?
        };
        for (line, fate) in lines.into_iter().zip(fates) {
            match fate {
                Fate::Imported => self.tally.imported += 1,
                Fate::AlreadyThere => self.pass_over(line),
                Fate::Kept => {
                    let why =
                        "somebody has left this address lately, and may come back to it until their letter expires";
                    self.refuse(line, &[Wrong::with(Field::Email, why)]);
                }
            }
        }
        Ok(())
    }

    /// Named in a dry run only: an import that is begun again would name all that it has done before.
    fn pass_over(&mut self, line: u64) {
        self.tally.already_there += 1;
        if self.arguments.dry_run {
            self.complain(line, None, "already there, and left as it is");
        }
    }

    fn refuse(&mut self, line: u64, wrong: &[Wrong]) {
        self.tally.refused += 1;
        for wrong in wrong {
            self.complain(line, wrong.field, &wrong.why);
        }
    }

    /// Whoever reads it may have gone away; that is no reason to stop.
    fn complain(&self, line: u64, field: Option<Field>, why: &str) {
        let field = field.map(Field::as_str);
        let text = match field {
            _ if self.arguments.json => json!({ "line": line, "field": field, "message": why }).to_string(),
            Some(field) => format!("line {line}: {field}: {why}"),
            None => format!("line {line}: {why}"),
        };
        let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
    }

    fn tell_counts(&self) -> anyhow::Result<()> {
        let Tally { rows, imported, already_there, refused } = self.tally;
        let dry_run = self.arguments.dry_run;
        if self.arguments.json {
            return say(&json!({
                "dry_run": dry_run, "rows": rows, "imported": imported, "already_there": already_there,
                "refused": refused,
            })
            .to_string());
        }
        let would = if dry_run { "Nothing was written. To import: " } else { "Imported: " };
        say(&format!("{would}{imported} · already there: {already_there} · refused: {refused} · rows: {rows}"))
    }

    fn how_to_go_on(&self) -> String {
        let Tally { rows, imported, .. } = self.tally;
        if self.arguments.dry_run {
            return format!("the check stopped after {rows} rows");
        }
        format!(
            "the import stopped after {rows} rows; the {imported} people stay, and the same command again does the rest"
        )
    }
}
