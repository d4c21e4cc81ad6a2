//! Reading the configuration again while the service runs.
//!
//! What may change is taken over as a whole: the gate's rules, the trusted proxies, templates and static files, the log's
//! level. What needs a new start is named and stays as it was. A configuration with a mistake changes nothing.

use crate::app::App;
use crate::config::settings::Rule;
use crate::config::{self, Sources, Values};

use super::rust_log;

/// What may change without a new start.
const LIVE: [&str; 8] = [
    "gateway.default",
    "gateway.organizations",
    "gateway.rules",
    "gateway.record",
    "gateway.record_kept",
    "gateway.record_most",
    "server.trusted_proxies",
    "log.level",
];

pub(super) struct Reload {
    pub(super) sources: Sources,
    /// As they stand.
    pub(super) values: Values,
    /// What was added for `--demo`.
    pub(super) demo: Option<Rule>,
}

impl Reload {
    pub(super) fn run(&mut self, app: &App) {
        match self.try_run(app) {
            Ok(()) => app.db.meters().reloaded("success"),
            Err(error) => {
                app.db.meters().reloaded("failure");
                log::error!("the configuration was not reloaded, everything stays as it was: {error:#}");
            }
        }
    }

    fn try_run(&mut self, app: &App) -> anyhow::Result<()> {
        let mut loaded = config::load(&self.sources)?;
        loaded.settings.gateway.rules.extend(self.demo.clone());
        app.reload(&loaded.settings)?;
        if rust_log(&self.sources).is_none() {
            log::set_max_level(loaded.settings.log.level);
        }
        for warning in &loaded.warnings {
            log::warn!("{warning}");
        }
        let (changed, late): (Vec<&str>, Vec<&str>) =
            self.values.differences(&loaded.values).into_iter().partition(|key| LIVE.contains(key));
        let rules = loaded.settings.gateway.rules.len();
        log::info!("the configuration was reloaded: {rules} rules, changed: {}", in_words(&changed));
        if !late.is_empty() {
            log::warn!("changed in the configuration, and in effect only after a new start: {}", in_words(&late));
        }
        self.values = loaded.values.with_those_of(&self.values, &late);
        Ok(())
    }
}

fn in_words(keys: &[&str]) -> String {
    if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") }
}
