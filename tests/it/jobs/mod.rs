//! What happens by itself: what the operator sees of it, and that any number of nodes do each piece of work once.

mod command;
mod failing;
mod nodes;
mod sweeping;
mod unverified;
