//! The JSON API. Shapes and codes are promises to other programs.

pub mod activity;
pub mod api_keys;
pub mod auth;
pub mod confirm;
pub mod domains;
pub mod export;
pub mod factors;
pub mod groups;
pub mod invitations;
pub mod magic_link;
pub mod me;
pub mod orgs;
pub mod passkey_proofs;
pub mod passkeys;
pub mod provider;
pub mod sessions;
pub mod sso;
pub mod sso_reports;
pub mod sso_test;
pub mod webhooks;
