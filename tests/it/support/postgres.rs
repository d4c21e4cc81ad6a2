//! PostgreSQL for tests: one server for the whole process with a database per test, or a server of one's own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use super::port::Port;
use super::process::{Folder, Tended, is_root};
use super::smtp::certificate_authority;
use super::{PATIENCE, within};

/// Fast shutdown: whoever is connected is thrown out.
const STOP: &str = "INT";
/// Immediate shutdown: what a killed test process leaves behind needs no checkpoint.
const DROP: &str = "QUIT";

struct Shared {
    cluster: Cluster,
    admin: Mutex<PgConnection>,
}

fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let cluster = Cluster::make();
        let admin = PgConnection::establish(&cluster.url("postgres")).expect("the server was ready");
        Shared { cluster, admin: Mutex::new(admin) }
    })
}

impl Shared {
    fn execute(&self, statement: &str) -> Result<(), diesel::result::Error> {
        self.admin.lock().unwrap_or_else(PoisonError::into_inner).batch_execute(statement)
    }
}

/// A database of its own on the server that all tests of the process share; gone when dropped.
pub struct TestDb {
    name: String,
    url: String,
}

impl TestDb {
    /// A copy of a template that was migrated once.
    pub fn make() -> Self {
        static TEMPLATE: OnceLock<()> = OnceLock::new();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let shared = shared();
        TEMPLATE.get_or_init(|| {
            // A first try may have failed half-way.
            shared.execute("DROP DATABASE IF EXISTS template").expect("dropping the template");
            shared.execute("CREATE DATABASE template").expect("creating the template");
            vestibule::db::migrations::run(&shared.cluster.url("template")).expect("our own migrations");
        });
        let name = format!("t_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        // STRATEGY file_copy needs two checkpoints, which are free without fsync; wal_log writes every page twice.
        shared
            .execute(&format!("CREATE DATABASE {name} TEMPLATE template STRATEGY file_copy"))
            .expect("copying the template");
        let url = shared.cluster.url(&name);
        Self { name, url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The Unix socket of the server of all of them, for a proxy in between.
    pub fn socket() -> PathBuf {
        shared().cluster.socket()
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if let Err(error) = shared().execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)) {
            eprintln!("{} is left over: {error}", self.name);
        }
    }
}

/// A server of one's own, for tests in which PostgreSQL itself goes away.
pub struct OwnServer {
    cluster: Cluster,
}

impl OwnServer {
    pub fn start() -> Self {
        Self::on(Cluster::make())
    }

    /// Also on a TCP port of the loopback, with and without TLS. `identity` is its certificate and its key; `access` is
    /// what `pg_hba.conf` says of connections that come there.
    pub fn start_with_tls(identity: (String, String), access: &str) -> Self {
        Self::on(Cluster::make_with_tls(identity, access))
    }

    fn on(cluster: Cluster) -> Self {
        let mut admin = PgConnection::establish(&cluster.url("postgres")).expect("the server was ready");
        admin.batch_execute("CREATE DATABASE vestibule").expect("a database");
        Self { cluster }
    }

    /// Where it listens besides its socket.
    pub fn tcp_port(&self) -> u16 {
        self.cluster.port.as_ref().expect("it was started so").number()
    }

    /// The URL of an empty database.
    pub fn url(&self) -> String {
        self.cluster.url("vestibule")
    }

    /// The Unix socket, for a proxy in between.
    pub fn socket(&self) -> PathBuf {
        self.cluster.socket()
    }

    /// Throws everybody out and is down until [`OwnServer::resume`].
    pub fn stop(&mut self) {
        self.cluster.process.end(STOP);
    }

    /// The same without writing anything down: the next start has to recover.
    pub fn stop_in_haste(&mut self) {
        self.cluster.process.end(DROP);
    }

    /// `kill -9`: no goodbye, and a lock file left behind.
    pub fn kill(&mut self) {
        self.cluster.process.end("KILL");
    }

    pub fn resume(&mut self) {
        self.cluster.start_again();
    }

    pub fn restart(&mut self) {
        self.stop();
        self.resume();
    }
}

struct Cluster {
    programs: PathBuf,
    process: Tended,
    port: Option<Port>,
}

impl Cluster {
    fn make() -> Self {
        let (programs, folder) = (programs(), Folder::make("pg", DROP));
        init(&programs, &folder);
        Self::start(programs, folder, None)
    }

    fn make_with_tls((certificate, key): (String, String), access: &str) -> Self {
        let (programs, folder) = (programs(), Folder::make("pg", DROP));
        init(&programs, &folder);
        let data = folder.path().join("data");
        for (name, text) in [
            ("server.crt", certificate.as_str()),
            ("server.key", &key),
            ("root.crt", certificate_authority()),
            ("pg_hba.conf", &format!("local all all trust\n{access}\n")),
        ] {
            fs::write(data.join(name), text).expect("our own folder");
            give_to_postgres(&data.join(name), 0o600);
        }
        Self::start(programs, folder, Some(Port::claim()))
    }

    fn start(programs: PathBuf, folder: Folder, port: Option<Port>) -> Self {
        let mut command = server(&programs, folder.path(), port.as_ref());
        let process = Tended::start(folder, &mut command, DROP);
        let mut cluster = Self { programs, process, port };
        cluster.wait();
        cluster
    }

    fn url(&self, database: &str) -> String {
        let port = self.port.as_ref().map(|port| format!("&port={}", port.number())).unwrap_or_default();
        format!("postgresql:///{database}?host={}&user=vestibule{port}", self.process.folder().display())
    }

    fn socket(&self) -> PathBuf {
        let port = self.port.as_ref().map_or(5432, Port::number);
        self.process.folder().join(format!(".s.PGSQL.{port}"))
    }

    fn start_again(&mut self) {
        self.spawn();
        self.wait();
    }

    fn spawn(&mut self) {
        let mut command = server(&self.programs, self.process.folder(), self.port.as_ref());
        self.process.again(&mut command);
    }

    /// After `kill -9` the old backends hold the shared memory for a moment, and the server refuses to start.
    fn wait(&mut self) {
        let url = self.url("postgres");
        let up = within(PATIENCE, || {
            if !self.process.is_running() {
                self.spawn();
            }
            PgConnection::establish(&url).ok()
        });
        assert!(up.is_some(), "PostgreSQL did not come up:\n{}", self.process.log());
    }
}

fn init(programs: &Path, folder: &Folder) {
    give_to_postgres(folder.path(), 0o700);
    let output = as_postgres(&programs.join("initdb"))
        .args(["--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"])
        .args(["--auth=trust", "--username=vestibule", "--pgdata=data"])
        .current_dir(folder.path())
        .output()
        .expect("initdb");
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
}

/// Commits survive `kill -9` of the server without fsync; only a crash of the machine would lose them.
fn server(programs: &Path, folder: &Path, port: Option<&Port>) -> Command {
    let mut command = as_postgres(&programs.join("postgres"));
    command.args(["-D", "data", "-k"]).arg(folder);
    for setting in [
        "fsync=off",
        "full_page_writes=off",
        "wal_level=minimal",
        "max_wal_senders=0",
        "max_connections=1000",
        "shared_buffers=64MB",
    ] {
        command.args(["-c", setting]);
    }
    match port {
        None => command.args(["-c", "listen_addresses="]),
        Some(port) => command
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "ssl=on", "-c", "ssl_ca_file=root.crt"])
            .args(["-c", &format!("port={}", port.number())]),
    };
    command
}

fn programs() -> PathBuf {
    let version = |path: &Path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = debian.filter(|path| path.join("bin/initdb").exists()).max_by_key(|path| version(path));
    if let Some(newest) = newest {
        return newest.join("bin");
    }
    let output = Command::new("pg_config").arg("--bindir").output().expect("pg_config, which comes with libpq");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = account_when_root() {
        command.uid(user).gid(group);
    }
    command
}

fn give_to_postgres(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our own folder");
    if let Some((user, group)) = account_when_root() {
        chown(path, Some(user), Some(group)).expect("root may give away");
    }
}

fn account_when_root() -> Option<(u32, u32)> {
    is_root().then(|| {
        let accounts = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
        let line = accounts.lines().find(|line| line.starts_with("postgres:")).expect("an account named postgres");
        let number = |at: usize| line.split(':').nth(at).and_then(|field| field.parse().ok()).expect("a number");
        (number(2), number(3))
    })
}
