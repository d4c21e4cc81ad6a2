//! `/saml/{connection}`: what identity providers and browsers on the way from and to them ask for.

pub mod metadata;
