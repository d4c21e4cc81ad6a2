//! What is claimed to be fast, measured: `make bench`, or a part of it: `cargo bench -- gate`.
//!
//! Every claim is a ratio to something plain that does the same work on the same machine in the same run, because
//! microseconds say more about the machine than about us. The two sides take turns in short rounds, and what is
//! printed is the median of the rounds' ratios. Each server is a process of its own (ours is the real program, the
//! plain ones are this binary in another role), so the CPU time the kernel counts for it is its work and not that of
//! the load generator. CPU time is what noise leaves alone; figures by the clock (sign-ins per second, times to start)
//! want a machine that does nothing else, and the load average is printed for that reason.
//!
//! - **Gate check**: CPU of the server process for one answer of `/gateway/forward-auth`, one worker, its log written to
//!   a file, × the CPU of an actix handler that answers an empty 200 with four headers to the same request. The load
//!   generator keeps to the first core, servers to the others. PostgreSQL's work is not in it and has a line of its own.
//!   With a session in memory, with one rule and with a thousand, with and without a signed assertion; with a forged cookie; where no session is needed; and with the memory switched off,
//!   which is compared to a handler that makes one autocommitted indexed SELECT with diesel and r2d2.
//! - **Through nginx**: CPU of nginx, an empty app behind it and the server that nginx asks (`auth_request`), × the same
//!   nginx and app without asking; beside it, asking an empty server.
//! - **Storm**: the 99th percentile of checks, 200 in a second, while 64 people sign in again and again, ÷ when idle.
//! - **Posting**: the same while 32 browsers bring signed answers of an identity provider, each of which is judged and
//!   opens a session, ÷ when idle.
//! - **Reload**: the 99th percentile of checks, and the slowest, while a thousand rules are changed and loaded again every
//!   second, ÷ the same when they are not.
//! - **Revocation**: from the end of the statement that deletes a session until another process refuses it, and until a
//!   connection that does nothing but `LISTEN` hears of it.
//! - **Crowd**: checks for the same CPU when a million sessions are in the table, ÷ when there are a thousand: of a thousand
//!   people who are in memory, and of anybody without memory. And what a session weighs in memory.
//! - **Import**: people per second through `vestibule user import`, of a CSV file of a million, ÷ PostgreSQL's COPY of the
//!   same rows into the same tables; and the most memory that it takes, ÷ the same for a tenth of them.
//! - **Million**: sign-ins and checks with a million people and ten million audit events in the database, ÷ the same with
//!   nobody else in it. Checks by CPU, of the service alone and of PostgreSQL with it.
//! - **Erasing**: ten thousand of a million people are erased by the job. The age of the oldest transaction while it
//!   runs, which no lock outlives; and the 99th percentile of somebody else's writes, ÷ the same before.
//! - **SAML**: answers judged per second by the strict profile, ÷ parsed and verified by xmlsec alone; the slowest refusal
//!   of all documents that the tests attack with, and the most memory that they took; and what memory grows by over
//!   100,000 answers.
//! - **Sign-ins**: per second through `POST /auth/login`, ÷ raw argon2id with the same parameters on as many threads at
//!   the same priority. PostgreSQL and the load generator live on the same cores. "At most" is what the CPU times of a
//!   hash, the service and PostgreSQL would allow if no core ever waited.
//! - **Start**: from starting the program to its first answer (`/readyz` says 200), × starting PostgreSQL alone.
//! - **Memory**: resident (`VmRSS`) when idle and after 1,000 sign-ins, × the plain handler's process.
//!
//! What has a million in its name takes minutes; `cargo bench -- million scale=0.01` does a hundredth of it.
//!
//! The build is `profile.bench`: as released, with thin instead of fat optimisation across crates.

mod bare;
mod client;
mod contest;
mod crowd;
mod database;
mod erasing;
mod gate;
mod import;
mod meter;
mod million;
mod people;
mod posting;
mod proxied;
mod reload;
mod report;
mod revocation;
mod saml;
mod served;
mod signins;
mod start;
mod storm;
mod support;

use std::fs;
use std::path::PathBuf;

use anyhow::ensure;
use vestibule::db::cluster::Cluster;

use report::Report;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [bare::EMPTY, port] => bare::answer_empty(port.parse()?),
        [bare::SELECT, port, url] => bare::answer_after_select(port.parse()?, url),
        // cargo puts a flag of its own among them.
        names => measure(&names.iter().copied().filter(|name| !name.starts_with('-')).collect::<Vec<_>>()),
    }
}

type Measure = fn(&mut Report, &Stage) -> anyhow::Result<()>;

const SCALE: &str = "scale=";

/// What can be measured alone, in the order of the report.
const PARTS: [(&str, Measure); 13] = [
    ("start", start::measure),
    ("gate", gate::measure),
    ("proxied", proxied::measure),
    ("storm", storm::measure),
    ("posting", posting::measure),
    ("reload", reload::measure),
    ("revocation", revocation::measure),
    ("crowd", crowd::measure),
    ("signins", signins::measure),
    ("import", import::measure),
    ("million", million::measure),
    ("erasing", erasing::measure),
    ("saml", saml::measure),
];

/// Everything, or the parts that are named; `scale=0.01` takes a hundredth of a million.
fn measure(words: &[&str]) -> anyhow::Result<()> {
    let (scales, named): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with(SCALE));
    let scale = scales.first().map_or(Ok(1.0), |scale| scale.trim_start_matches(SCALE).parse())?;
    ensure!(scale > 0.0 && scale <= 1.0, "a scale is more than 0 and 1 at most");
    let known = PARTS.map(|(name, _)| name);
    let unknown = named.iter().find(|name| !known.contains(name));
    ensure!(unknown.is_none(), "there is no part {}; there are: {}", unknown.unwrap_or(&""), known.join(", "));
    let folder = Folder::make()?;
    let mut report = Report::begin()?;
    let cluster = Cluster::start(&folder.0.join("shared"))?;
    let (url, postgres) = (cluster.url().to_owned(), meter::postmaster(&cluster)?);
    let stage = Stage { folder: folder.0.clone(), url, postgres, scale };
    for (_, part) in PARTS.iter().filter(|(name, _)| named.is_empty() || named.contains(name)) {
        part(&mut report, &stage)?;
    }
    cluster.stop()?;
    report.end()
}

/// One PostgreSQL for what is measured with a database that already runs.
struct Stage {
    folder: PathBuf,
    url: String,
    /// The process id of its first process.
    postgres: u32,
    /// How much of a million to do.
    scale: f64,
}

impl Stage {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a number of this type")]
    fn scaled(&self, count: u32) -> u32 {
        (f64::from(count) * self.scale).ceil() as u32
    }
}

/// Under `/tmp`, so that PostgreSQL's account can pass through when root measures.
struct Folder(PathBuf);

impl Folder {
    fn make() -> anyhow::Result<Self> {
        let path = PathBuf::from(format!("/tmp/vestibule-bench-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} is left over: {error}", self.0.display());
        }
    }
}
