//! Which PostgreSQL a command works on, and how it gets there.

use anyhow::ensure;
use secrecy::ExposeSecret as _;

use crate::config::Settings;
use crate::db::cluster::Cluster;
use crate::db::migrations;

pub enum Database {
    /// Not ours to stop: the operator's server, or the private cluster of a service that runs.
    Running(String),
    /// Our own, started by us.
    Private(Cluster),
}

impl Database {
    /// For the service itself: its private cluster is started, and nobody else's is joined.
    pub fn open(settings: &Settings) -> anyhow::Result<Self> {
        match &settings.database.url {
            Some(url) => Ok(Self::Running(url.expose_secret().to_owned())),
            None => Ok(Self::Private(Cluster::start(&settings.server.data_dir)?)),
        }
    }

    /// For a command beside the service, whether that runs or not. The tables must be up to date. A cluster is not made
    /// for it: it would be an empty one in the wrong place.
    pub fn reach(settings: &Settings) -> anyhow::Result<Self> {
        let data_dir = &settings.server.data_dir;
        ensure!(
            settings.database.url.is_some() || data_dir.exists(),
            "there is no {}: run this in the folder of the service and with its configuration",
            std::path::absolute(data_dir)?.display()
        );
        let running = match &settings.database.url {
            Some(_) => None,
            None => Cluster::url_of_running(&settings.server.data_dir)?,
        };
        let database = running.map_or_else(|| Self::open(settings), |url| Ok(Self::Running(url)))?;
        let missing = migrations::pending(database.url())?;
        ensure!(missing.is_empty(), "the database is not up to date: run `vestibule migrate` first");
        Ok(database)
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Running(url) => url,
            Self::Private(cluster) => cluster.url(),
        }
    }

    pub fn close(self) -> anyhow::Result<()> {
        match self {
            Self::Running(_) => Ok(()),
            Self::Private(cluster) => Ok(cluster.stop()?),
        }
    }
}
