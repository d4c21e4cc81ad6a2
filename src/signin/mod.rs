//! How a person gets in. Each way proves who they are; [`finish`] alone opens the session.
//!
//! Where the account has a second factor, the first proof makes a browser half signed in ([`Entered::HalfIn`]), and
//! [`second_factor`] takes it the rest of the way. A [`passkey`] is proof enough by itself.

pub mod by_sso;
mod enter;
mod finish;
pub mod invited;
pub mod magic_link;
mod new_place;
pub mod passkey;
pub mod password;
mod provider_only;
pub mod second_factor;
pub mod setup;

pub use enter::{Entered, HalfIn, Held};
pub use finish::{Proved, finish};
