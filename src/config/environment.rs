//! The layer of the environment: `VESTIBULE__SECTION__KEY`, and the same with `_FILE`.

use std::ffi::OsStr;
use std::fs;

use config::ValueKind;

use super::findings::{Finding, Mistakes, Wrong};
use super::keys::{FILE_SUFFIX, KEYS, VARIABLE_PREFIX, nearest, variable_of};
use super::layers::Layer;
use super::sources::Environment;

pub(super) fn layer(environment: &Environment, mistakes: &mut Mistakes) -> Layer {
    let mut layer = Layer::default();
    for key in KEYS {
        if let Some((origin, value)) = mistakes.collect(find_value(environment, key)).flatten() {
            layer.insert(key, &origin, ValueKind::String(value));
        }
    }
    for name in environment.names().filter(|name| name.starts_with(VARIABLE_PREFIX)) {
        if !is_known(name) {
            mistakes.add(unknown(name));
        }
    }
    layer
}

/// The value of `key` and where it came from.
fn find_value(environment: &Environment, key: &str) -> Result<Option<(String, String)>, Finding> {
    let name = variable_of(key);
    let file_name = format!("{name}{FILE_SUFFIX}");
    match (environment.get(&name), environment.get(&file_name)) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            let problem = format!("{name} and {file_name} are both set.");
            Err(Finding::new(key, "the environment", Wrong::new(problem, "Set only one of them.")))
        }
        (Some(value), None) => {
            let value = text_of(value).map_err(|wrong| Finding::new(key, &name, wrong))?;
            Ok(Some((name, value)))
        }
        (None, Some(path)) => {
            let value = read(path).map_err(|wrong| Finding::new(key, &file_name, wrong))?;
            Ok(Some((format!("{}, named by {file_name}", path.display()), value)))
        }
    }
}

fn text_of(value: &OsStr) -> Result<String, Wrong> {
    let text = value.to_str().ok_or_else(|| Wrong::new("The value is not Unicode.", "Write it in UTF-8."))?;
    Ok(text.to_owned())
}

/// One newline at the end is the editor's, not the secret's.
fn read(path: &OsStr) -> Result<String, Wrong> {
    let text = fs::read_to_string(path).map_err(|error| {
        let problem = format!("The file {:?} cannot be read: {error}.", path.display().to_string());
        Wrong::new(problem, "It must name a file of UTF-8 text that this user may read.")
    })?;
    let trimmed = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n'));
    Ok(trimmed.unwrap_or(&text).to_owned())
}

fn is_known(name: &str) -> bool {
    let plain = name.strip_suffix(FILE_SUFFIX).unwrap_or(name);
    KEYS.iter().any(|key| variable_of(key) == name || variable_of(key) == plain)
}

fn unknown(name: &str) -> Finding {
    let (plain, suffix) = name.strip_suffix(FILE_SUFFIX).map_or((name, ""), |plain| (plain, FILE_SUFFIX));
    let known: Vec<String> = KEYS.iter().map(|key| variable_of(key)).collect();
    let remedy = match nearest(&plain.to_ascii_uppercase(), known.iter().map(String::as_str)) {
        Some(meant) => format!("Did you mean {meant}{suffix}?"),
        None => {
            format!("Variables are named {VARIABLE_PREFIX}SECTION__KEY; unset it if it is not meant for Vestibule.")
        }
    };
    Finding::new("", name, Wrong::new("No key has this variable.", remedy))
}
