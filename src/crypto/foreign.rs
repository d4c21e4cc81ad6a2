//! Passwords checked against hashes that were not made as one would be made now: of other systems, or of ours with other
//! parameters.

use std::sync::{Condvar, Mutex, PoisonError};

use argon2::Block;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use super::scheme::{self, Digest, MOST_KIB, Salted, Scheme};

/// What memory it needs is taken from `extra`, and given back.
pub(super) fn matches(scheme: &Scheme, password: &[u8], extra: &Extra) -> bool {
    match scheme {
        Scheme::Argon2(argon2) => {
            let _held = extra.hold(u64::from(argon2.params.m_cost()));
            matches_argon2(argon2, password)
        }
        // As every system does it that made such hashes: what is beyond 72 bytes does not count.
        Scheme::Bcrypt { text, .. } => bcrypt::verify(password, text).unwrap_or(false),
        Scheme::Scrypt { params, salted } => {
            let _held = extra.hold(scheme::scrypt_kib(params));
            salted.matches(|salt, output| scrypt::scrypt(password, salt, params, output).is_ok())
        }
        Scheme::Pbkdf2 { digest, rounds, salted } => salted.matches(|salt, output| {
            match digest {
                Digest::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, *rounds, output),
                Digest::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, *rounds, output),
                Digest::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, *rounds, output),
            }
            true
        }),
    }
}

fn matches_argon2(made: &scheme::Argon2, password: &[u8]) -> bool {
    let hasher = argon2::Argon2::new(made.algorithm, made.version, made.params.clone());
    let mut memory = vec![Block::default(); made.params.block_count()];
    made.salted
        .matches(|salt, output| hasher.hash_password_into_with_memory(password, salt, output, &mut memory).is_ok())
}

impl Salted {
    /// Whether `hash`, which says whether it could, comes to what is expected of it.
    pub(super) fn matches(&self, hash: impl FnOnce(&[u8], &mut [u8]) -> bool) -> bool {
        let mut output = vec![0; self.output.len()];
        hash(&self.salt, &mut output) && output.ct_eq(&self.output).into()
    }
}

/// Memory that all threads together may take beside their own, for hashes that were not made as one would be made now.
/// Who needs more than is left waits; who needs more than there is has all of it.
#[derive(Default)]
pub(super) struct Extra {
    /// KiB.
    held: Mutex<u64>,
    freed: Condvar,
}

struct Held<'a> {
    extra: &'a Extra,
    kib: u64,
}

impl Extra {
    fn hold(&self, kib: u64) -> Held<'_> {
        let kib = kib.min(MOST_KIB);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while *held + kib > MOST_KIB {
            held = self.freed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        *held += kib;
        Held { extra: self, kib }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        *self.extra.held.lock().unwrap_or_else(PoisonError::into_inner) -= self.kib;
        self.extra.freed.notify_all();
    }
}
