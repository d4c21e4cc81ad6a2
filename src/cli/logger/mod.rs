//! The log: text for people, one JSON object a line for machines, on standard error.
//!
//! Every line carries the id of the request it was written in, if any. A line is a line: what stands in
//! a message cannot begin another. A service that is asked often writes its lines in [`batch`]es.

mod batch;
mod line;

use std::io::{self, IsTerminal as _, Write as _};
use std::panic::PanicHookInfo;
use std::sync::LazyLock;

use env_logger::fmt::Formatter;
use env_logger::fmt::style::Style;
use env_logger::{Logger, Target, WriteStyle};
use log::{Level, Log, Metadata, Record};

use crate::config::settings;
use crate::kernel::request_id;
use batch::Lines;

static LINES: LazyLock<Lines> = LazyLock::new(|| Lines::to(io::stderr()));

/// `rust_log`, where set, takes the place of the configured level. Panics are logged from here on.
pub fn start(settings: settings::Log, rust_log: Option<&str>) -> anyhow::Result<()> {
    let mut builder = env_logger::Builder::new();
    match rust_log.filter(|filter| !filter.is_empty()) {
        Some(filter) => builder.parse_filters(filter),
        None => builder.filter_level(settings.level),
    };
    match settings.format {
        settings::LogFormat::Text if io::stderr().is_terminal() => builder.format(write_coloured_text),
        settings::LogFormat::Text => builder.format(write_text),
        settings::LogFormat::Json => builder.format(write_json),
    };
    // What is written has no colours that would have to be taken out again: looking for them costs more than all else.
    let written = builder.write_style(WriteStyle::Always).target(Target::Pipe(Box::new(LINES.clone()))).build();
    log::set_max_level(written.filter());
    log::set_boxed_logger(Box::new(Prompt(written)))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// From now on lines may wait a moment for others. Whoever calls this sees to it that the process ends in order.
pub fn write_in_batches() -> io::Result<()> {
    LINES.write_in_batches()
}

/// Lets no warning wait.
struct Prompt(Logger);

impl Log for Prompt {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        self.0.log(record);
        if record.level() <= Level::Warn {
            self.flush();
        }
    }

    fn flush(&self) {
        LINES.write_out();
    }
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    log::error!(target: "vestibule::panic", place; "{}", info.payload_as_str().unwrap_or("panicked"));
}

fn write_coloured_text(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let level = out.default_level_style(record.level());
    write_styled_text(out, record, level)
}

fn write_text(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    write_styled_text(out, record, Style::new())
}

fn write_styled_text(out: &mut Formatter, record: &Record<'_>, level: Style) -> io::Result<()> {
    let time = out.timestamp_millis();
    write!(out, "{time} {level}{:<5}{level:#} {}: ", record.level(), record.target())?;
    line::write_text(out, record, request_id::current())
}

fn write_json(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let time = out.timestamp_millis();
    line::write_json(out, record, &time, request_id::current())
}
