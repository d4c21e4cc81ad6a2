//! How a person gets in. Each way proves who they are; [`finish`] alone opens the session.

mod finish;
mod new_place;
pub mod password;
pub mod setup;

pub use finish::{Proved, finish};
