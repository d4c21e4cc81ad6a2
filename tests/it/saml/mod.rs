//! What a provider may answer, and everything that it may not.

mod shapes;
mod stage;
