//! Signing in by an organization's identity provider.
//!
//! - A **connection** is what an organization has set up for one provider: where it is, what it signs with, what its
//!   words mean here. It serves nobody before a domain is proved ([`crate::domains`]).
//! - **SAML** is judged in one place ([`saml`]), as strictly as can be, and every check says what it saw.
//! - An **identity** is who somebody is to a provider: a connection and a `NameID` ([`identities`]). It is looked up before
//!   any address is.
//! - A **request** is what a provider was asked, and by whose browser ([`requests`]).
//! - Whoever **arrives** with a good answer is somebody we know, somebody new, or nobody yet ([`arrival`]); what the
//!   provider says of them is read by one pure table ([`mapping`]).
//! - A **provider session** is one sign-in by a provider, kept as long as a session of ours comes of it, so that either
//!   side can end both ([`provider_sessions`]).

pub mod arrival;
pub mod connections;
mod forget;
pub mod identities;
pub mod mapping;
pub mod provider_sessions;
pub mod reports;
pub mod requests;
pub mod saml;
pub mod signing_out;

pub use forget::forget_ended;
