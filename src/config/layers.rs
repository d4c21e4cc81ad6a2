//! The layers, one map of `section.key` each, laid over each other by the `config` crate.
//!
//! A layer holds known keys only; what else it was given has become a mistake. Every value remembers
//! which file, variable or flag it came from. Variables and flags are texts here: nothing guesses that
//! the password "0123" is a number.

use std::collections::HashMap;
use std::path::Path;
use std::{fmt, fs};

use config::{File, FileFormat, Source, Value, ValueKind};

use super::findings::{BUILT_IN, Finding, Mistakes, Wrong};
use super::keys;
use super::sources::{ConfigFile, Setting, Sources};
use super::values::Values;

pub const DEFAULTS: &str = include_str!("../../config/default.toml");

#[derive(Clone, Default)]
pub(super) struct Layer(HashMap<String, Value>);

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Layer {
    pub fn insert(&mut self, key: &str, origin: &str, kind: ValueKind) {
        self.0.insert(key.to_owned(), Value::new(Some(&origin.to_owned()), kind));
    }

    fn without_gateway(mut self) -> Self {
        self.0.retain(|key, _| !key.starts_with("gateway."));
        self
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<HashMap<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

/// `None` when a layer could not be read at all: what depends on it cannot be judged then.
pub(super) fn merge(sources: &Sources, mistakes: &mut Mistakes) -> Option<Values> {
    let layers = layers(sources, mistakes);
    put_together(layers, mistakes)
}

/// `file` is the uppermost layer, above which nothing is left of what is said elsewhere of the gate.
pub(super) fn merge_with_gateway_of(file: &Path, sources: &Sources, mistakes: &mut Mistakes) -> Option<Values> {
    let [defaults, others @ ..] = layers(sources, mistakes);
    let [file_of_today, environment, flags] = others.map(|layer| layer.map(Layer::without_gateway));
    let by_flag = ConfigFile::Named { path: file.to_owned(), by: "--rules" };
    let uppermost = of_file(&Sources { file: by_flag, ..Sources::default() }, mistakes);
    put_together([defaults, file_of_today, environment, flags, uppermost], mistakes)
}

/// The lowest first; `None` for one that cannot be read.
fn layers(sources: &Sources, mistakes: &mut Mistakes) -> [Option<Layer>; 4] {
    let defaults = of_toml(DEFAULTS, BUILT_IN, mistakes);
    let file = of_file(sources, mistakes);
    let environment = super::environment::layer(&sources.environment, mistakes);
    let flags = of_flags(&sources.flags, mistakes);
    [defaults, file, Some(environment), Some(flags)]
}

fn put_together<const N: usize>(layers: [Option<Layer>; N], mistakes: &mut Mistakes) -> Option<Values> {
    let mut builder = config::Config::builder();
    for layer in layers {
        builder = builder.add_source(layer?);
    }
    let merged = builder.build().and_then(|config| config.collect()).map_err(|error| {
        Finding::new("", "The configuration", Wrong::new(format!("It cannot be put together: {error}."), ""))
    });
    mistakes.collect(merged).map(Values::new)
}

fn of_file(sources: &Sources, mistakes: &mut Mistakes) -> Option<Layer> {
    let Some(path) = sources.chosen_file() else { return Some(Layer::default()) };
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Finding::new("", &name, unreadable(&sources.file, &error)));
    of_toml(&mistakes.collect(text)?, &name, mistakes)
}

fn unreadable(file: &ConfigFile, error: &std::io::Error) -> Wrong {
    let remedy = match file {
        ConfigFile::Named { by, .. } => format!("{by} must name a TOML file that this user may read."),
        _ => "Make it readable for this user, or move it away.".to_owned(),
    };
    Wrong::new(format!("The configuration file cannot be read: {error}."), remedy)
}

fn of_toml(text: &str, origin: &str, mistakes: &mut Mistakes) -> Option<Layer> {
    let parsed = parse_toml(text).map_err(|problem| {
        let remedy = "Texts stand in double quotes, sections in [brackets].";
        Finding::new("", origin, Wrong::new(format!("This is not TOML: {problem}."), remedy))
    });
    let mut layer = Layer::default();
    for (section, value) in mistakes.collect(parsed)? {
        if let (true, ValueKind::Table(keys)) = (keys::is_section(&section), &value.kind) {
            for (word, value) in keys {
                add_known(&mut layer, (&format!("{section}.{word}"), origin), value.kind.clone(), mistakes);
            }
        } else {
            mistakes.add(unknown(&section, origin));
        }
    }
    Some(layer)
}

/// The error's own picture of the faulty line is left out: the line may hold a password.
pub(super) fn parse_toml(text: &str) -> Result<HashMap<String, Value>, String> {
    File::from_str(text, FileFormat::Toml).collect().map_err(|error| {
        let shown = error.to_string();
        let is_picture =
            |line: &&str| line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|');
        let words: Vec<&str> = shown.lines().filter(|line| !is_picture(line)).map(str::trim).collect();
        words.join(": ").trim_end_matches([':', ' ']).to_owned()
    })
}

fn add_known(layer: &mut Layer, (key, origin): (&str, &str), kind: ValueKind, mistakes: &mut Mistakes) {
    if keys::is_key(key) {
        layer.insert(key, origin, kind);
    } else {
        mistakes.add(unknown(key, origin));
    }
}

fn unknown(name: &str, origin: &str) -> Finding {
    let remedy = match keys::meant_by(name) {
        _ if keys::is_section(name) => format!("It is a section: write [{name}] and its keys below."),
        Some(key) => format!("Did you mean {key}?"),
        None => "`vestibule config print` shows every key there is.".to_owned(),
    };
    Finding::new(name, origin, Wrong::new("There is no such key.", remedy))
}

fn of_flags(flags: &[Setting], mistakes: &mut Mistakes) -> Layer {
    let mut layer = Layer::default();
    for flag in flags {
        add_known(&mut layer, (&flag.key, "--set"), ValueKind::String(flag.value.clone()), mistakes);
    }
    layer
}
