use crate::accounts::import::{Field, Value, Wrong};
use crate::config;

/// What one row says.
pub(super) struct Row {
    /// Where it begins, counted from 1.
    pub line: u64,
    pub given: Result<Vec<(Field, Value)>, Vec<Wrong>>,
}

/// A field by its name.
///
/// # Errors
/// Which one may have been meant.
pub(super) fn field(name: &str) -> Result<Field, String> {
    // It may be anything, and goes to a terminal.
    let shown: String = name.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect();
    Field::named(name).ok_or_else(|| {
        let names = Field::ALL.map(Field::as_str);
        match config::nearest(&name.to_ascii_lowercase(), names.into_iter()) {
            Some(near) => format!("there is no field \"{shown}\"; is it {near}?"),
            None => format!("there is no field \"{shown}\"; there are: {}", names.join(", ")),
        }
    })
}
