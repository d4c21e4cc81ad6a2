//! One line: what happened, its fields, the request. Written piece by piece, since most of all lines are written on the
//! hot path.

use std::fmt;
use std::io::{self, Write as _};

use log::Record;
use log::kv::{Error, Key, Value, VisitSource};
use serde::Serialize;

use crate::kernel::RequestId;

/// The names of a line's own parts in JSON; a field that happens to be called alike is left out.
const OWN: [&str; 5] = ["ts", "level", "target", "msg", "request_id"];

/// The part after the time, the level and the target.
pub(super) fn write_text(out: &mut Vec<u8>, record: &Record<'_>, request: Option<RequestId>) -> io::Result<()> {
    fmt::write(&mut OnOneLine(out), *record.args()).map_err(io::Error::other)?;
    record.key_values().visit(&mut TextFields(out)).map_err(io::Error::other)?;
    if let Some(request) = request {
        out.extend_from_slice(b" request_id=");
        out.extend_from_slice(request.as_bytes());
    }
    out.push(b'\n');
    Ok(())
}

/// Escapes what would begin another line, or steer a terminal.
struct OnOneLine<'a>(&'a mut Vec<u8>);

impl fmt::Write for OnOneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // The control characters beyond ASCII begin with the byte 0xc2.
        if !text.bytes().any(|byte| byte.is_ascii_control() || byte == 0xc2) {
            self.0.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        for c in text.chars() {
            let written = if c.is_control() { write!(self.0, "{}", c.escape_default()) } else { write!(self.0, "{c}") };
            written.map_err(|_| fmt::Error)?;
        }
        Ok(())
    }
}

/// ` name=value` each.
struct TextFields<'a>(&'a mut Vec<u8>);

impl TextFields<'_> {
    fn write_quoted_if_needed(&mut self, text: &str) -> io::Result<()> {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
        if is_plain { self.0.write_all(text.as_bytes()) } else { write!(self.0, "{text:?}") }
    }
}

impl<'kvs> VisitSource<'kvs> for TextFields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        self.0.push(b' ');
        self.0.extend_from_slice(key.as_str().as_bytes());
        self.0.push(b'=');
        let written = if let Some(text) = value.to_borrowed_str() {
            self.write_quoted_if_needed(text)
        } else if let Some(number) = value.to_u64() {
            serde_json::to_writer(&mut *self.0, &number).map_err(io::Error::other)
        } else {
            match as_json(&value) {
                serde_json::Value::String(text) => self.write_quoted_if_needed(&text),
                other => write!(self.0, "{other}"),
            }
        };
        written.map_err(not_written)
    }
}

fn not_written(_: io::Error) -> Error {
    Error::msg("a field does not print")
}

/// The part after the time.
pub(super) fn write_json(out: &mut Vec<u8>, record: &Record<'_>, request: Option<RequestId>) -> io::Result<()> {
    let mut fields = JsonFields(out);
    fields.write("level", &record.level().as_str().to_ascii_lowercase())?;
    fields.write("target", &record.target())?;
    fields.write("msg", record.args())?;
    record.key_values().visit(&mut fields).map_err(io::Error::other)?;
    if let Some(request) = request {
        fields.write("request_id", &request.as_str())?;
    }
    out.write_all(b"}\n")
}

/// `,"name":value` each.
struct JsonFields<'a>(&'a mut Vec<u8>);

impl JsonFields<'_> {
    fn write(&mut self, name: &str, value: &impl Serialize) -> io::Result<()> {
        self.0.push(b',');
        serde_json::to_writer(&mut *self.0, name)?;
        self.0.push(b':');
        Ok(serde_json::to_writer(&mut *self.0, value)?)
    }
}

impl<'kvs> VisitSource<'kvs> for JsonFields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        if OWN.contains(&key.as_str()) {
            return Ok(());
        }
        let written = match value.to_borrowed_str() {
            Some(text) => self.write(key.as_str(), &text),
            None => self.write(key.as_str(), &as_json(&value)),
        };
        written.map_err(not_written)
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
        line.extend_from_slice(br#"{"ts":"now""#);
        write_json(&mut line, record, request).unwrap();
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
