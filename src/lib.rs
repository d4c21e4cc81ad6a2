//! Vestibule: the one front door for all of a person's or company's apps.
//!
//! This file is the table of contents and the law of the house: a module may use `crate::x` only if `x`
//! is declared above it. `tests/floors.rs` enforces that.

// ── ground: knows nothing of accounts ──

/// Values without I/O: clock, ids, addresses, secrets, where to return to.
pub mod kernel;

/// What this service asks of others over HTTP.
pub mod outbound;

/// Whether a password stands in a list of leaked ones.
pub mod breaches;

/// Load, check everything, hand out typed settings; the only reader of the environment.
pub mod config;

/// Passwords hashed in a bounded pool; secrets sealed at rest.
pub mod crypto;

/// What is counted while the service runs, for the operator's metrics.
pub mod meters;

/// PostgreSQL: transactions, connections, migrations, the private cluster.
pub mod db;

/// Templates and static files, loaded and checked at start.
pub mod render;

/// What a flow is handed.
pub mod app;

// ── ledger: takes ids and addresses, never a user ──

/// Who did what, when, from where.
pub mod audit;

/// Letters to people: the outbox, and the ways out of it.
pub mod mail;

/// Attempts, and waits that grow.
pub mod throttle;

// ── people ──

/// To which organizations and groups somebody belongs, as apps are told.
pub mod affiliations;

/// Signed-in browsers: open, look up, touch, revoke; gate tokens.
pub mod sessions;

/// What people prove themselves with beside a password: codes of an app, recovery codes.
pub mod factors;

/// Organizations: who belongs to them, in which role, and what that role may do.
pub mod orgs;

/// Who owns the domain of an address, and whether its people must sign in by their organization's provider.
pub mod domains;

/// What people give to their programs in place of a session.
pub mod api_keys;

/// Sign up, prove an address, passwords, profile.
pub mod accounts;

/// Signing in by an organization's identity provider: connections, SAML, the accounts that come of it.
pub mod sso;

/// What happens, told to programs of others.
pub mod webhooks;

// ── passage: who may come in ──

/// How a person gets in, and the only way to open a session.
pub mod signin;

/// Proving once more who one is, before something dangerous.
pub mod stepup;

/// The keys by which apps know that it is us who tell them who comes.
pub mod signing_keys;

/// Whether a request that a proxy has stopped may go on to its app.
pub mod gateway;

/// What the gate has decided, in samples, and what other rules would have decided.
pub mod decisions;

/// What can be seen of an installation from outside, and what is wrong with it.
pub mod doctor;

// ── doors ──

/// What happens by itself: one loop, one file per job.
pub mod jobs;

/// The doors for browsers and programs: the only place that knows HTTP.
pub mod web;

/// The commands of the program.
pub mod cli;
