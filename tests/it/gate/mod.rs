//! The gate as a proxy meets it: what it is told, what it answers.

mod answers;
mod cookies;
mod demo;
pub mod groups;
pub mod house;
mod questions;
mod rules;
mod weather;
