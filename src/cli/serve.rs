//! `vestibule serve`: everything, until it is told to stop.
//!
//! In this order: the private cluster unless a database is named, the migrations, the listener. The other way round
//! at the end: no new requests, those under way, then the cluster. `SIGTERM` and Ctrl-C ask for that and it takes at
//! most ten seconds; a second one ends the process at once.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;

use anyhow::Context as _;
use clap::Args;
use tokio::sync::oneshot;

use super::banner::banner;
use super::database::Database;
use super::demo::Demo;
use super::healthcheck::reachable;
use super::reload::Reload;
use super::stop::Stop;
use super::{Common, logger, say};
use crate::accounts::setup;
use crate::app::App;
use crate::config::settings::MetricsListen;
use crate::config::{self, Loaded, Sources};
use crate::db::{self, migrations};
use crate::decisions::Recorder;
use crate::jobs;
use crate::kernel::{Clock, Origin, Shutdown, Token, shutdown};
use crate::mail::Transport;
use crate::signing_keys;
use crate::sso::saml;
use crate::web;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// Also serve a small app behind the gate, for trying out
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) demo: Option<SocketAddr>,
}

pub fn run(sources: Sources, loaded: Loaded, demo: Option<SocketAddr>) -> anyhow::Result<()> {
    let Loaded { mut settings, values, .. } = loaded;
    settings.secrets.keys = config::secret_keys(&settings)?;
    // Before anything is started, so that a taken port is found out first.
    let listener = listen(settings.server.listen, "server.listen")?;
    let metrics = listen_for_metrics(settings.server.metrics_listen)?;
    let demo = demo.map(|address| Demo::open(address, &mut settings)).transpose()?;
    let reload = Reload { sources, values, demo: demo.as_ref().map(|demo| demo.rule.clone()) };
    let transport = Transport::new(&settings)?;
    let stop = Stop::listen()?;
    logger::write_in_batches()?;
    let database = Database::open(&settings)?;
    let applied = migrations::run(database.url()).context("bringing the database up to date")?;
    for name in applied {
        log::info!("migrated: {name}");
    }
    let app = App::new(settings, database.url(), Clock::System)?;
    // Before there are workers. Whoever has no provider can do without.
    if let Err(unready) = saml::warm_up() {
        log::error!("nobody can sign in by a provider: {unready}");
    }
    web::block_on(open_signing_keys(&app))?;
    let link = web::block_on(setup_link(&app, &database))?;
    say(&banner(&app, &database, demo.as_ref(), &transport, link.as_ref()))?;
    let listeners = Listeners { listener, metrics, demo };
    on_a_thread(move || serve(app, listeners, transport, (stop, reload)))?;
    database.close()
}

/// Waits for what `work` comes to, and not for what its thread still has to clear away: a question to a database that
/// went silent must not keep the process.
fn on_a_thread<F>(work: impl FnOnce() -> F + Send + 'static) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let (says, ended) = mpsc::channel();
    let run = move || {
        web::block_on(async move {
            // Said in here: out there the runtime has waited for every thread of its own.
            let _ = says.send(work().await);
        });
    };
    thread::Builder::new().name("server".to_owned()).spawn(run)?;
    ended.recv().context("the server ended without a word")?
}

fn listen(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    let hint = || format!("cannot listen on {address} ({key}): is something else running there?");
    let listener = TcpListener::bind(address).with_context(hint)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Metrics are not worth failing for where nobody has asked for them.
fn listen_for_metrics(wanted: MetricsListen) -> anyhow::Result<Option<TcpListener>> {
    let key = "server.metrics_listen";
    match wanted {
        MetricsListen::Off => Ok(None),
        MetricsListen::Chosen(address) => listen(address, key).map(Some),
        MetricsListen::Usual(address) => Ok(listen(address, key)
            .inspect_err(|error| log::warn!("no metrics: {error:#}. Set {key}, or switch them off with \"\""))
            .ok()),
    }
}

/// The doors, taken before anything else is started.
struct Listeners {
    listener: TcpListener,
    metrics: Option<TcpListener>,
    demo: Option<Demo>,
}

async fn serve(
    app: App,
    listeners: Listeners,
    transport: Transport,
    (stop, mut reload): (Stop, Reload),
) -> anyhow::Result<()> {
    let Listeners { listener, metrics, demo } = listeners;
    let (trigger, shutdown) = shutdown::pair();
    let jobs = tokio::task::spawn_local(jobs::run(app.clone(), transport, shutdown));
    let gate = reachable(listener.local_addr()?);
    let demo = demo.map(|demo| web::demo::server(app.clone(), demo.listener, gate)).transpose()?;
    let live = web::LiveSessions::new(&app.settings.session);
    let (nobody_comes, empty) = shutdown::pair();
    let recorder = Recorder::default();
    let living = keep(live.clone(), recorder.clone(), app.clone(), empty)?;
    let requests = web::metrics::Requests::default();
    let metrics = metrics
        .map(|listener| web::metrics::server(app.clone(), live.clone(), requests.clone(), listener))
        .transpose()?
        .map(|server| (server.handle(), tokio::task::spawn_local(server)));
    let server = web::server(app.clone(), live, recorder, requests, listener)?;
    let handle = server.handle();
    let serving = tokio::task::spawn_local(server);
    let demo = demo.map(|server| (server.handle(), tokio::task::spawn_local(server)));
    loop {
        tokio::select! {
            () = stop.requested() => break,
            () = stop.reload_asked() => reload.run(&app),
            () = app.db.told().reload_asked() => reload.run(&app),
        }
    }
    log::info!("stopping: no new requests, those under way are finished");
    trigger.pull();
    let drain = async {
        if let Some((demo, serving)) = demo {
            demo.stop(false).await;
            serving.await??;
        }
        handle.stop(true).await;
        serving.await??;
        nobody_comes.pull();
        living.await?;
        if let Some((metrics, serving)) = metrics {
            metrics.stop(false).await;
            serving.await??;
        }
        match jobs.await {
            Err(error) if error.is_panic() => Err(error.into()),
            _ => Ok(()),
        }
    };
    tokio::select! {
        drained = drain => drained,
        () = stop.insisted() => Ok(()),
    }
}

/// On a thread of its own: that a session has ended must not wait to be heard until a letter is written.
fn keep(
    live: web::LiveSessions,
    recorder: Recorder,
    app: App,
    shutdown: Shutdown,
) -> std::io::Result<oneshot::Receiver<()>> {
    let (says, ended) = oneshot::channel();
    let run = move || {
        web::block_on(async move {
            tokio::join!(live.run(&app, shutdown.clone()), recorder.run(&app, shutdown));
            // Said in here, as in `on_a_thread`.
            let _ = says.send(());
        });
    };
    thread::Builder::new().name("live".to_owned()).spawn(run)?;
    Ok(ended)
}

/// Found out now, and not when somebody comes: without its key the gate could let nobody through.
async fn open_signing_keys(app: &App) -> anyhow::Result<()> {
    if app.settings.gateway.assertion {
        signing_keys::keys_to_sign_with(app).await.context("gateway.assertion")?;
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
