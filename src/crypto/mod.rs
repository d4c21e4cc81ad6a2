//! Passwords and seals.
//!
//! [`Hasher`] turns passwords into argon2id hashes on a few threads of its own, so that a storm of sign-ins
//! can neither exhaust memory nor starve the rest of the service. [`Sealer`] encrypts what must be stored and
//! read again, signs what travels through a browser, and tags tokens that are to be known for ours unseen.

mod argon;
mod hasher;
mod sealer;

pub use hasher::{Busy, Hasher, PasswordHash, Verdict};
pub use sealer::{Sealer, Unsealable};
