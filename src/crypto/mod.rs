//! Passwords, seals and signatures.
//!
//! [`Hasher`] turns passwords into argon2id hashes on a few threads of its own, so that a storm of sign-ins
//! can neither exhaust memory nor starve the rest of the service. [`Sealer`] encrypts what must be stored and
//! read again, signs what travels through a browser, and tags tokens that are to be known for ours unseen.
//! [`SigningKey`] signs what others verify; the [`Keyring`] is what a node has of those keys.
//!
//! **Hashes of other systems** are taken as they are ([`PasswordHash::from_elsewhere`]), and are to be replaced by ours as
//! soon as somebody has typed the password ([`Verdict::RightButDated`]):
//!
//! | | forms | the most it may cost |
//! | --- | --- | --- |
//! | bcrypt | `$2a$`, `$2b$`, `$2y$`; Django's `bcrypt$` | cost 15 |
//! | argon2 | `$argon2i$`, `$argon2d$`, `$argon2id$`, both versions; Django's `argon2$` | 256 MiB, and 2 GiB of memory times passes |
//! | scrypt | `$scrypt$ln=,r=,p=$`; crypt(5)'s `$7$`; Django's `scrypt$` | 256 MiB, and 1 GiB of memory times `p` |
//! | PBKDF2 with SHA-1, SHA-256 or SHA-512 | `$pbkdf2-sha256$i=600000$`; passlib's `$pbkdf2-sha256$29000$`; Django's `pbkdf2_sha256$` | 5,000,000 rounds |
//!
//! Each of these is a second or two of one core. All threads together take at most 256 MiB for them beside their own.

mod argon;
mod foreign;
mod hash;
mod hasher;
pub mod keyring;
mod scheme;
mod sealer;
mod signing;
#[cfg(test)]
mod vectors;

pub use hash::{PasswordHash, Unusable};
pub use hasher::{Busy, Hasher, Verdict};
pub use keyring::Keyring;
pub use sealer::{Sealer, Unsealable};
pub use signing::{PublicKey, SigningKey, Unusable as UnusableKey};
