use std::io::{self, BufRead};

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::Value as Json;

use super::input::LONGEST;
use super::row::{Row, field};
use crate::accounts::import::{Field, Value, Wrong};

/// One JSON object a line. Empty lines are none.
pub(super) struct Lines<R> {
    input: R,
    line: u64,
    buffer: Vec<u8>,
}

enum Found {
    Line,
    TooLong,
    End,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 0, buffer: Vec::new() }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Row>> {
        loop {
            let given = match self.fill()? {
                Found::End => return Ok(None),
                Found::TooLong => Err(vec![Wrong::altogether("this line is longer than 64 KiB")]),
                Found::Line if self.buffer.trim_ascii().is_empty() => continue,
                Found::Line => read(&self.buffer),
            };
            return Ok(Some(Row { line: self.line, given }));
        }
    }

    /// Reads one line. Of one that is too long nothing is kept.
    fn fill(&mut self) -> io::Result<Found> {
        self.buffer.clear();
        let mut length = 0;
        loop {
            let read = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if read.is_empty() && length == 0 {
                return Ok(Found::End);
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(read.len(), |end| end + 1);
            length += taken;
            if length <= LONGEST {
                self.buffer.extend(read.iter().take(taken));
            }
            let is_whole = end.is_some() || read.is_empty();
            self.input.consume(taken);
            if is_whole {
                self.line += 1;
                return Ok(if length <= LONGEST { Found::Line } else { Found::TooLong });
            }
        }
    }
}

fn read(line: &[u8]) -> Result<Vec<(Field, Value)>, Vec<Wrong>> {
    let text = str::from_utf8(line).map_err(|_| vec![Wrong::altogether("this line is not UTF-8")])?;
    let object: Object = serde_json::from_str(text).map_err(|error| vec![Wrong::altogether(explain(&error))])?;
    let mut given: Vec<(Field, Value)> = Vec::new();
    let mut wrong = Vec::new();
    for (name, value) in object.0 {
        let value = match value {
            Json::Null => None,
            Json::String(text) => Some(Value::Text(text)),
            Json::Bool(truth) => Some(Value::Truth(truth)),
            Json::Number(_) | Json::Array(_) | Json::Object(_) => {
                wrong.push(Wrong::altogether(format!("{}: a text, or true or false, is expected", shorten(&name))));
                continue;
            }
        };
        match field(&name) {
            Ok(field) if given.iter().any(|(own, _)| *own == field) => {
                wrong.push(Wrong::with(field, "it is there twice"));
            }
            Ok(field) => given.extend(value.map(|value| (field, value))),
            Err(why) => wrong.push(Wrong::altogether(why)),
        }
    }
    if wrong.is_empty() { Ok(given) } else { Err(wrong) }
}

fn shorten(name: &str) -> String {
    name.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Without what was written there.
fn explain(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    match error.classify() {
        Category::Eof => "this is not a whole JSON object: the line, or the file, was cut off".to_owned(),
        Category::Syntax | Category::Io => format!("this is not JSON, from column {} on", error.column()),
        Category::Data => "one JSON object is expected on each line".to_owned(),
    }
}

/// All that stands in an object, in its order, also what stands there twice.
struct Object(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
