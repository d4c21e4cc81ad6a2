//! What a provider may answer, and everything that it may not.

mod attacks;
mod fuzz;
mod kept;
mod refusals;
mod reports;
mod shapes;
mod stage;
