//! Everything that is tested over a real wire: one binary, one file per area.

// `cfg(test)` tells clippy that the helpers are tests too.
#[cfg(test)]
mod access;
#[cfg(test)]
mod accounts;
#[cfg(test)]
mod activity;
#[cfg(test)]
mod api_keys;
#[cfg(test)]
mod assertions;
#[cfg(test)]
mod audit_command;
#[cfg(test)]
mod breaches;
#[cfg(test)]
mod chromium;
#[cfg(test)]
mod chromium_gate;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod compose;
#[cfg(test)]
mod config;
#[cfg(test)]
mod confirm_page;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod deletion;
#[cfg(test)]
mod devices;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod documentation;
#[cfg(test)]
mod domains;
#[cfg(test)]
mod email_change;
#[cfg(test)]
mod ended;
#[cfg(test)]
mod export;
#[cfg(test)]
mod factors;
#[cfg(test)]
mod feed;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod housekeeping;
#[cfg(test)]
mod import;
#[cfg(test)]
mod invitations;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod known_devices;
#[cfg(test)]
mod live;
#[cfg(test)]
mod magic_link;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod org_command;
#[cfg(test)]
mod orgs;
#[cfg(test)]
mod passkey_signin;
#[cfg(test)]
mod passkeys;
#[cfg(test)]
mod password_change;
#[cfg(test)]
mod passwordless;
#[cfg(test)]
mod places;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod reset;
#[cfg(test)]
mod resilience;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod saml;
#[cfg(test)]
mod scanner;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod signin;
#[cfg(test)]
mod sso_required;
#[cfg(test)]
mod sso_signin;
#[cfg(test)]
mod statics;
#[cfg(test)]
mod stepup;
#[cfg(test)]
mod support;
#[cfg(test)]
mod support_works;
#[cfg(test)]
mod user_command;
#[cfg(test)]
mod waits;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod whole_life;
