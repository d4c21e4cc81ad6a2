//! What the stories of the private cluster need: a folder, questions to the database, a service in another
//! process, real signals.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::sql_types::Text;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query};
use vestibule::db::cluster::Cluster;

const PATIENCE: Duration = Duration::from_mins(1);
const ROLE: &str = "VESTIBULE_TEST_SERVES";

/// A folder of the test's own, removed with everything in it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("vestibule-it-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Not made yet: `Cluster::start` does that.
    pub fn data_dir(&self) -> PathBuf {
        self.0.join("data")
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What a failed story of a killed service leaves running.
        let home = self.data_dir().join("postgres");
        if home.join("data/postmaster.pid").exists() && runs(postmaster(&home)) {
            signal("KILL", postmaster(&home));
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn is_root() -> bool {
    fs::metadata("/proc/self").map_or_else(|_| own_uid(), |found| found.uid()) == 0
}

fn own_uid() -> u32 {
    let said = Command::new("id").arg("-u").output().unwrap().stdout;
    String::from_utf8(said).unwrap().trim().parse().unwrap()
}

/// As whom the cluster runs.
pub fn owner(home: &Path) -> u32 {
    fs::metadata(home.join("data")).unwrap().uid()
}

pub fn postmaster(home: &Path) -> u32 {
    let text = fs::read_to_string(home.join("data/postmaster.pid")).unwrap();
    text.lines().next().unwrap().trim().parse().unwrap()
}

pub fn connect(url: &str) -> PgConnection {
    let mut last = None;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match PgConnection::establish(url) {
            Ok(conn) => return conn,
            Err(error) => last = Some(error),
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("no connection to {url}: {last:?}");
}

pub fn run(url: &str, sql: &str) {
    sql_query(sql).execute(&mut connect(url)).unwrap();
}

/// The one text that a query answers.
pub fn ask(url: &str, expression: &str) -> String {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let answer: Answer =
        sql_query(format!("SELECT ({expression})::text AS text")).get_result(&mut connect(url)).unwrap();
    answer.text
}

pub fn signal(name: &str, pid: impl std::fmt::Display) {
    let status = Command::new("sh").args(["-c", "kill -s \"$1\" -- \"$2\"", "sh", name, &pid.to_string()]).status();
    assert!(status.unwrap().success(), "SIG{name} to {pid}");
}

/// Whether it runs; one that has ended but was not waited for does not.
pub fn runs(pid: u32) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8(output.stdout).unwrap();
    !state.trim().is_empty() && !state.starts_with('Z')
}

pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "in vain waited until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The part of a test that is played in a process of its own, so that it can be killed. Does nothing in the
/// process of the test itself.
pub fn serve_if_asked() {
    #[expect(clippy::disallowed_methods, reason = "how a test tells its other process what to do")]
    let Some(data_dir) = std::env::var_os(ROLE) else { return };
    let cluster = Cluster::start(Path::new(&data_dir)).unwrap();
    println!("\nserving {}", cluster.url());
    loop {
        thread::park();
    }
}

/// A service in another process, killed at the end at the latest.
pub struct Service(Child);

impl Service {
    /// `story` is the name of the test that calls [`serve_if_asked`].
    pub fn spawn(story: &str, data_dir: &Path) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", story, "--nocapture", "--test-threads=1"])
            .env(ROLE, data_dir)
            .stdout(Stdio::piped())
            // Like a job that a terminal started, so that Ctrl-C can be sent to all of it.
            .process_group(0)
            .spawn();
        Self(child.unwrap())
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits for it to start and answers with its URL.
    pub fn url(&mut self) -> String {
        let lines = BufReader::new(self.0.stdout.take().unwrap()).lines().map_while(Result::ok);
        lines.into_iter().find_map(|line| line.strip_prefix("serving ").map(str::to_owned)).unwrap()
    }

    pub fn wait(&mut self) {
        self.0.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
