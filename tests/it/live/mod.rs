//! What a node remembers of sessions, and how it learns that they have ended.

mod activity;
mod faults;
mod memory;
