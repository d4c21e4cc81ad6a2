//! What happens when something breaks: PostgreSQL, the mail server, the service itself, or its clients' manners.

pub mod client;
mod database;
pub mod fail_over;
mod killed;
mod mail;
mod manners;
mod refusals;
pub mod service;
pub mod sql;
mod starting;
mod stopping;
mod storm;
