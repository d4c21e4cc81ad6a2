//! The settings as the rest of the house sees them: parsed, checked, with nothing left to doubt.
//!
//! Every field is one key of `config/default.toml`, where its meaning and default stand.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::TimeDelta;
use ipnet::IpNet;
use log::LevelFilter;
use secrecy::SecretString;
use url::Url;
use zeroize::{Zeroize, ZeroizeOnDrop};

pub use super::rules::{Allow, Factor, Rule};
use crate::kernel::EmailAddress;
use crate::kernel::client_address::TrustedProxies;

#[derive(Clone, Debug)]
pub struct Settings {
    pub server: Server,
    pub database: Database,
    pub secrets: Secrets,
    pub session: Session,
    pub step_up: StepUp,
    pub accounts: Accounts,
    pub password: Password,
    pub mail: Mail,
    pub limits: Limits,
    pub webhooks: Webhooks,
    pub sso: Sso,
    pub gateway: Gateway,
    pub log: Log,
}

#[derive(Clone, Debug)]
pub struct Server {
    pub listen: SocketAddr,
    /// An origin: scheme, host and port, with the path `/` and nothing after it.
    pub public_url: Url,
    pub metrics_listen: MetricsListen,
    pub trusted_proxies: TrustedProxies,
    /// At least 1; the 0 of the configuration has become the number of cores.
    pub workers: usize,
    pub data_dir: PathBuf,
    /// A folder whose `templates/` and `static/` win over the built-in ones.
    pub overrides_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MetricsListen {
    Off,
    /// The default: what else may run on this machine, nobody has thought of.
    Usual(SocketAddr),
    /// The operator wants them there.
    Chosen(SocketAddr),
}

#[derive(Clone, Debug)]
pub struct Database {
    /// What libpq takes; `None` is the private cluster under `data_dir`.
    pub url: Option<SecretString>,
    pub pool_size: u32,
}

#[derive(Clone, Debug)]
pub struct Secrets {
    /// The first seals, all open. Empty only with the private cluster: see [`super::secret_keys`].
    pub keys: Vec<SecretKey>,
}

/// At least 32 bytes of key material. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey(Vec<u8>);

impl SecretKey {
    pub const MIN_BYTES: usize = 32;

    /// `None` when there are fewer than [`SecretKey::MIN_BYTES`].
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() >= Self::MIN_BYTES).then_some(Self(bytes))
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// All positive; idle is never longer than absolute.
#[derive(Clone, Debug)]
pub struct Session {
    pub idle_timeout: TimeDelta,
    pub absolute_timeout: TimeDelta,
    /// Absolute, for those who asked to be kept signed in.
    pub remember_timeout: TimeDelta,
    pub remember_idle_timeout: TimeDelta,
    /// Lower case, without a leading dot; each is `public_url`'s host or a parent of it.
    pub cookie_domains: Vec<String>,
    /// The others that were named, written the same way: no cookie of `public_url`'s host reaches the hosts below them,
    /// so each is handed its own.
    pub handed_domains: Vec<String>,
    /// How many sessions each node may remember for the gate; 0 to ask PostgreSQL every time.
    pub cache_size: usize,
}

/// How lately somebody must have proved who they are, before something dangerous.
#[derive(Clone, Debug)]
pub struct StepUp {
    pub window: TimeDelta,
    /// In place of `window`; the first that names an action counts for it.
    pub windows: Vec<(Action, TimeDelta)>,
    pub login_counts: bool,
}

/// What nobody may do on the strength of a session alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Choosing a new password.
    Password,
    /// Changing the address.
    Email,
    /// Setting up an authenticator app, turning it off, making recovery codes.
    Factors,
    /// Making an API key, revoking one.
    ApiKeys,
    /// Leaving, and never coming back.
    Deletion,
    /// Whatever has no window of its own.
    Other,
}

impl Action {
    /// As it stands in `step_up.windows`, and in the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Email => "email",
            Self::Factors => "factors",
            Self::ApiKeys => "api_keys",
            Self::Deletion => "deletion",
            Self::Other => "other",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Accounts {
    pub signup: Signup,
    /// After which an account goes whose address nobody has ever proved.
    pub unverified_ttl: TimeDelta,
    pub verification_ttl: TimeDelta,
    pub reset_ttl: TimeDelta,
    /// How long somebody who leaves can come back.
    pub deletion_grace: TimeDelta,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signup {
    Open,
    /// Only people who were invited into an organization.
    Invite,
    Closed,
}

#[derive(Clone, Debug)]
pub struct Password {
    /// Characters, not bytes.
    pub min_length: usize,
    /// zxcvbn's score, 0 to 4.
    pub min_strength: u8,
    pub memory_kib: u32,
    pub iterations: u32,
    pub parallelism: u32,
    /// Hashes at the same time, at least 1; the 0 of the configuration has become the number of cores.
    pub max_concurrent: usize,
    /// A service that knows leaked passwords; what it is asked is appended.
    pub breach_api: Option<Url>,
    /// A sorted list of hashes of leaked passwords.
    pub breach_file: Option<PathBuf>,
}

#[derive(Clone, Debug)]
pub struct Mail {
    pub transport: Transport,
    pub url: SmtpUrl,
    /// Empty when the server asks for none; the name in the URL if that is where it was written.
    pub username: String,
    pub password: SecretString,
    pub from: Mailbox,
    pub tls: Tls,
    /// A private certificate authority, in PEM, trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// For each step of the conversation with the server.
    pub timeout: TimeDelta,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// Kept as files under `data_dir` and shown at `/dev/inbox`, for trying out.
    Inbox,
    Smtp,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SmtpUrl {
    pub scheme: SmtpScheme,
    /// A name or an address; an IPv6 address without its brackets.
    pub host: String,
    pub port: u16,
    pub user: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SmtpScheme {
    /// Port 25 unless said otherwise; STARTTLS as [`Tls`] says.
    Smtp,
    /// Port 587 (RFC 6409); STARTTLS as [`Tls`] says.
    Submission,
    /// Port 465 (RFC 8314); TLS from the first byte.
    Submissions,
}

/// A name to show and an address to send from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mailbox {
    pub name: Option<String>,
    pub address: EmailAddress,
}

/// What happens on `smtp://` and `submission://`, which begin in clear.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tls {
    /// No STARTTLS, no mail.
    Required,
    /// STARTTLS when it is offered.
    Opportunistic,
    Off,
}

#[derive(Clone, Debug)]
pub struct Limits {
    pub login_per_account: Limit,
    /// Per client address, IPv6 by /64.
    pub login_per_network: Limit,
    pub mail_per_account: Limit,
}

/// "5 per 15m": both are positive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    pub count: u32,
    pub period: TimeDelta,
}

#[derive(Clone, Debug)]
pub struct Webhooks {
    /// Where they may lead although it is not on the public internet.
    pub allowed_networks: Vec<IpNet>,
}

#[derive(Clone, Debug)]
pub struct Sso {
    /// Whom to ask for the records that prove domains; `None` for whom the machine asks.
    pub dns_server: Option<SocketAddr>,
    /// Where metadata of providers may be fetched from although it is not on the public internet.
    pub allowed_networks: Vec<IpNet>,
}

#[derive(Clone, Debug)]
pub struct Gateway {
    /// For what no rule matches.
    pub default: Allow,
    /// Whether apps get a signed word of who comes.
    pub assertion: bool,
    /// Whose roles and groups apps are told of.
    pub organizations: Organizations,
    /// The first that matches decides.
    pub rules: Vec<Rule>,
    pub record: Record,
}

/// What is kept of the gate's decisions, for trying out other rules.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Record {
    /// Of all checks, from 0 (none) to 1 (each).
    pub share: f64,
    /// For how long.
    pub kept: TimeDelta,
    /// How many at most, the newest.
    pub most: u32,
}

impl Record {
    pub const NOTHING: Self = Self { share: 0.0, kept: TimeDelta::zero(), most: 0 };
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Organizations {
    All,
    /// By slug. None means that apps are told of no organization.
    Named(Vec<String>),
}

#[derive(Clone, Copy, Debug)]
pub struct Log {
    pub format: LogFormat,
    pub level: LevelFilter,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line, for machines.
    Json,
}
