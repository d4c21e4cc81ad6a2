//! Vestibule: the one front door for all of a person's or company's apps.
//!
//! This file is the table of contents and the law of the house: a module may use `crate::x` only if `x`
//! is declared above it. `tests/floors.rs` enforces that.

// ── ground: knows nothing of accounts ──

/// Values without I/O: clock, ids, addresses, secrets, where to return to.
pub mod kernel;

/// Load, check everything, hand out typed settings; the only reader of the environment.
pub mod config;
