use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error as Jinja, ErrorKind, UndefinedBehavior, Value};
use rust_embed::RustEmbed;

use super::statics::files_in;
use super::{Error, Statics};

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Embedded;

/// Every template, compiled. What a template names and is not given is an error, not an empty text.
pub(super) fn environment(overrides: Option<&Path>, statics: Arc<Statics>) -> Result<Environment<'static>, Error> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    // Lines that hold nothing but a block leave nothing behind: letters in plain text need it.
    env.set_syntax(block_lines_vanish());
    env.add_function("static", move |name: String| {
        let missing = || Jinja::new(ErrorKind::InvalidOperation, format!("there is no static file {name}"));
        // Our own names have nothing in them to escape.
        statics.url_of(&name).map(Value::from_safe_string).ok_or_else(missing)
    });
    env.add_filter("when", |at: String| in_words(&at));
    for (name, source) in sources(overrides)? {
        env.add_template_owned(name.clone(), source).map_err(|error| mistake(&name, &error))?;
    }
    Ok(env)
}

fn block_lines_vanish() -> SyntaxConfig {
    let built = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    built.unwrap_or_default()
}

/// The built-in ones, then those of the operator, which win.
fn sources(overrides: Option<&Path>) -> Result<Vec<(String, String)>, Error> {
    let built_in = Embedded::iter().filter_map(|name| {
        let file = Embedded::get(&name)?;
        Some((name.into_owned(), String::from_utf8_lossy(&file.data).into_owned()))
    });
    let mut all: Vec<_> = built_in.collect();
    for (name, path) in overrides.map_or_else(Vec::new, |folder| files_in(&folder.join("templates"))) {
        let source = std::fs::read_to_string(&path)
            .map_err(|error| Error::Unreadable { path: path.display().to_string(), cause: error.to_string() })?;
        all.push((name, source));
    }
    Ok(all)
}

/// `2026-11-01T09:05:00Z` becomes `1 November 2026, 09:05 UTC`.
fn in_words(at: &str) -> Result<String, Jinja> {
    let not_a_time = |_| Jinja::new(ErrorKind::InvalidOperation, format!("{at} is not an instant (RFC 3339)"));
    let at: DateTime<Utc> = at.parse().map_err(not_a_time)?;
    Ok(at.format("%-d %B %Y, %H:%M UTC").to_string())
}

pub(super) fn mistake(name: &str, error: &Jinja) -> Error {
    Error::Template { name: name.to_owned(), cause: format!("{error:#}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_template_compiles() {
        let statics = Arc::new(Statics::load(None).unwrap());
        let env = environment(None, statics).unwrap();
        assert!(env.templates().count() > 0);
    }

    #[test]
    fn instants_are_told_in_words() {
        assert_eq!(in_words("2026-11-01T09:05:00Z").unwrap(), "1 November 2026, 09:05 UTC");
        assert!(in_words("yesterday").is_err());
    }
}
