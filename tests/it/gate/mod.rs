//! The gate as a proxy meets it: what it is told, what it answers.

mod answers;
mod behaviours;
mod cookies;
pub mod demo;
mod domains;
mod explain;
pub mod groups;
mod home;
pub mod house;
mod logged;
mod questions;
mod reload;
mod replay;
mod rules;
mod step_up;
mod tabs;
mod weather;
