//! Argon2id over a block of memory that is used again and again.

use std::sync::Arc;

use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::foreign::{self, Extra};
use super::scheme::{self, Scheme};
use super::{PasswordHash, Verdict};
use crate::kernel::secrets::random_bytes;

/// What one hashing thread keeps.
pub(super) struct Worker {
    params: Params,
    memory: Vec<Block>,
    extra: Arc<Extra>,
}

impl Worker {
    pub(super) fn new(params: Params, extra: Arc<Extra>) -> Self {
        // The first password allocates it: a service that nobody signs in to stays small.
        Self { params, memory: Vec::new(), extra }
    }

    /// A PHC string with a fresh salt of 16 bytes (RFC 9106, section 3.1).
    pub(super) fn hash(&mut self, password: &[u8]) -> Result<PasswordHash, argon2::Error> {
        let salt: [u8; 16] = random_bytes();
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        self.fill((password, &salt), &mut output)?;
        phc_string(&self.params, &salt, &output).map(PasswordHash).ok_or(argon2::Error::AlgorithmInvalid)
    }

    /// For a person who does not exist: the same work, and never right.
    pub(super) fn pretend(&mut self, password: &[u8]) -> Verdict {
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        if let Err(error) = self.fill((password, &[0; 16]), &mut output) {
            log::error!("argon2: {error}");
        }
        Verdict::Wrong
    }

    pub(super) fn verify(&mut self, password: &[u8], stored: &PasswordHash) -> Verdict {
        // Nobody has the empty password, whatever another system has thought of that.
        if password.is_empty() {
            return self.pretend(password);
        }
        let scheme = match Scheme::parse(&stored.0) {
            Ok(scheme) => scheme,
            Err(error) => {
                log::error!("a stored password hash: {error}");
                return self.pretend(password);
            }
        };
        match scheme {
            Scheme::Argon2(own) if self.is_of_today(&own) => {
                let is_right = own.salted.matches(|salt, output| self.fill((password, salt), output).is_ok());
                if is_right { Verdict::Right } else { Verdict::Wrong }
            }
            other if foreign::matches(&other, password, &self.extra) => Verdict::RightButDated,
            _ => Verdict::Wrong,
        }
    }

    /// Made as one would be made now: it costs what pretending does.
    fn is_of_today(&self, hash: &scheme::Argon2) -> bool {
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        hash.algorithm == Algorithm::Argon2id
            && hash.version == Version::V0x13
            && costs(&hash.params) == costs(&self.params)
            && hash.salted.output.len() == Params::DEFAULT_OUTPUT_LEN
    }

    fn fill(&mut self, (password, salt): (&[u8], &[u8]), out: &mut [u8]) -> Result<(), argon2::Error> {
        self.memory.resize(self.params.block_count(), Block::default());
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        argon.hash_password_into_with_memory(password, salt, out, &mut self.memory)
    }
}

fn phc_string(params: &Params, salt: &[u8], output: &[u8]) -> Option<String> {
    let hash = phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).ok()?,
        salt: Some(Salt::new(salt).ok()?),
        hash: Some(Output::new(output).ok()?),
    };
    Some(hash.to_string())
}
