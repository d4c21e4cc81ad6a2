//! What a flow is handed: the settings, the clock, the ways to the database and to slow work.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::breaches::{self, Breaches};
use crate::config::{Settings, settings};
use crate::crypto::{Hasher, Keyring, Sealer};
use crate::db::Db;
use crate::kernel::Clock;
use crate::kernel::client_address::TrustedProxies;
use crate::kernel::return_to::Destinations;
use crate::outbound::Outside;
use crate::render::Renderer;

/// How long whoever receives a webhook may take to answer. It is asked to note what it was told, and to work later.
pub const RECEIVER_PATIENCE: Duration = Duration::from_secs(10);

/// How long a provider may take to show its metadata. Somebody may be waiting for it.
pub const PROVIDER_PATIENCE: Duration = Duration::from_secs(8);

/// Cheap to clone; every part is shared.
#[derive(Clone)]
pub struct App {
    /// As they were at the start; what may change while the service runs stands in `policy`.
    pub settings: Arc<Settings>,
    pub policy: Arc<ArcSwap<Policy>>,
    pub clock: Clock,
    pub db: Db,
    pub hasher: Hasher,
    pub breaches: Breaches,
    pub sealer: Sealer,
    /// What apps' proof is signed with.
    pub keyring: Keyring,
    pub render: Renderer,
    /// Whom people name, as those who receive webhooks.
    pub outside: Outside,
    /// Those whose metadata is fetched.
    pub providers: Outside,
    /// Where people may be sent after signing in.
    pub destinations: Arc<Destinations>,
}

/// What an operator may change while the service runs. It is replaced as a whole, so whoever has loaded it once has
/// things that belong together.
#[derive(Clone, Debug)]
pub struct Policy {
    pub gateway: settings::Gateway,
    pub trusted_proxies: TrustedProxies,
}

impl Policy {
    fn of(settings: &Settings) -> Self {
        Self { gateway: settings.gateway.clone(), trusted_proxies: settings.server.trusted_proxies.clone() }
    }
}

/// Why the parts could not be put together. Each sentence says what to change.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("password: {0}")]
    Hasher(String),
    #[error("password.breach_file, password.breach_api: {0}")]
    Breaches(#[from] breaches::Error),
    #[error("secrets.key: there is no key")]
    NoKey,
    #[error(transparent)]
    Render(#[from] crate::render::Error),
}

impl App {
    /// Puts the parts together. `database_url` is the operator's server or the private cluster; no
    /// connection is opened yet. `settings.secrets.keys` must not be empty by now.
    pub fn new(settings: Settings, database_url: &str, clock: Clock) -> Result<Self, Error> {
        Ok(Self {
            db: Db::new(database_url, settings.database.pool_size, clock.clone()),
            hasher: Hasher::new(&settings.password).map_err(Error::Hasher)?,
            breaches: Breaches::new(settings.password.breach_file.as_deref(), settings.password.breach_api.as_ref())?,
            sealer: Sealer::new(&settings.secrets.keys).ok_or(Error::NoKey)?,
            keyring: Keyring::default(),
            render: Renderer::new(settings.server.overrides_dir.as_deref())?,
            outside: Outside::new(&settings.webhooks.allowed_networks, RECEIVER_PATIENCE),
            providers: Outside::new(&settings.sso.allowed_networks, PROVIDER_PATIENCE),
            destinations: Arc::new(Destinations::new(
                settings.server.public_url.clone(),
                settings.session.cookie_domains.clone(),
                settings.session.handed_domains.clone(),
            )),
            policy: Arc::new(ArcSwap::from_pointee(Policy::of(&settings))),
            settings: Arc::new(settings),
            clock,
        })
    }

    /// Takes over what may change while the service runs: all of it, or nothing when a template has a mistake. Requests
    /// under way end with what they began with.
    pub fn reload(&self, settings: &Settings) -> Result<(), Error> {
        self.render.reload()?;
        let before = self.policy.swap(Arc::new(Policy::of(settings)));
        if before.gateway.organizations != settings.gateway.organizations {
            // What is remembered of people was read for other organizations.
            self.db.told().tell_of_everything();
        }
        Ok(())
    }
}
