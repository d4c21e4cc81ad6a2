//! The log: text for people, one JSON object a line for machines, on standard error.
//!
//! Every line carries the id of the request it was written in, if any. A line is a line: what stands in
//! a message cannot begin another.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::panic::PanicHookInfo;

use env_logger::fmt::Formatter;
use log::Record;
use log::kv::{Error, Key, Value, VisitSource};
use serde_json::{Map, Value as Json};

use crate::config::settings::{Log, LogFormat};
use crate::kernel::request_id;

/// `rust_log`, where set, takes the place of the configured level. Panics are logged from here on.
pub fn start(settings: Log, rust_log: Option<&str>) -> anyhow::Result<()> {
    let mut builder = env_logger::Builder::new();
    match rust_log.filter(|filter| !filter.is_empty()) {
        Some(filter) => builder.parse_filters(filter),
        None => builder.filter_level(settings.level),
    };
    match settings.format {
        LogFormat::Text => builder.format(write_text),
        LogFormat::Json => builder.format(write_json),
    };
    builder.try_init()?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    log::error!(target: "vestibule::panic", place; "{}", info.payload_as_str().unwrap_or("panicked"));
}

fn write_text(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let time = out.timestamp_millis();
    let level = out.default_level_style(record.level());
    write!(out, "{time} {level}{:<5}{level:#} {}: ", record.level(), record.target())?;
    writeln!(out, "{}", text_line(record, request_id::current()))
}

/// The part after the time, the level and the target.
fn text_line(record: &Record<'_>, request_id: Option<String>) -> String {
    let mut line = on_one_line(&record.args().to_string());
    for (name, value) in fields_of(record) {
        let text = value.as_str().map_or_else(|| value.to_string(), quoted_if_needed);
        let _ = write!(line, " {name}={text}");
    }
    if let Some(id) = request_id {
        let _ = write!(line, " request_id={}", quoted_if_needed(&id));
    }
    line
}

fn on_one_line(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    text.chars().map(escape).collect()
}

fn quoted_if_needed(text: &str) -> String {
    let is_plain = !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '"');
    if is_plain { text.to_owned() } else { format!("{text:?}") }
}

fn write_json(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let time = out.timestamp_millis().to_string();
    writeln!(out, "{}", json_line(record, &time, request_id::current()))
}

/// The line's own names win over fields that happen to be called alike.
fn json_line(record: &Record<'_>, time: &str, request_id: Option<String>) -> Json {
    let mut line = fields_of(record);
    line.insert("ts".into(), time.into());
    line.insert("level".into(), record.level().as_str().to_ascii_lowercase().into());
    line.insert("target".into(), record.target().into());
    line.insert("msg".into(), record.args().to_string().into());
    if let Some(id) = request_id {
        line.insert("request_id".into(), id.into());
    }
    Json::Object(line)
}

fn fields_of(record: &Record<'_>) -> Map<String, Json> {
    let mut fields = Fields(Map::new());
    // The visitor below never fails.
    let _ = record.key_values().visit(&mut fields);
    fields.0
}

struct Fields(Map<String, Json>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let value = serde_json::to_value(&value).unwrap_or_else(|_| value.to_string().into());
        self.0.insert(key.to_string(), value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use log::Level;

    use super::*;

    /// Calls `check` with a record of this message and two fields.
    fn with_record(message: &str, check: impl FnOnce(&Record<'_>)) {
        let fields = [("status", Value::from(200)), ("path", Value::from("/a b\n"))];
        let args = format_args!("{message}");
        check(&Record::builder().level(Level::Warn).target("t").args(args).key_values(&fields).build());
    }

    #[test]
    fn a_line_of_text_holds_message_fields_and_request() {
        with_record("done", |record| {
            let line = text_line(record, Some("r1".into()));
            assert_eq!(line, r#"done path="/a b\n" status=200 request_id=r1"#);
        });
    }

    #[test]
    fn a_message_cannot_begin_another_line() {
        with_record("a\r\n2026 ERROR forged\u{1b}[2J", |record| {
            let text = text_line(record, None);
            let json = json_line(record, "now", None).to_string();
            assert!(text.starts_with(r"a\r\n2026 ERROR forged\u{1b}[2J"), "{text}");
            assert!(!json.contains('\n') && !json.contains('\u{1b}'), "{json}");
        });
    }

    #[test]
    fn a_line_of_json_keeps_types_and_its_own_names() {
        let fields = [("ms", Value::from(1.5)), ("ok", Value::from(true)), ("msg", Value::from("forged"))];
        let args = format_args!("done");
        let record = Record::builder().level(Level::Info).target("t").args(args).key_values(&fields).build();
        let expected = serde_json::json!({
            "ts": "now", "level": "info", "target": "t", "msg": "done", "ms": 1.5, "ok": true, "request_id": "r1"
        });
        assert_eq!(json_line(&record, "now", Some("r1".into())), expected);
    }
}
