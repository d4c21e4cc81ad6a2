//! The helpers themselves: what a story believes about its mail server, database, browser and proxies.

mod app;
mod browser;
mod postgres;
mod proxies;
mod smtp;
mod wire;
