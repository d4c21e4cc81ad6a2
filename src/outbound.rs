//! What this service asks of others over HTTP.
//!
//! Redirects are not followed and no proxy of the environment is used: what is asked goes to whom the operator named,
//! and to nobody else. Whom other people name is asked by [`Outside`], which reaches nothing of the operator's own.

mod outside;

use std::iter::successors;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::load_native_certs;

pub use outside::{Outside, Unreachable, all_of, beginning_of};

/// Who may vouch for the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// Nobody: for plain http.
    Nobody,
    /// The certificate authorities of this system.
    System,
}

#[derive(Debug, thiserror::Error)]
#[error("requests to others cannot be made: {0}")]
pub struct Error(String);

/// Gives every request up after `patience`, its answer included.
pub fn client(trust: Trust, patience: Duration) -> Result<reqwest::Client, Error> {
    builder(trust, patience)?.build().map_err(|error| Error(error.to_string()))
}

/// What has gone wrong with a request, with its causes, and without the address, which may hold what nobody else is to
/// know.
pub fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let causes = successors(Some(&error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn builder(trust: Trust, patience: Duration) -> Result<reqwest::ClientBuilder, Error> {
    let unusable = |error: &dyn std::fmt::Display| Error(error.to_string());
    // Given, because reqwest panics where it has to find one by itself.
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_root_certificates(roots(trust))
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(patience)
        .user_agent(concat!("vestibule/", env!("CARGO_PKG_VERSION"))))
}

fn roots(trust: Trust) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    match trust {
        Trust::Nobody => {}
        // Some of a system's may be of no use; without any, no connection comes about.
        Trust::System => drop(roots.add_parsable_certificates(load_native_certs().certs)),
    }
    roots
}
