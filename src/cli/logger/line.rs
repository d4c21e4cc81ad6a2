//! One line: what happened, its fields, the request. Written piece by piece, since most of all lines are written on the
//! hot path.

use std::fmt;
use std::io::{self, Write};

use log::Record;
use log::kv::{Error, Key, Value, VisitSource};
use serde::Serialize;

use crate::kernel::RequestId;

/// The names of a line's own parts in JSON; a field that happens to be called alike is left out.
const OWN: [&str; 5] = ["ts", "level", "target", "msg", "request_id"];

/// The part after the time, the level and the target.
pub(super) fn write_text(out: &mut impl Write, record: &Record<'_>, request: Option<RequestId>) -> io::Result<()> {
    let mut message = OnOneLine { out: &mut *out, failed: None };
    if fmt::write(&mut message, *record.args()).is_err() {
        return Err(message.failed.unwrap_or_else(|| io::Error::other("a message does not print")));
    }
    record.key_values().visit(&mut TextFields(&mut *out)).map_err(io::Error::other)?;
    if let Some(request) = request {
        write!(out, " request_id={request}")?;
    }
    out.write_all(b"\n")
}

/// Escapes what would begin another line, or steer a terminal.
struct OnOneLine<'a, W> {
    out: &'a mut W,
    failed: Option<io::Error>,
}

impl<W: Write> OnOneLine<'_, W> {
    fn write(&mut self, text: &str) -> io::Result<()> {
        // The control characters beyond ASCII begin with the byte 0xc2.
        if !text.bytes().any(|byte| byte.is_ascii_control() || byte == 0xc2) {
            return self.out.write_all(text.as_bytes());
        }
        for c in text.chars() {
            if c.is_control() { write!(self.out, "{}", c.escape_default())? } else { write!(self.out, "{c}")? }
        }
        Ok(())
    }
}

impl<W: Write> fmt::Write for OnOneLine<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text).map_err(|error| {
            self.failed = Some(error);
            fmt::Error
        })
    }
}

/// ` name=value` each.
struct TextFields<'a, W>(&'a mut W);

impl<W: Write> TextFields<'_, W> {
    fn write(&mut self, name: &str, value: &Value<'_>) -> io::Result<()> {
        write!(self.0, " {name}=")?;
        if let Some(text) = value.to_borrowed_str() {
            return self.write_quoted_if_needed(text);
        }
        if let Some(number) = value.to_u64() {
            return write!(self.0, "{number}");
        }
        match as_json(value) {
            serde_json::Value::String(text) => self.write_quoted_if_needed(&text),
            other => write!(self.0, "{other}"),
        }
    }

    fn write_quoted_if_needed(&mut self, text: &str) -> io::Result<()> {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        if is_plain { self.0.write_all(text.as_bytes()) } else { write!(self.0, "{text:?}") }
    }
}

impl<'kvs, W: Write> VisitSource<'kvs> for TextFields<'_, W> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        self.write(key.as_str(), &value).map_err(|_| Error::msg("the line cannot be written"))
    }
}

pub(super) fn write_json(
    out: &mut impl Write,
    record: &Record<'_>,
    time: &impl fmt::Display,
    request: Option<RequestId>,
) -> io::Result<()> {
    let level = record.level().as_str().to_ascii_lowercase();
    write!(out, r#"{{"ts":"{time}","level":"{level}","target":"#)?;
    serde_json::to_writer(&mut *out, record.target())?;
    out.write_all(br#","msg":"#)?;
    serde_json::to_writer(&mut *out, record.args())?;
    record.key_values().visit(&mut JsonFields(&mut *out)).map_err(io::Error::other)?;
    if let Some(request) = request {
        write!(out, r#","request_id":"{request}""#)?;
    }
    out.write_all(b"}\n")
}

/// `,"name":value` each.
struct JsonFields<'a, W>(&'a mut W);

impl<W: Write> JsonFields<'_, W> {
    fn write(&mut self, name: &str, value: &impl Serialize) -> io::Result<()> {
        self.0.write_all(b",")?;
        serde_json::to_writer(&mut *self.0, name)?;
        self.0.write_all(b":")?;
        Ok(serde_json::to_writer(&mut *self.0, value)?)
    }
}

impl<'kvs, W: Write> VisitSource<'kvs> for JsonFields<'_, W> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        if OWN.contains(&key.as_str()) {
            return Ok(());
        }
        let written = match value.to_borrowed_str() {
            Some(text) => self.write(key.as_str(), &text),
            None => self.write(key.as_str(), &as_json(&value)),
        };
        written.map_err(|_| Error::msg("the line cannot be written"))
    }
}

/// What cannot be serialized is still said in words.
fn as_json(value: &Value<'_>) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_else(|_| value.to_string().into())
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

    fn request(id: &str) -> Option<RequestId> {
        RequestId::given(id.as_bytes())
    }

    fn text(record: &Record<'_>, request: Option<RequestId>) -> String {
        let mut line = Vec::new();
        write_text(&mut line, record, request).unwrap();
        String::from_utf8(line).unwrap()
    }

    fn json(record: &Record<'_>, request: Option<RequestId>) -> String {
        let mut line = Vec::new();
        write_json(&mut line, record, &"now", request).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_line_of_text_holds_message_fields_and_request() {
        with_record("done", |record| {
            assert_eq!(text(record, request("r1")), "done status=200 path=\"/a b\\n\" request_id=r1\n");
        });
    }

    #[test]
    fn a_field_of_any_kind_is_written() {
        let of = |value: Value<'_>| {
            let fields = [("x", value)];
            let record = Record::builder().args(format_args!("")).key_values(&fields).build();
            let whole: serde_json::Value = serde_json::from_str(&json(&record, None)).unwrap();
            (text(&record, None).trim_end().to_owned(), whole["x"].clone())
        };
        let address = std::net::Ipv4Addr::LOCALHOST;
        assert_eq!(of(Value::from_display(&address)), (" x=127.0.0.1".to_owned(), "127.0.0.1".into()));
        assert_eq!(of(Value::from("")), (" x=\"\"".to_owned(), "".into()));
        assert_eq!(of(Value::from("a\"b")), (" x=\"a\\\"b\"".to_owned(), "a\"b".into()));
        assert_eq!(of(Value::from("ü")), (" x=\"ü\"".to_owned(), "ü".into()));
        assert_eq!(of(Value::from(-7)), (" x=-7".to_owned(), (-7).into()));
        assert_eq!(of(Value::from(u64::MAX)), (format!(" x={}", u64::MAX), u64::MAX.into()));
        assert_eq!(of(Value::from(1.5)), (" x=1.5".to_owned(), 1.5.into()));
        assert_eq!(of(Value::from(true)), (" x=true".to_owned(), true.into()));
    }

    #[test]
    fn a_message_cannot_begin_another_line() {
        with_record("a\r\n2026 ERROR forged\u{1b}[2J\u{85}ü", |record| {
            let (text, json) = (text(record, None), json(record, None));
            assert!(text.starts_with(r"a\r\n2026 ERROR forged\u{1b}[2J\u{85}ü status"), "{text}");
            for line in [text, json] {
                assert!(line.matches('\n').count() == 1 && line.ends_with('\n') && !line.contains('\u{1b}'), "{line}");
            }
        });
    }

    #[test]
    fn a_line_of_json_keeps_types_and_its_own_names() {
        let fields = [("ms", Value::from(1.5)), ("ok", Value::from(true)), ("msg", Value::from("forged"))];
        let args = format_args!("done");
        let record = Record::builder().level(Level::Info).target("t").args(args).key_values(&fields).build();
        let line: serde_json::Value = serde_json::from_str(&json(&record, request("r1"))).unwrap();
        let expected = serde_json::json!({
            "ts": "now", "level": "info", "target": "t", "msg": "done", "ms": 1.5, "ok": true, "request_id": "r1"
        });
        assert_eq!(line, expected);
    }
}
