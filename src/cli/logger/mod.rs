//! The log: text for people, one JSON object a line for machines, on standard error.
//!
//! Every line carries the id of the request it was written in, if any. A line is a line: what stands in
//! a message cannot begin another. A service that is asked often writes its lines in [`batch`]es.

mod batch;
mod line;
mod stamp;

use std::cell::Cell;
use std::io::{self, IsTerminal as _, Write as _};
use std::panic::PanicHookInfo;
use std::sync::LazyLock;

use env_logger::fmt::style::{AnsiColor, Style};
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::config::settings;
use crate::kernel::request_id;
use batch::Lines;

static LINES: LazyLock<Lines> = LazyLock::new(|| Lines::to(io::stderr()));

/// `rust_log`, where set, takes the place of the configured level. Panics are logged from here on.
pub fn start(settings: settings::Log, rust_log: Option<&str>) -> anyhow::Result<()> {
    let mut builder = env_logger::Builder::new();
    match rust_log {
        Some(filter) => builder.parse_filters(filter),
        // What the level lets through is for `log` itself to see, where it can be set anew.
        None => builder.filter_level(LevelFilter::Trace),
    };
    let write = match settings.format {
        settings::LogFormat::Text if io::stderr().is_terminal() => write_coloured_text,
        settings::LogFormat::Text => write_plain_text,
        settings::LogFormat::Json => write_json,
    };
    let filter = builder.build();
    log::set_max_level(if rust_log.is_some() { filter.filter() } else { settings.level });
    log::set_boxed_logger(Box::new(Logger { filter, write }))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// From now on lines may wait a moment for others. Whoever calls this sees to it that the process ends in order.
pub fn write_in_batches() -> io::Result<()> {
    LINES.write_in_batches()
}

/// Takes the lines that `env_logger` lets through. It writes them itself, because a check at the gate has little else to
/// do: see [`batch`].
struct Logger {
    filter: env_logger::Logger,
    write: fn(&mut Vec<u8>, &Record<'_>) -> io::Result<()>,
}

thread_local! {
    /// Where a line is put together, used again for the next one.
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.filter.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.filter.matches(record) {
            return;
        }
        // What is being logged may log: that line has another place then.
        let mut line = LINE.take();
        line.clear();
        let written = (self.write)(&mut line, record).and_then(|()| LINES.clone().write_all(&line));
        LINE.set(line);
        // There is nobody to tell of a line that cannot be written. A warning does not wait.
        if written.is_ok() && record.level() <= Level::Warn {
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

fn write_coloured_text(out: &mut Vec<u8>, record: &Record<'_>) -> io::Result<()> {
    let level = match record.level() {
        Level::Error => AnsiColor::Red.on_default().bold(),
        Level::Warn => AnsiColor::Yellow.on_default(),
        Level::Info => AnsiColor::Green.on_default(),
        Level::Debug => AnsiColor::Blue.on_default(),
        Level::Trace => AnsiColor::Cyan.on_default(),
    };
    write_text(out, record, level)
}

fn write_plain_text(out: &mut Vec<u8>, record: &Record<'_>) -> io::Result<()> {
    write_text(out, record, Style::new())
}

fn write_text(out: &mut Vec<u8>, record: &Record<'_>, level: Style) -> io::Result<()> {
    stamp::write(out);
    write!(out, " {level}{:<5}{level:#} {}: ", record.level(), record.target())?;
    line::write_text(out, record, request_id::current())
}

fn write_json(out: &mut Vec<u8>, record: &Record<'_>) -> io::Result<()> {
    out.extend_from_slice(br#"{"ts":""#);
    stamp::write(out);
    out.push(b'"');
    line::write_json(out, record, request_id::current())
}
