//! What is in force, as TOML that loads back (but for the secrets) or as JSON.

use std::fmt::Write as _;

use config::ValueKind;
use serde_json::{Map, Value as Json, json};

use super::keys::{KEYS, is_secret};
use super::values::Values;

const REDACTED: &str = "[redacted]";

/// One section after the other, each key with the name of what set it.
pub fn as_toml(values: &Values) -> String {
    let mut text = String::new();
    let mut current = "";
    for key in KEYS {
        let Some((section, word)) = key.split_once('.') else { continue };
        if section != current {
            let gap = if current.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}[{section}]");
            current = section;
        }
        let field = values.field(key);
        let _ = writeln!(text, "{word} = {} # {}", toml_of(&shown(key, field.kind())), comment_of(field.origin()));
    }
    text
}

/// `{"server": {"listen": {"value": …, "origin": …}}}`
pub fn as_json(values: &Values) -> Json {
    let mut sections = Map::new();
    for key in KEYS {
        let Some((section, word)) = key.split_once('.') else { continue };
        let field = values.field(key);
        let shown = json!({ "value": shown(key, field.kind()), "origin": field.origin() });
        let keys = sections.entry(section).or_insert_with(|| json!({}));
        if let Json::Object(keys) = keys {
            keys.insert(word.to_owned(), shown);
        }
    }
    Json::Object(sections)
}

/// A secret that is set is shown to be set, and no more.
fn shown(key: &str, kind: &ValueKind) -> Json {
    let value = json_of(kind);
    let is_empty = value == json!("") || value == json!([]);
    if is_secret(key) && !is_empty { json!(REDACTED) } else { value }
}

fn json_of(kind: &ValueKind) -> Json {
    match kind {
        ValueKind::Nil => Json::Null,
        ValueKind::Boolean(flag) => json!(flag),
        ValueKind::I64(number) => json!(number),
        ValueKind::I128(number) => json!(number),
        ValueKind::U64(number) => json!(number),
        ValueKind::U128(number) => json!(number),
        ValueKind::Float(number) => json!(number),
        ValueKind::String(text) => json!(text),
        ValueKind::Array(values) => values.iter().map(|value| json_of(&value.kind)).collect(),
        ValueKind::Table(table) => {
            let entries = table.iter().map(|(name, value)| (name.clone(), json_of(&value.kind)));
            Json::Object(entries.collect())
        }
    }
}

/// Inline throughout, so that every key stands on one line.
fn toml_of(value: &Json) -> String {
    match value {
        Json::Array(values) => format!("[{}]", values.iter().map(toml_of).collect::<Vec<_>>().join(", ")),
        Json::Object(table) => {
            let entries: Vec<String> =
                table.iter().map(|(name, value)| format!("{name} = {}", toml_of(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        // JSON's escapes are TOML's, but for DEL, which TOML wants escaped too.
        Json::String(_) => value.to_string().replace('\u{7f}', "\\u007f"),
        other => other.to_string(),
    }
}

fn comment_of(origin: &str) -> String {
    origin.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
