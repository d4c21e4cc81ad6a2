//! `vestibule serve`: everything, until it is told to stop.
//!
//! In this order: the private cluster unless a database is named, the migrations, the listener. The other way round
//! at the end: no new requests, those under way, then the cluster. `SIGTERM` and Ctrl-C ask for that and it takes at
//! most ten seconds; a second one ends the process at once.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context as _;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::banner::banner;
use super::database::Database;
use super::demo::Demo;
use super::healthcheck::reachable;
use super::{Common, say};
use crate::accounts::setup;
use crate::app::App;
use crate::config::{self, Settings};
use crate::db::{self, migrations};
use crate::jobs;
use crate::kernel::{Clock, Origin, Token, shutdown};
use crate::mail::Transport;
use crate::web;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Also serve a small app behind the gate, for trying out
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) demo: Option<SocketAddr>,
}

pub fn run(mut settings: Settings, demo: Option<SocketAddr>) -> anyhow::Result<()> {
    settings.secrets.keys = config::secret_keys(&settings)?;
    // Before anything is started, so that a taken port is found out first.
    let listener = listen(&settings)?;
    let demo = demo.map(|address| Demo::open(address, &mut settings)).transpose()?;
    let transport = Transport::new(&settings)?;
    let database = Database::open(&settings)?;
    let applied = migrations::run(database.url()).context("bringing the database up to date")?;
    for name in applied {
        log::info!("migrated: {name}");
    }
    let app = App::new(settings, database.url(), Clock::System)?;
    web::block_on(async {
        let link = setup_link(&app, &database).await?;
        say(&banner(&app, &database, demo.as_ref(), &transport, link.as_ref()))?;
        serve(app, listener, demo, transport).await
    })?;
    database.close()
}

fn listen(settings: &Settings) -> anyhow::Result<TcpListener> {
    let address = settings.server.listen;
    let hint = || format!("cannot listen on {address} (server.listen): is something else running there?");
    let listener = TcpListener::bind(address).with_context(hint)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn serve(app: App, listener: TcpListener, demo: Option<Demo>, transport: Transport) -> anyhow::Result<()> {
    let (trigger, shutdown) = shutdown::pair();
    let jobs = tokio::task::spawn_local(jobs::run(app.clone(), transport, shutdown));
    let gate = reachable(listener.local_addr()?);
    let demo = demo.map(|demo| web::demo::server(app.clone(), demo.listener, gate)).transpose()?;
    let server = web::server(app, listener)?;
    let handle = server.handle();
    let serving = tokio::task::spawn_local(server);
    let demo = demo.map(|server| (server.handle(), tokio::task::spawn_local(server)));
    wait_for_a_signal().await?;
    log::info!("stopping: no new requests, those under way are finished");
    trigger.pull();
    if let Some((demo, serving)) = demo {
        demo.stop(false).await;
        serving.await??;
    }
    let draining = handle.stop(true);
    tokio::select! {
        () = draining => {}
        again = wait_for_a_signal() => {
            again?;
            log::warn!("stopping at once");
            jobs.abort();
            handle.stop(false).await;
        }
    }
    serving.await??;
    match jobs.await {
        Err(error) if error.is_panic() => Err(error.into()),
        _ => Ok(()),
    }
}

async fn wait_for_a_signal() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// By this whoever has started the service becomes its first administrator. A service on a server of its own is no
/// trial: what it prints is likely to be kept, so there `vestibule user promote` makes the first one as well.
async fn setup_link(app: &App, database: &Database) -> Result<Option<Token>, db::Error> {
    match database {
        Database::Private(_) => app.db.write(&Origin::system("serve"), setup::issue_link).await,
        Database::Running(_) => Ok(None),
    }
}
