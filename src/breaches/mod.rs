//! Whether a password stands in a list of leaked ones: in a file of the operator's, or in one that a service keeps.
//!
//! Neither is needed. The service is asked by *k*-anonymity: it learns the first five of the forty hex digits of a
//! SHA-1, which fit a thousand leaked passwords each, and answers with all of those. It is told nothing else, neither
//! whose password it is nor whether it was found, and the size of the answer says nothing either (`Add-Padding`).
//!
//! Both **fail open**: a list that cannot be read, or a service that does not answer within [`PATIENCE`], lets the
//! password pass, with a line in the log. Whether people can choose a password must not depend on somebody else.

mod file;
mod service;

use std::path::Path;
use std::sync::Arc;

use sha1::{Digest as _, Sha1};
use url::Url;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::kernel::Redacted;
use crate::outbound;

pub use file::{HashFile, Unusable};
pub use service::PATIENCE;

/// The lists there are. Cheap to clone.
#[derive(Clone)]
pub struct Breaches {
    file: Option<Arc<HashFile>>,
    service: Option<Arc<service::Service>>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    File(#[from] Unusable),
    #[error(transparent)]
    Outbound(#[from] outbound::Error),
}

/// The SHA-1 of a password, in forty upper-case hex digits: what such lists are made of. Nearly as good as the password
/// itself, so nobody may print it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Fingerprint(String);

impl Fingerprint {
    pub fn of(password: &Redacted) -> Self {
        let digest = Sha1::digest(password.expose().as_bytes());
        let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        Self(digits.filter_map(|digit| char::from_digit(digit.into(), 16)).map(|c| c.to_ascii_uppercase()).collect())
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// What a service is told, and what it is not.
    fn split(&self) -> (&str, &str) {
        self.0.split_at_checked(5).unwrap_or_default()
    }
}

impl Breaches {
    pub fn new(file: Option<&Path>, service: Option<&Url>) -> Result<Self, Error> {
        Ok(Self {
            file: file.map(HashFile::open).transpose()?.map(Arc::new),
            service: service.map(service::Service::new).transpose()?.map(Arc::new),
        })
    }

    /// Reads from a disk: not for the async threads.
    pub fn is_in_file(&self, password: &Fingerprint) -> bool {
        let Some(file) = &self.file else { return false };
        file.contains(password).unwrap_or_else(|error| {
            log::warn!("password.breach_file cannot be read, so a password was taken without it: {error}");
            false
        })
    }

    pub async fn is_known_to_service(&self, password: &Fingerprint) -> bool {
        let Some(service) = &self.service else { return false };
        service.knows(password).await.unwrap_or_else(|error| {
            log::warn!("password.breach_api has not answered, so a password was taken without it: {error}");
            false
        })
    }
}
