//! Configuration: load, check everything, hand out typed [`Settings`].
//!
//! The layers, each winning over the one before: `config/default.toml` (compiled in), one file, the
//! environment, flags. All mistakes are found in one go, each with its key, where the value came from
//! and what would be right. This module is the only reader of the environment.

pub mod settings;

pub use settings::Settings;
