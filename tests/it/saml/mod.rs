//! What a provider may answer, and everything that it may not.

mod attacks;
mod fuzz;
mod refusals;
mod reports;
mod shapes;
mod stage;
