//! The whole service for one test: its own database, port, clock and mail server. Nothing in it is replaced but time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::{self, JoinHandle};

use actix_web::dev::ServerHandle;
use chrono::DateTime;
use url::Url;
use vestibule::app::App;
use vestibule::config::{self, ConfigFile, Environment, Setting, Settings, Sources};
use vestibule::decisions::Recorder;
use vestibule::jobs::{self, Job};
use vestibule::kernel::{Clock, shutdown};
use vestibule::mail::Transport;
use vestibule::web::metrics::Requests;
use vestibule::web::{self, LiveSessions};

use super::browser::Browser;
use super::port::Port;
use super::postgres::TestDb;
use super::process::Folder;
use super::smtp::{Encryption, SmtpServer, certificate_authority};

const MAIL_ACCOUNT: (&str, &str) = ("vestibule", "the mail server's password");

pub struct TestApp {
    pub app: App,
    pub live: LiveSessions,
    pub requests: Requests,
    mail: Arc<SmtpServer>,
    port: Port,
    server: ServerHandle,
    thread: Option<JoinHandle<()>>,
    // Last: whoever is connected is thrown out.
    database: Arc<TestDb>,
}

impl TestApp {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With settings that differ, as `--set` takes them: `("gateway.default", "public")`.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        let mail = SmtpServer::start(Encryption::StartTls, Some(MAIL_ACCOUNT));
        Self::on(Arc::new(TestDb::make()), Arc::new(mail), settings)
    }

    /// A second node on the same database, with a clock of its own. Whichever of them sends a letter, it is the same.
    pub fn again_with(&self, settings: &[(&str, &str)]) -> Self {
        Self::on(Arc::clone(&self.database), Arc::clone(&self.mail), settings)
    }

    fn on(database: Arc<TestDb>, mail: Arc<SmtpServer>, settings: &[(&str, &str)]) -> Self {
        let port = Port::claim();
        let settings = load(&usual(&port, &database, &mail), settings);
        // Some instant; only `advance` moves it.
        let clock = Clock::fixed(DateTime::from_timestamp(1_800_000_000, 0).expect("an instant"));
        let app = App::new(settings, database.url(), clock).expect("the parts of the service");
        let live = LiveSessions::new(&app.settings.session);
        let requests = Requests::default();
        let (server, thread) = serve(&app, &live, &requests, &port);
        Self { app, live, requests, mail, port, server, thread: Some(thread), database }
    }

    /// A round of a job now.
    pub fn run_job(&self, name: &str) {
        let job = Job::find(name).expect(name);
        let transport = Transport::new(&self.app.settings).expect("a way to send letters");
        let (_trigger, shutdown) = shutdown::pair();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let round = runtime.block_on(jobs::run_once(job, self.app.clone(), transport, shutdown)).expect("a round");
        assert_eq!(round.outcome.error(), None);
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn public_url(&self) -> &Url {
        &self.app.settings.server.public_url
    }

    pub fn database_url(&self) -> &str {
        self.database.url()
    }

    pub fn clock(&self) -> &Clock {
        &self.app.clock
    }

    /// The mail server that letters are sent to.
    pub fn mail(&self) -> &SmtpServer {
        &self.mail
    }

    /// A browser with no cookies, whose paths are those of `server.public_url`.
    pub fn browser(&self) -> Browser {
        Browser::new(self.public_url().as_str(), self.port())
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // The command is sent by the call; the future would only wait for it.
        drop(self.server.stop(false));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the server's thread panicked");
        }
    }
}

/// What every test's service is told, below what the test itself sets.
fn usual(port: &Port, database: &TestDb, mail: &SmtpServer) -> Environment {
    let (name, password) = MAIL_ACCOUNT;
    [
        ("SERVER__LISTEN", port.address().to_string()),
        ("SERVER__PUBLIC_URL", format!("http://localhost:{}", port.number())),
        ("SERVER__WORKERS", "1".to_owned()),
        ("SERVER__METRICS_LISTEN", String::new()),
        ("DATABASE__URL", database.url().to_owned()),
        ("DATABASE__POOL_SIZE", "4".to_owned()),
        ("SECRETS__KEY", "dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBub2JvZHkgbmVlZHMgdG8gaGlkZQ==".to_owned()),
        // Nobody answers there: no test asks the world.
        ("SSO__DNS_SERVER", "127.0.0.1:1".to_owned()),
        ("MAIL__TRANSPORT", "smtp".to_owned()),
        ("MAIL__URL", format!("submission://localhost:{}", mail.port())),
        ("MAIL__USERNAME", name.to_owned()),
        ("MAIL__PASSWORD", password.to_owned()),
        ("MAIL__FROM", "Vestibule <no-reply@example.com>".to_owned()),
        ("MAIL__CA_FILE", authority_file().display().to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (format!("VESTIBULE__{name}"), value))
    .collect()
}

fn load(usual: &Environment, special: &[(&str, &str)]) -> Settings {
    let flags = special.iter().map(|(key, value)| Setting { key: (*key).to_owned(), value: (*value).to_owned() });
    let sources = Sources { file: ConfigFile::Nowhere, environment: usual.clone(), flags: flags.collect() };
    config::load(&sources).unwrap_or_else(|mistakes| panic!("{mistakes}")).settings
}

/// On a thread of its own, so that a test may block.
fn serve(app: &App, live: &LiveSessions, requests: &Requests, port: &Port) -> (ServerHandle, JoinHandle<()>) {
    let (app, jobs_app, live_app, live, listener) =
        (app.clone(), app.clone(), app.clone(), live.clone(), port.listen());
    let requests = requests.clone();
    let transport = Transport::new(&app.settings).expect("a way to send letters");
    listener.set_nonblocking(true).expect("a listener of ours");
    let (started, handle) = mpsc::channel();
    let thread = thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let recorder = Recorder::default();
            let server = web::server(app, live.clone(), recorder.clone(), requests, listener).expect("the server");
            started.send(server.handle()).expect("somebody waits");
            let (trigger, shutdown) = shutdown::pair();
            let jobs = tokio::task::spawn_local(jobs::run(jobs_app, transport, shutdown.clone()));
            let living = tokio::task::spawn_local({
                let shutdown = shutdown.clone();
                async move { tokio::join!(live.run(&live_app, shutdown.clone()), recorder.run(&live_app, shutdown)) }
            });
            server.await.expect("an orderly end");
            trigger.pull();
            living.await.expect("sessions that end");
            jobs.await.expect("jobs that end");
        });
    });
    (handle.recv().expect("a server that starts"), thread)
}

/// The configuration wants the mail server's authority in a file.
fn authority_file() -> &'static Path {
    static FILE: OnceLock<(Folder, PathBuf)> = OnceLock::new();
    let (_, path) = FILE.get_or_init(|| {
        let folder = Folder::make("ca", "TERM");
        let path = folder.path().join("authority.pem");
        fs::write(&path, certificate_authority()).expect("our own folder");
        (folder, path)
    });
    path
}
