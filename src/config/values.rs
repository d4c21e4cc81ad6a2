//! The merged values, before they have types.

use std::collections::HashMap;
use std::fmt;

use chrono::TimeDelta;
use config::{Value, ValueKind};

use super::findings::{Finding, Wrong};
use super::keys::KEYS;
use super::layers::parse_toml;
use super::parse;

/// Every key with the value that won.
#[derive(Clone)]
pub struct Values(HashMap<String, Value>);

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values(…)")
    }
}

/// One value, with what an error about it must say.
#[derive(Clone)]
pub(super) struct Field<'a> {
    key: String,
    origin: &'a str,
    kind: &'a ValueKind,
}

static NOTHING: ValueKind = ValueKind::Nil;

impl Values {
    pub(super) fn new(sections: HashMap<String, Value>) -> Self {
        Self(sections)
    }

    /// By `section.key`.
    pub(super) fn field(&self, key: &str) -> Field<'_> {
        let value = key.split_once('.').and_then(|(section, word)| match &self.0.get(section)?.kind {
            ValueKind::Table(table) => table.get(word),
            _ => None,
        });
        let origin = value.and_then(Value::origin).unwrap_or_default();
        Field { key: key.to_owned(), origin, kind: value.map_or(&NOTHING, |value| &value.kind) }
    }
}

impl Values {
    /// With the values that `before` has of some keys.
    #[must_use]
    pub fn with_those_of(mut self, before: &Self, keys: &[&str]) -> Self {
        for (section, word) in keys.iter().filter_map(|key| key.split_once('.')) {
            let kept = before.0.get(section).and_then(|table| match &table.kind {
                ValueKind::Table(table) => table.get(word).cloned(),
                _ => None,
            });
            if let (Some(kept), Some(Value { kind: ValueKind::Table(table), .. })) = (kept, self.0.get_mut(section)) {
                table.insert(word.to_owned(), kept);
            }
        }
        self
    }

    /// The keys that have another value in `other`.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        KEYS.into_iter().filter(|key| self.field(key).kind() != other.field(key).kind()).collect()
    }
}

impl<'a> Field<'a> {
    pub fn origin(&self) -> &'a str {
        self.origin
    }

    pub fn kind(&self) -> &'a ValueKind {
        self.kind
    }

    pub fn wrong(&self, wrong: Wrong) -> Finding {
        Finding::new(&self.key, self.origin, wrong)
    }

    pub fn text<T>(&self, parse: impl FnOnce(&str) -> Result<T, Wrong>) -> Result<T, Finding> {
        match self.kind {
            ValueKind::String(text) => parse(text).map_err(|wrong| self.wrong(wrong)),
            _ => Err(self.of_wrong_kind("a text in quotes")),
        }
    }

    /// As [`Field::text`], where "" means that there is none.
    pub fn optional<T>(&self, parse: impl FnOnce(&str) -> Result<T, Wrong>) -> Result<Option<T>, Finding> {
        self.text(|text| if text.is_empty() { Ok(None) } else { parse(text).map(Some) })
    }

    pub fn duration(&self) -> Result<TimeDelta, Finding> {
        self.text(parse::duration)
    }

    /// A list of texts; a single text stands for a list with commas.
    pub fn list<T>(&self, parse: impl Fn(&str) -> Result<T, Wrong>) -> Result<Vec<T>, Finding> {
        let items: Vec<&str> = match self.kind {
            ValueKind::Nil => Vec::new(),
            ValueKind::String(text) => text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect(),
            ValueKind::Array(values) => {
                let texts: Option<Vec<&str>> = values.iter().map(text_of).collect();
                texts.ok_or_else(|| self.of_wrong_kind("a list of texts in quotes"))?
            }
            _ => return Err(self.of_wrong_kind("a list of texts in quotes")),
        };
        let (good, bad): (Vec<_>, Vec<_>) = items.into_iter().map(parse).partition(Result::is_ok);
        let wrongs: Vec<Wrong> = bad.into_iter().filter_map(Result::err).collect();
        match wrongs.first() {
            None => Ok(good.into_iter().filter_map(Result::ok).collect()),
            Some(first) => {
                let problems: Vec<&str> = wrongs.iter().map(|wrong| wrong.problem.as_str()).collect();
                Err(self.wrong(Wrong::new(problems.join(" "), &first.remedy)))
            }
        }
    }

    /// A whole number from `least` to `most`, also as a text: variables have no other kind.
    pub fn number(&self, least: u32, most: u32) -> Result<u32, Finding> {
        let remedy = format!("Write a whole number from {least} to {most}.");
        let number = match self.kind {
            ValueKind::I64(number) => Ok(*number),
            ValueKind::String(text) => {
                text.trim().parse().map_err(|_| Wrong::quoting(text, "a whole number", remedy.clone()))
            }
            _ => return Err(self.of_wrong_kind("a whole number")),
        };
        let number = number.map_err(|wrong| self.wrong(wrong))?;
        let fitting = u32::try_from(number).ok().filter(|number| (least..=most).contains(number));
        fitting.ok_or_else(|| self.wrong(Wrong::new(format!("{number} is out of bounds."), remedy)))
    }

    /// A variable and a flag of the command line can only hold texts.
    /// From 0 to 1.
    pub fn share(&self) -> Result<f64, Finding> {
        const REMEDY: &str = "Write a number from 0 (none) to 1 (all), as in 0.1.";
        let share = match self.kind {
            ValueKind::Float(share) => Ok(*share),
            ValueKind::I64(whole) => Ok(f64::from(i32::try_from(*whole).unwrap_or(i32::MAX))),
            ValueKind::String(text) => text.trim().parse().map_err(|_| Wrong::quoting(text, "a number", REMEDY)),
            _ => return Err(self.of_wrong_kind("a number from 0 to 1")),
        };
        let share: f64 = share.map_err(|wrong| self.wrong(wrong))?;
        let fits = (0.0..=1.0).contains(&share);
        if fits { Ok(share) } else { Err(self.wrong(Wrong::new(format!("{share} is out of bounds."), REMEDY))) }
    }

    pub fn flag(&self) -> Result<bool, Finding> {
        match self.kind {
            ValueKind::Boolean(flag) => Ok(*flag),
            ValueKind::String(text) => {
                let wrong = || Wrong::quoting(text, "true or false", "Write true or false.");
                text.trim().parse().map_err(|_| self.wrong(wrong()))
            }
            _ => Err(self.of_wrong_kind("true or false")),
        }
    }

    /// The tables of a list of tables, each as its own small set of fields. A text is read as TOML.
    pub fn tables(&self) -> Result<Vec<Table>, Finding> {
        let kind = match self.kind {
            ValueKind::String(text) => read_inline(text).map_err(|wrong| self.wrong(wrong))?,
            kind => kind.clone(),
        };
        let ValueKind::Array(values) = kind else { return Err(self.of_wrong_kind("a list of tables")) };
        let table = |(at, value): (usize, Value)| match value.kind {
            ValueKind::Table(fields) => {
                Ok(Table { prefix: format!("{}[{at}]", self.key), origin: self.origin.to_owned(), fields })
            }
            _ => Err(self.of_wrong_kind("a list of tables")),
        };
        values.into_iter().enumerate().map(table).collect()
    }

    fn of_wrong_kind(&self, wanted: &str) -> Finding {
        let found = match self.kind {
            ValueKind::Nil => return self.wrong(Wrong::new("It is missing.", format!("Write {wanted}."))),
            ValueKind::Boolean(_) => "true or false",
            ValueKind::String(_) => "a text",
            ValueKind::Table(_) => "a table",
            ValueKind::Array(_) => "a list",
            _ => "a number",
        };
        self.wrong(Wrong::new(format!("It is {found}."), format!("Write {wanted}.")))
    }
}

/// One of `gateway.rules`.
pub(super) struct Table {
    prefix: String,
    origin: String,
    fields: HashMap<String, Value>,
}

impl Table {
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    pub fn field(&self, name: &str) -> Field<'_> {
        let kind = self.fields.get(name).map_or(&NOTHING, |value| &value.kind);
        Field { key: format!("{}.{name}", self.prefix), origin: &self.origin, kind }
    }
}

fn text_of(value: &Value) -> Option<&str> {
    match &value.kind {
        ValueKind::String(text) => Some(text),
        _ => None,
    }
}

fn read_inline(text: &str) -> Result<ValueKind, Wrong> {
    let remedy = r#"Write it as in [{ hosts = ["app.example.com"], allow = "signed_in" }]."#;
    let parsed = parse_toml(&format!("it = {text}"));
    let value = parsed.map_err(|problem| Wrong::new(format!("This is not TOML: {problem}."), remedy))?.remove("it");
    Ok(value.map_or(ValueKind::Nil, |value| value.kind))
}
