//! Configuration: load, check everything, hand out typed [`Settings`].
//!
//! The layers, each winning over the one before: `config/default.toml` (compiled in), one file, the
//! environment, flags. All mistakes are found in one go, each with its key, where the value came from
//! and what would be right. This module is the only reader of the environment. It starts nothing and,
//! but for [`secret_keys`], writes nothing.

mod check;
mod environment;
mod findings;
mod key_file;
mod keys;
mod layers;
mod libpq;
mod names;
mod parse;
pub mod print;
mod reach;
mod read;
mod rules;
pub mod settings;
mod sources;
#[cfg(test)]
mod tests;
mod values;
mod warnings;

use std::path::Path;

pub use findings::{Finding, Mistakes};
pub use key_file::{KeyFileError, secret_keys};
pub use keys::nearest;
pub use libpq::libpq_defaults;
pub use settings::Settings;
pub use sources::{ConfigFile, Environment, Setting, Sources};
pub use values::Values;

/// A configuration without mistakes.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub settings: Settings,
    /// What is allowed and probably not meant.
    pub warnings: Vec<Finding>,
    /// What was written, for [`print`].
    pub values: Values,
}

pub fn load(sources: &Sources) -> Result<Loaded, Mistakes> {
    let mut mistakes = Mistakes::default();
    let values = layers::merge(sources, &mut mistakes);
    read_and_check(values, sources, mistakes)
}

/// As [`load`] would with the `[gateway]` of `file`, which comes in place of whatever `sources` say there. The file may
/// hold other sections as well, and then these win too.
pub fn load_with_gateway_of(file: &Path, sources: &Sources) -> Result<Loaded, Mistakes> {
    let mut mistakes = Mistakes::default();
    let values = layers::merge_with_gateway_of(file, sources, &mut mistakes);
    read_and_check(values, sources, mistakes)
}

fn read_and_check(values: Option<Values>, sources: &Sources, mut mistakes: Mistakes) -> Result<Loaded, Mistakes> {
    let Some(values) = values else { return Err(mistakes.sorted()) };
    let settings = read::settings(&values, &mut mistakes);
    check::check(&values, &mut mistakes);
    match settings {
        Some(settings) if mistakes.is_empty() => {
            let warnings = warnings::warnings(&settings, &values, &sources.environment);
            Ok(Loaded { settings, warnings, values })
        }
        _ => Err(mistakes.sorted()),
    }
}
