//! Argon2id over a block of memory that is used again and again.

use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq as _;

use super::{PasswordHash, Verdict};
use crate::kernel::secrets::random_bytes;

/// What one hashing thread keeps.
pub(super) struct Worker {
    params: Params,
    memory: Vec<Block>,
}

impl Worker {
    pub(super) fn new(params: Params) -> Self {
        // The first password allocates it: a service that nobody signs in to stays small.
        Self { params, memory: Vec::new() }
    }

    /// A PHC string with a fresh salt of 16 bytes (RFC 9106, section 3.1).
    pub(super) fn hash(&mut self, password: &[u8]) -> Result<PasswordHash, argon2::Error> {
        let salt: [u8; 16] = random_bytes();
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        self.fill(&self.params.clone(), (password, &salt), &mut output)?;
        phc_string(&self.params, &salt, &output).map(PasswordHash).ok_or(argon2::Error::AlgorithmInvalid)
    }

    /// For a person who does not exist: the same work, and never right.
    pub(super) fn pretend(&mut self, password: &[u8]) -> Verdict {
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        if let Err(error) = self.fill(&self.params.clone(), (password, &[0; 16]), &mut output) {
            log::error!("argon2: {error}");
        }
        Verdict::Wrong
    }

    pub(super) fn verify(&mut self, password: &[u8], stored: &PasswordHash) -> Verdict {
        let Some((params, salt, expected)) = parse(&stored.0) else {
            log::error!("a stored password hash is not one of argon2id");
            return self.pretend(password);
        };
        let mut output = vec![0; expected.len()];
        if self.fill(&params, (password, &salt), &mut output).is_err() {
            return Verdict::Wrong;
        }
        if !bool::from(output.ct_eq(&expected)) {
            return Verdict::Wrong;
        }
        if self.is_weaker(&params) { Verdict::RightButWeak } else { Verdict::Right }
    }

    fn is_weaker(&self, params: &Params) -> bool {
        params.m_cost() < self.params.m_cost() || params.t_cost() < self.params.t_cost()
    }

    fn fill(&mut self, params: &Params, (password, salt): (&[u8], &[u8]), out: &mut [u8]) -> Result<(), argon2::Error> {
        if self.memory.len() < params.block_count() {
            self.memory.resize(params.block_count(), Block::default());
        }
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
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

fn parse(stored: &str) -> Option<(Params, Vec<u8>, Vec<u8>)> {
    let hash = phc::PasswordHash::new(stored).ok()?;
    let is_ours = hash.algorithm == Algorithm::Argon2id.ident() && hash.version == Some(Version::V0x13.into());
    let params = Params::try_from(&hash).ok()?;
    let (salt, expected) = (hash.salt?, hash.hash?);
    is_ours.then(|| (params, salt.as_ref().to_vec(), expected.as_bytes().to_vec()))
}
